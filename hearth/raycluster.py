"""The Ray cluster that curation works on, and how a job is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from hearth.model import FrozenModel

RAY_ADDRESS: Final = "RAY_ADDRESS"
"""Ray's own variable: the cluster that a job works on."""
RAY_HERE: Final = "local"
"""Its value, Ray's own too, for a cluster of one node: started here, it ends with the run."""
RAY_PLACE: Final = rf"^({RAY_HERE}|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*):[0-9]{{1,5}})$"
"""Its values that are understood; an address of IPv6 stands in brackets."""


class RayCluster(FrozenModel):
    """A Ray cluster that is there; the machine that a job runs on must be a node of it."""

    address: str = Field(
        pattern=RAY_PLACE,
        description="`host:port` of its head; `local`: one of one node, which the job starts.",
    )
    token_file: Path | None = Field(
        default=None,
        description="A file on the job's machine with the token that the cluster asks for, if it "
        "asks for one (Ray's `RAY_AUTH_MODE=token`).",
    )

    def environment(self) -> dict[str, str]:
        """Return Ray's own variables for it: no secret is in them."""
        token = (
            {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.token_file)}
            if self.token_file
            else {}
        )
        return {RAY_ADDRESS: self.address, **token}
