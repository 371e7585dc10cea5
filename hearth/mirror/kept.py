"""Documents of one source on their way to a file: their texts lie on scratch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hearth.documents import Document
from hearth.shelf import Shelf


def put(texts: Shelf, text: str) -> int:
    """Put a text on a shelf; return its number there."""
    texts.append(text.encode("utf-8", "surrogatepass"))
    return len(texts) - 1


def get(texts: Shelf, number: int) -> str:
    """Return a text from a shelf."""
    return texts[number].decode("utf-8", "surrogatepass")


class Kept:
    """Documents in the order of their keys; in memory is all of them but their texts."""

    def __init__(self, texts: Shelf) -> None:
        """Begin without any.

        Args:
            texts: where their texts are put; documents can be read while it is open.
        """
        self._texts = texts
        self._rows: list[tuple[int, Document]] = []

    def add(self, document: Document) -> None:
        """Take one in."""
        self._rows.append((put(self._texts, document.text), replace(document, text="")))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def __iter__(self) -> Iterator[Document]:
        """Yield them, in the order of their keys."""
        for number, document in sorted(self._rows, key=lambda row: row[1].doc_key):
            yield replace(document, text=get(self._texts, number))
