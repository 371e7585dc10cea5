"""What becomes of a reject area's documents: kept until their time, then deleted.

A withdrawn document goes before its time, unless Object Lock forbids it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hearth.model import FrozenModel
from hearth.rejects import Area, Held
from hearth.storage import Store
from hearth.tombstones import tombstones
from hearth.withdrawal.holding import Kind
from hearth.withdrawal.holdings import holdings


class State(StrEnum):
    """What becomes of a folder of dropped documents."""

    KEPT = "its retention goes on"
    PAST = "past its retention"
    WITHDRAWN = "among its documents are withdrawn ones: those go"
    LOCKED = "it is under object lock"


class Retained(FrozenModel):
    """A folder of a reject area."""

    path: str
    why: State
    until: datetime
    documents: int | None
    objects: int
    bytes: int


def retained(
    root: Store, area: Area, now: datetime, *, withdrawn: bool = False, delete: bool = False
) -> list[Retained]:
    """Return what becomes of everything in a reject area.

    Args:
        root: the root of the store.
        area: the reject area.
        now: what its retention is held against.
        withdrawn: also take out what is withdrawn.
        delete: do it, and do not only say it.
    """
    graves = tombstones(root) if withdrawn else ()
    buried = {
        one.name: one.documents
        for one in (holdings(root, graves, area=area) if graves else ())
        if one.kind is Kind.REJECT and one.documents
    }
    return [_one(area, held, now, buried.get(held.uri, ()), delete=delete) for held in area.held()]


def _one(
    area: Area, held: Held, now: datetime, buried: tuple[str, ...], *, delete: bool
) -> Retained:
    why, locked = State.KEPT, None
    if held.until <= now:
        why = State.PAST
        locked = area.purge(held) if delete else None
    elif buried:
        why = State.WITHDRAWN
        locked = area.strike(held, buried, now) if delete else None
    return Retained(
        path=held.uri,
        why=State.LOCKED if locked else why,
        until=locked or held.until,
        documents=held.record.documents if held.record else None,
        objects=held.objects,
        bytes=held.bytes,
    )
