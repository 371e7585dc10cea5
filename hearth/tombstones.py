"""The tombstones in force: what every lock from now on carries.

They lie in `tombstones/`, an object a withdrawal: all of one come into force at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pydantic import TypeAdapter, ValidationError

from hearth.errors import ConflictError, DataError
from hearth.lock import Tombstone, TombstoneKind, names_of
from hearth.storage import Store

FOLDER: Final = "tombstones"
_AT_ONCE: Final = 16
_ONE_OR_MORE: Final[TypeAdapter[tuple[Tombstone, ...]]] = TypeAdapter(tuple[Tombstone, ...])


def tombstones(root: Store) -> tuple[Tombstone, ...]:
    """Return the tombstones in force, sorted; of two that say the same, the older.

    Raises:
        DataError: one is damaged: a withdrawal must never be overlooked.
    """
    paths = [info.path for info in root.list(FOLDER)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [
            grave for some in pool.map(lambda path: _read(root, path), paths) for grave in some
        ]
    oldest = {grave.id: grave for grave in sorted(found, key=lambda one: one.since, reverse=True)}
    return tuple(oldest[name] for name in sorted(oldest))


def bury(root: Store, name: str, graves: Sequence[Tombstone]) -> None:
    """Put tombstones into force, all at once.

    Args:
        root: the root of the store.
        name: of the withdrawal; used once.
        graves: the tombstones.
    """
    path = f"{FOLDER}/{name}.json"
    if not root.create(path, _ONE_OR_MORE.dump_json(tuple(graves), indent=1)):
        message = f"{root.url(path)}: exists already: withdraw again"
        raise ConflictError(message)


class Buried:
    """Tombstones as a question: is this document buried?"""

    def __init__(self, graves: Iterable[Tombstone]) -> None:
        """Sort tombstones by what they match."""
        self.by_kind: dict[TombstoneKind, dict[str, Tombstone]] = {
            kind: {} for kind in TombstoneKind
        }
        for grave in graves:
            self.by_kind[grave.kind].setdefault(grave.value, grave)

    def __bool__(self) -> bool:
        """Say whether anything is buried."""
        return any(self.by_kind.values())

    def grave(
        self, doc_key: str, content_id: str | None = None, source: str | None = None
    ) -> Tombstone | None:
        """Return the tombstone of a document; near copies are for who knows the clusters."""
        keys = self.by_kind[TombstoneKind.KEY]
        near = self.by_kind[TombstoneKind.NEAR]
        named = (keys[name] for name in names_of(doc_key) if name in keys)
        return (
            next(named, None)
            or self.by_kind[TombstoneKind.CONTENT].get(content_id or "")
            or near.get(doc_key)
            or near.get(content_id or "")
            or self.by_kind[TombstoneKind.SOURCE].get(source or "")
        )


def without(graves: Iterable[Tombstone], known: Collection[tuple[str, str]]) -> list[Tombstone]:
    """Return the tombstones that are not among `known` pairs of kind and value."""
    return [grave for grave in graves if (str(grave.kind), grave.value) not in known]


def _read(root: Store, path: str) -> tuple[Tombstone, ...]:
    raw = root.get(path)
    try:
        if raw.lstrip().startswith(b"{"):
            return (Tombstone.model_validate_json(raw),)
        return _ONE_OR_MORE.validate_json(raw)
    except ValidationError as error:
        message = f"{root.url(path)}: is not a tombstone ({error}): nothing is built until it is"
        raise DataError(message) from error
