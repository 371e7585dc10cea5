"""What writes and checks the documentation; nothing here is shipped."""
