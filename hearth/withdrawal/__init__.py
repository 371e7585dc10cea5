"""Withdrawing documents: who holds them, and what may no longer be used."""
