from __future__ import annotations

from collections.abc import Callable

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Exit
from hearth.documents import Document
from hearth.errors import EXIT_DATA, EXIT_OK
from hearth.suite.spec import SuiteSpec

Mirror = Callable[[list[Document]], InputRef]
Program = Callable[[InputRef, SuiteSpec], tuple[Artifact, Exit]]


def test_reserved_works_that_are_too_small_are_named_with_their_passages(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program
) -> None:
    artifact, end = program(mirror(library), spec.model_copy(update={"items": 1000}))
    assert end.code == EXIT_DATA
    assert "small version 1: each task wants 1000 items, but bits_per_byte_en has" in end.message
    assert "almanac en " in end.message
    assert "reserve more works, or lower suite.items" in end.message
    assert artifact.record() is None


def test_a_reserved_work_that_the_mirror_lacks_is_named(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program
) -> None:
    wanted = spec.model_copy(update={"reserved": ("almanac", "alamnac")})
    _, end = program(mirror(library), wanted)
    assert end.code == EXIT_DATA
    assert "no document of the works alamnac" in end.message
    assert "it holds almanac, letters" in end.message


def test_documents_that_come_twice_make_no_items_that_come_twice(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program
) -> None:
    doubled = [
        *library,
        *(
            Document(
                **{name: getattr(d, name) for name in d.__slots__} | {"doc_key": f"{d.doc_key}/2"}
            )
            for d in library
        ),
    ]
    _, end = program(mirror(doubled), spec)
    assert end.code == EXIT_OK


def test_empty_and_strange_documents_are_passed_over(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program
) -> None:
    strange = [
        Document(f"x:{index}", "x", "almanac", None, language, "CC0-1.0", None, text)
        for index, (language, text) in enumerate(
            [
                ("en", ""),
                ("zh", "\x00\x01\x02" * 200),
                (None, "0123456789 " * 200),
                ("fr", "Le feu reste à la maison. " * 50),
                ("en", "a" * 100_000),
            ]
        )
    ]
    _, end = program(mirror([*library, *strange]), spec)
    assert end.code == EXIT_OK
