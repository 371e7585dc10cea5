"""Find and redact personal information and secrets, in English and Chinese text."""
