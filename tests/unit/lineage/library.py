"""A small library in a store: mirror, corpus, model and endpoint, written as Hearth writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.artifact import Artifact, ArtifactRecord, Cost, Output, Provenance
from hearth.attempt import Attempts, Outcome, exit_of
from hearth.build import Build, BuildRecord, Run
from hearth.curate import tables
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.ledger import Action, Decision, Ledger, Step
from hearth.curate.near import Shingler
from hearth.curate.plan import Split
from hearth.curate.sections import DedupSection
from hearth.curate.sketches import least
from hearth.curate.spec import SPLITS
from hearth.documents import Document, write_documents
from hearth.lock import Lock, PinnedFile, PinnedSource, Tombstone
from hearth.mirror.records import Reason, Refusal, Reject, write_rejects
from hearth.model import Stage
from hearth.pipeline import StagePlan, stage_plans
from hearth.profile import EndpointTarget, Profile
from hearth.recipe import Recipe
from hearth.rollout.state import EndpointState, Version, change_state
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from hearth.suite.tasks import SCHEMA as ITEMS
from hearth.trace.corpora import Corpus
from hearth.yamlfile import load_model

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ContentKey(b"a key of sixteen bytes, or more")
ENDPOINT = "hearth"
EMPTY = {pa.string(): "", pa.int64(): 0, pa.list_(pa.string()): []}

ALICE, BOB, COPY, TWIN, SHORT, RESERVED = (
    "debian-faq:alice.html#1",
    "debian-faq:bob.html#1",
    "debian-faq:copy.html#1",
    "debian-faq-zh:twin.html#1",
    "debian-faq:short.html#1",
    "maint-guide:one.html#1",
)
"""In train, in test, a near copy of ALICE, an exact copy of COPY, too short, of the suite."""

TEXTS = {
    ALICE: "Write to alice@example.org about the archive and its packages.",
    BOB: "The maintainers of a package answer in the bug tracking system.",
    COPY: "Write to alice@example.org about the archive and its parcels.",
    TWIN: "Write to alice@example.org about the archive and its parcels.",
    SHORT: "Short.",
    RESERVED: "What the suite is made of.",
}


@dataclass
class Library:
    """A store, and a build that is finished in it."""

    store: Store
    storage: StorageSettings
    build: Build

    @property
    def corpus(self) -> Corpus:
        return corpus_of(self.store, self.build)

    def plan(self, stage: Stage) -> StagePlan:
        return stage_plans(self.build.record())[stage]


def corpus_of(store: Store, build: Build) -> Corpus:
    record = Artifact(
        store, Stage.CURATE, stage_plans(build.record())[Stage.CURATE].fingerprint
    ).record()
    assert record is not None
    return Corpus(store, record)


def content(key: str) -> str:
    return KEY.content_id(TEXTS.get(key, key))


def build_record(
    storage: StorageSettings, number: int, tombstones: Sequence[Tombstone] = ()
) -> BuildRecord:
    recipe = load_model(ROOT / "recipes" / "tiny.yaml", Recipe).model_dump(mode="json")
    file = PinnedFile(name="a.deb", address="https://example.org/a.deb", sha256="0" * 64)
    pins = tuple(
        PinnedSource(id=source["id"], kind=source["kind"], version="1", files=(file,))
        for source in recipe["mirror"]["sources"]
    )
    return BuildRecord(
        id=f"tiny-2026010{number}T000000Z-0000000{number}",
        recipe=recipe,
        profile=Profile(
            name="local", storage=storage, endpoint=EndpointTarget(url="http://127.0.0.1:1")
        ),
        lock=Lock(recipe="tiny", resolved=NOW, sources=pins, tombstones=tuple(tombstones)),
        run=Run(dag_id="build_llm", run_id=str(number)),
        triggered_by="test",
        created=NOW,
    )


def library(
    storage: StorageSettings,
    scratch: Path,
    number: int = 1,
    *,
    tombstones: Sequence[Tombstone] = (),
    more: Mapping[str, str] | None = None,
    asked: Sequence[str] = (),
) -> Library:
    """Make everything that a build makes; what is buried by key is not in its corpus."""
    store = Store.open(storage)
    record = build_record(storage, number, tombstones)
    build = Build(store, record.id)
    build.create(record)
    plans = stage_plans(record)
    buried = {grave.value for grave in tombstones}
    scratch.mkdir(exist_ok=True, parents=True)
    _publish(store, plans[Stage.MIRROR], record.id, _mirror(scratch / "mirror"))
    _publish(store, plans[Stage.SUITE], record.id, _suite(scratch / "suite", asked))
    _publish(store, plans[Stage.CURATE], record.id, _corpus(scratch / "corpus", buried, more or {}))
    model = scratch / "model"
    model.mkdir(exist_ok=True)
    (model / "model.safetensors").write_bytes(b"weights")
    _publish(
        store,
        plans[Stage.TRAIN],
        record.id,
        [(model / "model.safetensors", "model.safetensors", None)],
    )
    _publish(store, plans[Stage.EVALUATE], record.id, [])
    return Library(store, storage, build)


def serve(home: Library) -> Version:
    """Let the build's model serve."""
    plan = home.plan(Stage.TRAIN)
    uri = home.store.url(f"artifacts/train/{plan.fingerprint}")
    version = Version.of(uri, plan.fingerprint, home.build.id, NOW)
    change_state(
        home.store,
        ENDPOINT,
        lambda state: EndpointState.model_validate({**state.model_dump(), "serving": version}),
    )
    return version


