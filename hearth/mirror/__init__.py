"""The mirror: fetch what the lock pins, keep every byte with its licence, extract documents."""
