"""What the processes of a stack find in their environment."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Final

from hearth.profile import Profile
from hearth.settings import Settings
from hearth.stack.daemon import MARK
from hearth.stack.ports import HOST

# A person's own settings of these must not reach a stack that has its own.
_FOREIGN: Final = ("AIRFLOW_", "AWS_", "HEARTH_", "PYTHON", "WEED_", "MAKE", "MFLAGS")


def mark_of(home: Path) -> str:
    """Return what tells the processes of the stack in `home` from all others."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]


def shared_environment(settings: Settings, profile: Profile) -> dict[str, str]:
    """Return the environment that every daemon of the stack gets; there is no secret in it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    tools = Path(sys.executable).parent
    loopback = f"{HOST},localhost"
    bypassed = {
        name: ",".join(filter(None, (inherited.get(name), loopback)))
        for name in ("NO_PROXY", "no_proxy")
    }
    return {
        **inherited,
        **bypassed,
        "PATH": os.pathsep.join([str(tools), inherited.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        # Titles that processes give themselves would overwrite the mark where others read it.
        "SPT_NOENV": "1",
        **settings.variables(),
        **profile.storage.environment(),
        MARK: mark_of(settings.home),
    }
