"""Block lists and keyword categories: whose, which, found how, and what becomes of a document."""
