from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from hearth.lock import (
    Change,
    Lock,
    PinnedFile,
    PinnedSource,
    Tombstone,
    TombstoneKind,
    diff,
    names_of,
)


def pin(name: str, version: str = "1", sha: str = "a", host: str = "x") -> PinnedSource:
    file = PinnedFile(name=f"{name}.deb", address=f"https://{host}/{name}", sha256=sha * 64)
    return PinnedSource(id=name, kind="debian", version=version, files=(file,))


def lock(*pins: PinnedSource, graves: tuple[Tombstone, ...] = ()) -> Lock:
    return Lock(recipe="r", resolved=datetime.now(UTC), sources=pins, tombstones=graves)


GRAVE = Tombstone(kind=TombstoneKind.KEY, value="s:1", reason="asked for", since=datetime.now(UTC))


def test_nothing_moved_between_equal_locks() -> None:
    assert not diff(lock(pin("a"), pin("b")), lock(pin("b"), pin("a")))


def test_an_address_that_moved_is_no_move() -> None:
    assert not diff(lock(pin("a", host="x")), lock(pin("a", host="y")))


def test_a_diff_names_what_was_added_removed_moved_and_replaced() -> None:
    old = lock(pin("gone"), pin("moved", "1"), pin("replaced", sha="a"), pin("same"))
    new = lock(pin("new"), pin("moved", "2", "b"), pin("replaced", sha="b"), pin("same"))
    changes = {move.source: move.change for move in diff(old, new).moves}
    assert changes == {
        "gone": Change.REMOVED,
        "moved": Change.VERSION,
        "new": Change.ADDED,
        "replaced": Change.BYTES,
    }


def test_everything_is_new_at_first() -> None:
    assert [str(move) for move in diff(None, lock(pin("a", "2"))).moves] == ["a: new, 2"]


def test_a_diff_names_tombstones_that_came_and_went() -> None:
    assert diff(lock(), lock(graves=(GRAVE,))).buried == (GRAVE,)
    assert diff(lock(graves=(GRAVE,)), lock()).lifted == (GRAVE,)


def test_the_digest_knows_data_not_time_or_place() -> None:
    assert lock(pin("a", host="x")).digest == lock(pin("a", host="y")).digest
    assert lock(pin("a", sha="a")).digest != lock(pin("a", sha="b")).digest
    assert lock(pin("a")).digest != lock(pin("a"), graves=(GRAVE,)).digest


def test_a_source_is_pinned_once() -> None:
    with pytest.raises(ValidationError, match="pinned twice: a"):
        lock(pin("a"), pin("a"))


def test_a_lock_survives_json() -> None:
    one = lock(pin("a"), graves=(GRAVE,))
    assert Lock.model_validate_json(one.model_dump_json()) == one


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("s:a.html#1", ("s:a.html#1", "s:a.html")),
        ("s:dump#7/2", ("s:dump#7/2", "s:dump")),
        ("s:law/7", ("s:law/7",)),
    ],
)
def test_a_passage_is_named_by_its_key_and_by_its_record(key: str, names: tuple[str, ...]) -> None:
    assert names_of(key) == names
