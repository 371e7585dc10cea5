"""Curate: documents in, a corpus with a reason for everything that is not in it."""
