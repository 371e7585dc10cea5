"""The command line: `hearth`."""

from __future__ import annotations

from hearth.cli.main import app

__all__ = ["app"]
