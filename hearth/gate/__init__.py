"""Gate: may this candidate serve? Decided from item scores, never reused, never run as a job."""
