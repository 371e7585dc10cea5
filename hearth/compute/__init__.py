"""Where jobs run: one module per backend, all behind `hearth.compute.backend.Backend`.

Nothing is imported here, so that the shim of a local job stays small.
"""

from __future__ import annotations
