"""Jobs on a Slurm cluster.

A job has a folder in the store (`folder`), which is how it and its clients talk: they need no file
system in common, and no port. Slurm itself is reached by one of two transports: its REST API
(`rest`, `payload`, `token`), or its commands (`commands`), here or on a login node. On the node
`shim` runs the command, guarded as a local job's is. `backend` puts them together.
"""

from __future__ import annotations
