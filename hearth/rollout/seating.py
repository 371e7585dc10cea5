"""Which version sits in which slot, and what each slot gets: from state to routing. Pure."""

from __future__ import annotations

from datetime import datetime

from hearth.model import FrozenModel
from hearth.rollout.routing import Routing, Seat, Slot
from hearth.rollout.state import EndpointState


class Standing(FrozenModel):
    """A version's process, as far as routing cares: one that is being drained is not ready."""

    port: int | None
    ready: bool


def take_seats(seats: dict[Slot, str], wanted: list[str]) -> dict[Slot, str]:
    """Give each wanted version a slot, for as long as there are any.

    Args:
        seats: who sits where. Nobody is moved, and who is no longer wanted keeps its slot until the
            supervisor has drained it.
        wanted: versions, the serving one first.
    """
    seated = dict(seats)
    for version in wanted:
        free = [slot for slot in Slot if slot not in seated]
        if version not in seated.values() and free:
            seated[free[0]] = version
    return seated


def route(
    state: EndpointState, seats: dict[Slot, str], standing: dict[str, Standing], now: datetime
) -> Routing:
    """Return the routing that a state asks for, as far as the processes are there.

    The candidate stands in for the serving version only once it takes traffic of its own; the
    serving version always stands in for the candidate.
    """
    slots = {version: slot for slot, version in seats.items()}
    serving = state.serving.version if state.serving else None
    candidate = state.candidate.version if state.candidate else None
    weight = state.weight(now)
    made: dict[Slot, Seat] = {}
    for version, slot in slots.items():
        here = standing.get(version)
        if here is None or here.port is None:
            continue
        made[slot] = Seat(
            version=version,
            port=here.port,
            admitted=here.ready,
            spare=here.ready and (version == serving or (version == candidate and weight > 0)),
        )
    if serving in slots:
        leading = slots[serving]
    elif candidate in slots:
        # A first release: the slot next door is empty, and the candidate its spare.
        leading = slots[candidate].other
    else:
        leading = Slot.BLUE
    ready = candidate is not None and candidate in standing and standing[candidate].ready
    return Routing(
        blue=made.get(Slot.BLUE),
        green=made.get(Slot.GREEN),
        serving=leading,
        weight=weight if ready else 0,
        created=int(state.serving.since.timestamp()) if state.serving else 0,
    )
