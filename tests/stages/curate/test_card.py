"""Laws of the data card that a real curation writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, fingerprint
from hearth.curate import card
from hearth.curate.__main__ import run
from hearth.curate.plots import plots
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec
from hearth.documents import Document, write_documents
from hearth.errors import EXIT_OK
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.provenance import Meter, provenance
from hearth.storage import Store
from tests import artifacts
from tests.artifacts import execute, publish
from tests.stages.curate.conftest import PII, Corpus, library, prose, spec_of, suite_rows
from tests.stages.curate.conftest import document as made_document

ADDRESS = "https://files.example.org/en_1.0_all.deb"
SHA = "5" * 64
ALWAYS = {"waterfall", "languages", "perplexity", "tags", "mixture", "weights"}
Cards = Callable[..., dict[str, str]]


def mirror(store: Store, folder: Path, documents: list[Document]) -> InputRef:
    """A mirror's artifact with all that a mirror says of its sources."""
    write_documents(folder / "all.parquet", documents)
    rejects = [{"source": "en", "path": "a", "record": "", "reason": "encoding", "detail": ""}] * 3
    pq.write_table(pa.Table.from_pylist(rejects), folder / "rejects.parquet")
    files = [
        {"source": "en", "path": "files/en/en.deb", "address": ADDRESS, "bytes": 71, "sha256": SHA},
        {"source": "en", "path": "licences/en/usr/share/copyright", "bytes": 1, "sha256": SHA},
    ]
    (folder / "manifest.json").write_text(json.dumps({"files": files}))
    spec: dict[str, Any] = {
        "sources": [
            {"id": "en", "kind": "debian", "package": "en-doc", "licence": "CC-BY-4.0"},
            {"id": "zh", "kind": "http", "url": "https://example.org/zh.zip", "licence": "CC0-1.0"},
        ],
        "pins": {"en": {"version": "1.0"}, "zh": {"version": "2.0"}},
    }
    artifact = Artifact(store, Stage.MIRROR, fingerprint(Stage.MIRROR, 1, spec, {}))
    outputs = []
    for name, local in (
        ("documents/all.parquet", folder / "all.parquet"),
        ("rejects.parquet", folder / "rejects.parquet"),
        ("manifest.json", folder / "manifest.json"),
    ):
        info = artifact.folder.upload(local, f"attempts/1/{name}")
        outputs.append(Output(path=info.path, bytes=info.bytes, sha256=info.sha256))
    artifact.publish(
        ArtifactRecord(
            stage=Stage.MIRROR,
            name="small",
            contract=1,
            fingerprint=artifact.fingerprint,
            spec=spec,
            inputs={},
            attempt=1,
            outputs=tuple(outputs),
            metrics={},
            provenance=provenance(Stage.MIRROR, "mirrored", Meter().started, None, None),
            cost=Meter().read(),
            unverified=("the registry's signature",),
        )
    )
    return artifact.ref()


@pytest.fixture
def cards(store: Store, tmp_path: Path) -> Cards:
    """Run the program; return the card and the report."""

    def made(documents: list[Document], *, suite: bool = True, **spec: Any) -> dict[str, str]:
        (tmp_path / "key").write_bytes(b"thirty-two bytes of a secret key")
        inputs = {"mirror": mirror(store, tmp_path, documents)}
        if suite:
            pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
            inputs["suite"] = publish(
                store, Stage.SUITE, {"items.parquet": tmp_path / "items.parquet"}
            )
        secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}
        attempt = artifacts.claim(
            store, Stage.CURATE, CONTRACT, spec_of(**spec), inputs, secrets=secrets
        )
        artifact, end = execute(attempt, Stage.CURATE, CONTRACT, CurateSpec, run)
        assert end.code == EXIT_OK, end
        record = artifact.record()
        assert record is not None
        names = (card.REPORT, card.MARKDOWN, card.HTML)
        return {n: artifact.folder.get(record.output(n).path).decode() for n in names}

    return made


def test_a_corpus_has_a_card_that_its_report_makes_again(cards: Cards, tmp_path: Path) -> None:
    made = cards(library())
    (tmp_path / card.REPORT).write_text(made[card.REPORT], encoding="utf-8")
    card.write(tmp_path, {})
    for name, text in made.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text, name
    for name, text in made.items():
        assert not [secret for secret in PII if secret in text], name
    text = made[card.MARKDOWN]
    for line in (
        "| en | debian `en-doc` | 1.0 | CC-BY-4.0 | `usr/share/copyright` |",
        "| zh | http `https://example.org/zh.zip` | 2.0 | CC0-1.0 | **⚠ none** |",
        f"| en | `{ADDRESS}` | 71 | `{SHA}` |",
        "| en | encoding 3 |",
        "| mirror: by build | `mirrored` |",
        "| mirror: the registry's signature |",
        "| decontaminate | contaminated |",
    ):
        assert line in text, line
    drawn = plots(json.loads(made[card.REPORT]))
    assert set(drawn) == {"pii", "clusters", *ALWAYS}
    for svg in drawn.values():
        ET.fromstring(svg)  # noqa: S314 - our own
        assert svg in made[card.HTML]
        assert "<image" not in svg


def test_a_corpus_of_one_language_without_a_suite_has_a_card(cards: Cards) -> None:
    documents = [
        made_document(f"en:{n}", prose("en", f"plain{n}"), language="en") for n in range(30)
    ]
    made = cards(documents, suite=False, tombstones=(), reserved=())
    assert "no suite was given" in made[card.MARKDOWN]
    assert "Nothing was found." in made[card.MARKDOWN]
    report = json.loads(made[card.REPORT])
    assert set(plots(report)) == ALWAYS
    assert report["unverified"][0].startswith("no suite")


@pytest.mark.parametrize("name", ["<script>x</script>", "a$\\frac{$b", "_hidden", "测试"])
def test_a_hostile_name_is_drawn_as_it_is(corpus: Corpus, name: str) -> None:
    report = json.loads((corpus.folder / card.REPORT).read_text(encoding="utf-8"))
    for part in ("sources", "mixture"):
        text = json.dumps(report[part]).replace('"letters"', json.dumps(name))
        report[part] = json.loads(text)
    drawn = {plot: [*ET.fromstring(svg).iter()] for plot, svg in plots(report).items()}  # noqa: S314
    for found in drawn.values():
        assert not [one for one in found if "script" in one.tag]
    for plot in ("pii", "mixture"):
        assert name in [one.text for one in drawn[plot] if one.tag.endswith("}text")]
