"""Who needs a cluster, written on the cluster itself: in its tags.

A cluster that is kept carries a lease for each build that runs on it; one that was made for a build
carries that build's name. So whoever sees the cluster can tell whether somebody still waits for it,
also when the task that started it, its triggerer or all of Airflow was killed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hearth.model import FrozenModel

STORE: Final = "hearth:store"
"""Which store holds the builds: another Airflow's clusters are none of ours."""

BUILD: Final = "hearth:build"
"""The one build that a cluster was made for."""

SCALED: Final = "hearth:scaled"
"""Hearth raised a group's count, and owes it back."""

_LEASE: Final = "hearth:lease:"
_FOREIGN: Final = re.compile(r"[^\w .:/=+\-@]")
_LONGEST: Final = 256


class Leases(FrozenModel):
    """What the tags of a cluster say."""

    ours: bool
    """Hearth made it, or took it over, for builds of this store."""
    build: str | None
    """The build that it was made for."""
    builds: tuple[str, ...]
    """The builds that hold a lease of it."""
    scaled: bool

    @property
    def needed_by(self) -> tuple[str, ...]:
        """All builds that are to be asked before it goes."""
        return (*((self.build,) if self.build else ()), *self.builds)


def read(tags: Mapping[str, str], store: str) -> Leases:
    """Return what tags say.

    Args:
        tags: of a cluster.
        store: the URI of the store whose builds are asked about.
    """
    return Leases(
        ours=tags.get(STORE) == value_of(store),
        build=tags.get(BUILD),
        builds=tuple(sorted(key.removeprefix(_LEASE) for key in tags if key.startswith(_LEASE))),
        scaled=SCALED in tags,
    )


def key_of(build: str) -> str:
    """Return the key of a build's lease."""
    return f"{_LEASE}{build}"


def value_of(text: str) -> str:
    """Return `text` as a tag's value may be.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
    """
    return _FOREIGN.sub("_", text)[:_LONGEST]
