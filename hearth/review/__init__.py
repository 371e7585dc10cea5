"""What people, and machines, say of samples of a corpus."""