File = tuple[Path, str, int | None]


def _mirror(folder: Path) -> list[File]:
    folder.mkdir(exist_ok=True)
    files: list[File] = []
    for source in ("debian-faq", "debian-faq-zh", "maint-guide"):
        path = folder / f"{source}.parquet"
        rows = write_documents(
            path, (_document(key) for key in sorted(TEXTS) if key.startswith(f"{source}:"))
        )
        files.append((path, f"documents/{source}.parquet", rows))
    rejects = [
        Reject("debian-faq", "bad.html", Refusal(Reason.ENCODING, "not UTF-8 at byte 7")),
        Reject(
            "debian-faq", "dump.jsonl", Refusal(Reason.DUPLICATE_KEY, "is there twice", "law/7")
        ),
    ]
    files.append(
        (
            folder / "rejects.parquet",
            "rejects.parquet",
            write_rejects(folder / "rejects.parquet", rejects),
        )
    )
    manifest = folder / "manifest.json"
    entry = {
        "source": "debian-faq",
        "path": "files/debian-faq/a.deb",
        "address": "https://example.org/a.deb",
    }
    manifest.write_text(json.dumps({"files": [entry]}))
    files.append((manifest, "manifest.json", 1))
    return files


def _suite(folder: Path, asked: Sequence[str]) -> list[File]:
    folder.mkdir(exist_ok=True)
    items = [
        {"task": "cloze_en", "item": str(n), "group": key, "language": "en", "text": "?"}
        for n, key in enumerate(asked)
    ]
    pq.write_table(pa.Table.from_pylist(items, schema=ITEMS), folder / "items.parquet")
    return [(folder / "items.parquet", "items.parquet", len(items))]


def _document(key: str) -> Document:
    source = key.partition(":")[0]
    work = "maint-guide" if key == RESERVED else "debian-faq/" + key.partition(":")[2]
    language = "zh" if source.endswith("zh") else "en"
    return Document(key, source, work, None, language, "GPL-2.0-or-later", None, TEXTS[key])


