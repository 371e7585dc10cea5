"""The mirror as a stage program."""

from __future__ import annotations

import sys

from hearth.mirror.program import run
from hearth.mirror.spec import CONTRACT, MirrorSpec
from hearth.model import Stage
from hearth.stage.program import main

if __name__ == "__main__":
    sys.exit(main(Stage.MIRROR, CONTRACT, MirrorSpec, run))
