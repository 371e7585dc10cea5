"""Whether a build can run in an account, before it costs anything: one probe, one function."""
