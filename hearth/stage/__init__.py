"""What every stage program is made of: its job, the context of its work, the program around it.

A stage is a pure function of its spec and inputs. Its program is called as
`python -m hearth.<stage> --job <URI of job.json>`, wherever a backend puts it, and ends with one
of the exit codes of `hearth.errors`. Killed at any point and started again as the next attempt,
it ends in the same artifact.
"""
