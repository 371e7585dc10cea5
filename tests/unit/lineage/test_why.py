"""A document's whole way."""

from __future__ import annotations

import pytest

from hearth.artifact import Artifact
from hearth.build import EventKind
from hearth.errors import NotFoundError
from hearth.gc import garbage
from hearth.model import Stage
from hearth.trace.corpora import find_corpus
from hearth.trace.why import why
from tests.unit.lineage.library import (
    ALICE,
    BOB,
    COPY,
    ENDPOINT,
    SHORT,
    TEXTS,
    TWIN,
    Library,
    content,
    serve,
)  # fmt: skip


def test_a_kept_document_has_its_origin_every_step_its_place_and_its_holders(
    home: Library,
) -> None:
    version = serve(home)
    way = why(home.store, home.corpus, ALICE)
    assert way.place is not None
    assert way.place.split == "train"
    assert way.content_id == content(ALICE)
    assert way.origin is not None
    assert (way.origin.source, way.origin.version) == ("debian-faq", "1")
    assert way.origin.licence == "GPL-2.0-or-later"
    assert way.origin.work == "debian-faq/alice.html#1"
    assert way.origin.addresses == ("https://example.org/a.deb",)
    assert [step.step for step in way.steps] == list(home.corpus.steps())
    pii = next(step for step in way.steps if step.step == "pii")
    assert [(span.kind, span.start, span.end) for span in pii.spans] == [("EMAIL", 9, 26)]
    assert way.copies == (COPY,)
    assert [(one.kind, one.role) for one in way.held_by] == [
        ("model", None),
        ("endpoint", "serving"),
    ]
    assert way.held_by[1].version == version.version


def test_a_way_never_holds_text(home: Library) -> None:
    for key, text in TEXTS.items():
        said = why(home.store, home.corpus, key).model_dump_json()
        assert "alice@example.org" not in said
        assert text not in said


def test_a_copy_of_a_copy_is_led_to_the_one_that_stayed(home: Library) -> None:
    way = why(home.store, home.corpus, TWIN)
    assert way.place is None
    assert way.steps[-1].canonical == COPY
    assert way.stand_in is not None
    assert way.stand_in.document == ALICE
    assert "its copy" in way.outcome


def test_a_dropped_document_says_where_why_and_is_held_by_nothing(home: Library) -> None:
    serve(home)
    way = why(home.store, home.corpus, SHORT)
    assert way.outcome == "not in the corpus: quality: too short"
    assert way.held_by == ()


def test_what_the_mirror_refused_ends_there(home: Library) -> None:
    way = why(home.store, home.corpus, "debian-faq:bad.html#1")
    assert [(step.step, step.reason) for step in way.steps] == [
        ("mirror", "encoding: not UTF-8 at byte 7")
    ]


@pytest.mark.parametrize("key", ["debian-faq:law/7", "debian-faq:law/7/2"])
def test_a_refused_record_that_is_known_by_its_key_alone_is_found_in_whatever_file_it_was(
    home: Library, key: str
) -> None:
    with pytest.raises(NotFoundError):
        why(home.store, home.corpus, key)
    mirror = Artifact(home.store, Stage.MIRROR, home.plan(Stage.MIRROR).fingerprint)
    record = mirror.record()
    assert record is not None
    rule = {"files": "*.jsonl", "format": "jsonl", "fields": {"key": "id", "unique": "source"}}
    spec = {**record.spec, "sources": [{"id": "debian-faq", "extract": [rule]}]}
    said = record.model_copy(update={"spec": spec})
    mirror.folder.put("artifact.json", said.model_dump_json().encode())
    (step,) = why(home.store, home.corpus, key).steps
    assert step.reason == "duplicate-key: is there twice (record law/7 of dump.jsonl)"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("debian-faq:bob.html#7", ("6 documents", "like it are debian-faq:bob.html#1")),
        ("nonesuch:a", ("the sources are debian-faq, debian-faq-zh, maint-guide",)),
    ],
)
def test_an_unknown_document_says_what_was_searched(
    home: Library, key: str, words: tuple[str, ...]
) -> None:
    with pytest.raises(NotFoundError) as caught:
        why(home.store, home.corpus, key)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_corpus_is_found_by_all_its_names(home: Library) -> None:
    serve(home)
    corpus = home.corpus
    model = home.store.url(f"artifacts/train/{home.plan(Stage.TRAIN).fingerprint}")
    start = corpus.record.fingerprint[:8]
    for name in (
        "endpoint", ENDPOINT, "tiny", home.build.id, corpus.uri, model, start,
    ):  # fmt: skip
        assert find_corpus(home.store, name, ENDPOINT).uri == corpus.uri


def test_an_unknown_corpus_is_told_with_those_that_are_known(home: Library) -> None:
    with pytest.raises(NotFoundError, match=home.corpus.record.fingerprint[:12]):
        find_corpus(home.store, "nonesuch", ENDPOINT)
    with pytest.raises(NotFoundError, match="nothing serves yet"):
        find_corpus(home.store, "endpoint", ENDPOINT)


def test_a_held_out_document_is_told_apart(home: Library) -> None:
    way = why(home.store, home.corpus, BOB)
    assert way.place is not None
    assert way.place.split == "test"


def test_a_build_is_asked_what_it_made_not_what_it_would_make_now(home: Library) -> None:
    corpus = home.corpus
    fields = {"task": "curate", "uri": corpus.uri, "fingerprint": corpus.record.fingerprint}
    home.build.append(EventKind.STAGE_DONE, Stage.CURATE, **fields)
    record = home.build.record()
    other = record.model_copy(update={"recipe": {**record.recipe, "curate": {"of": "yore"}}})
    home.build.folder.put("build.json", other.model_dump_json().encode())
    for name in ("tiny", home.build.id):
        assert find_corpus(home.store, name, ENDPOINT).uri == corpus.uri
    paths = {item.path for item in garbage(home.store)}
    assert f"artifacts/curate/{corpus.record.fingerprint}" not in paths


def test_a_recipe_without_builds_has_its_newest_corpus(home: Library) -> None:
    corpus = home.corpus
    home.build.folder.delete("build.json")
    assert find_corpus(home.store, "tiny", ENDPOINT).uri == corpus.uri
