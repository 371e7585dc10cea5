"""`python -m hearth.curate --job URI`: make a corpus from the mirror's documents."""

from __future__ import annotations

import os
import sys

# Before Curator or Ray are imported: nothing is reported to anybody, and logs stay readable.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("LOGURU_LEVEL", "WARNING")

from hearth.curate.program import run
from hearth.curate.spec import CONTRACT, CurateSpec
from hearth.model import Stage
from hearth.stage import main

if __name__ == "__main__":
    sys.exit(main(Stage.CURATE, CONTRACT, CurateSpec, run))