def _corpus(folder: Path, buried: set[str], more: Mapping[str, str]) -> list[File]:
    ledger = Ledger(folder / "decisions")
    texts = {**TEXTS, **more}
    gone = {
        SHORT: (Step.QUALITY, "too short", None),
        RESERVED: (Step.RESERVED, "reserved work", None),
        TWIN: (Step.EXACT, "exact copy", COPY),
        COPY: (Step.NEAR, "near copy", ALICE),
    } | dict.fromkeys(buried, (Step.WITHDRAWN, "withdrawn by key", None))
    for step in Step:
        for key in sorted(TEXTS):
            decision = _decide(key, step, gone.get(key))
            if decision is not None:
                ledger.add(step, decision)
    files = ledger.close()
    for split in Split:
        keys = [k for k in (ALICE, BOB, *more) if k not in buried and _split(k) is split]
        columns: dict[str, list[Any]] = {
            "doc_key": keys,
            "content_id": [content(key) for key in keys],
            "source": [key.partition(":")[0] for key in keys],
            "work": ["debian-faq/" + key.partition(":")[2] for key in keys],
            "group": [KEY.name(Domain.GROUP, key)[:16] for key in keys],
            "language": ["en" for _ in keys],
            "text": [texts[key].replace("alice@example.org", "<EMAIL>") for key in keys],
            "characters": [len(texts[key]) for key in keys],
            "licence": ["GPL-2.0-or-later" for _ in keys],
        }
        for field in tables.CORPUS:
            empty = None if field.nullable else EMPTY[field.type]
            columns.setdefault(field.name, [empty for _ in keys])
        files += tables.write(folder / "corpus" / f"split={split.value}", tables.CORPUS, columns)
        known = {
            **columns,
            "parallel": [None for _ in keys],
            "content_key": ["a key" for _ in keys],
        }
        files += tables.write(folder / SPLITS / f"split={split.value}", tables.SPLITS, known)
    files += tables.write(folder / "sketches", tables.SKETCHES, _sketches(TEXTS))
    return [(path, path.relative_to(folder).as_posix(), rows) for path, rows in files]


def _sketches(texts: Mapping[str, str]) -> dict[str, list[Any]]:
    keys = sorted(texts)
    section = DedupSection()
    shingler = Shingler(section, KEY.seed(Domain.SHINGLE))
    own = [shingler.shingles(texts[key], "en") for key in keys]
    return {
        "doc_key": keys,
        "content_id": [content(key) for key in keys],
        "content_key": [KEY.fingerprint for _ in keys],
        "words": [section.shingle_words for _ in keys],
        "characters": [section.shingle_characters for _ in keys],
        "shingles": [len(shingles) for shingles in own],
        "least": [least(shingles) for shingles in own],
    }


def _split(key: str) -> Split:
    return Split.TEST if key == BOB else Split.TRAIN


def _decide(key: str, step: Step, gone: tuple[Step, str, str | None] | None) -> Decision | None:
    order = list(Step)
    if gone is not None and order.index(step) > order.index(gone[0]):
        return None
    size, found = len(TEXTS[key]), content(key)
    if gone is not None and step is gone[0]:
        return Decision(
            key, found, "en", size, 0, Action.DROPPED, gone[1], score=0.9, canonical=gone[2]
        )
    if step is Step.PII and "alice@" in TEXTS[key]:
        return Decision(key, found, "en", size, size, Action.EDITED, spans=(("EMAIL", 9, 26),))
    reason = _split(key).value if step is Step.SPLIT else None
    return Decision(key, found, "en", size, size, Action.KEPT, reason)


def _publish(store: Store, plan: StagePlan, build: str, files: Sequence[File]) -> None:
    artifact = Artifact(store, plan.stage, plan.fingerprint)
    if artifact.record() is not None:
        return
    attempt, _ = Attempts(artifact).claim_or_join(build)
    outputs = []
    for local, name, rows in files:
        info = attempt.folder.upload(local, name)
        path = f"attempts/{attempt.number}/{name}"
        outputs.append(Output(path=path, bytes=info.bytes, sha256=info.sha256, rows=rows))
    if plan.stage is Stage.TRAIN:
        attempt.folder.put("checkpoints/step-1/model", b"weights")
    artifact.publish(
        ArtifactRecord(
            stage=plan.stage,
            name=plan.name,
            contract=plan.contract,
            fingerprint=plan.fingerprint,
            spec=plan.spec,
            inputs=plan.inputs,
            attempt=attempt.number,
            outputs=tuple(outputs),
            metrics={},
            provenance=Provenance(
                git_revision=None,
                code_digest="0",
                lock_digest=None,
                packages={},
                python="3.11",
                image=None,
                host={},
                build=build,
                started=NOW,
                finished=NOW,
            ),
            cost=Cost(wall_seconds=1, cpu_seconds=1, peak_rss_bytes=1),
        )
    )
    attempt.settle(exit_of(Outcome.SUCCEEDED, 0, ""))
