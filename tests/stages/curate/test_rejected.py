"""Laws of what curation drops: its text is redacted, and lies in the reject area alone."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import ArtifactRecord
from hearth.curate.__main__ import run
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.near import Shingler
from hearth.curate.normalise import clean
from hearth.curate.pii.kinds import DataClass, PiiAction
from hearth.curate.pii.section import PiiRule, PiiSection
from hearth.curate.sketches import least
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec, Grave
from hearth.documents import write_documents
from hearth.lock import Sketch, TombstoneKind
from hearth.model import Stage
from hearth.policy import REJECTS
from hearth.profile import RejectArea, SecretRef
from hearth.rejects import Area
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests.artifacts import claim, execute, publish
from tests.stages.curate.conftest import PII, document, library, prose, spec_of

LEFT = "letters:5"
WITHDRAWN = "letters:6"
"""Both hold a secret, for which the policy below drops them."""
TEXT = clean(f"With AKIAIOSFODNN7EXAMPLE as key, {prose('en', 'dropped')}")


LOST = clean(f"With AKIAIOSFODNN7EXAMPLE as key, {prose('en', 'lost')}")
"""Withdrawn, and in no source any more."""


def sketched(text: str, key: ContentKey) -> Grave:
    section = spec_of().dedup
    own = Shingler(section, key.seed(Domain.SHINGLE)).shingles(text, "en")
    sketch = Sketch(
        words=section.shingle_words,
        characters=section.shingle_characters,
        shingles=len(own),
        least=base64.b64encode(least(own)).decode(),
    )
    value = key.content_id(text)
    return Grave(kind=TombstoneKind.NEAR, value=value, key=key.fingerprint, sketch=sketch)


@dataclass
class Dropped:
    """A corpus with a policy that drops, and the area beside it."""

    store: Store
    area: Area
    record: ArtifactRecord
    log: str

    @property
    def rows(self) -> dict[str, dict[str, str]]:
        (held,) = self.area.held()
        parts = [
            pq.read_table(pa.BufferReader(self.area.store.get(output.path)))
            for output in self.area.outputs(held)
        ]
        return {row["doc_key"]: row for part in parts for row in part.to_pylist()}

    def read(self, name: str) -> str:
        folder = self.store.sub(f"artifacts/curate/{self.record.fingerprint}")
        return folder.get(self.record.output(name).path).decode()


@pytest.fixture(scope="module")
def dropped(
    tmp_path_factory: pytest.TempPathFactory,
) -> Dropped:
    folder = tmp_path_factory.mktemp("dropped")
    settings = StorageSettings(uri=f"file://{folder}/store")
    store = Store.open(settings)
    place = RejectArea(
        storage=StorageSettings(uri=f"file://{folder}/apart"),
        retention_days=30,
        steps=("pii", "quality"),
    )
    own = [
        document("own:withdrawn", TEXT),
        document("own:near", f"{LOST} Indeed."),
        document("own:stays", f"{TEXT}\nNo doubt."),
    ]
    write_documents(folder / "documents.parquet", [*library(), *own])
    key = ContentKey(b"thirty-two bytes of a secret key")
    (folder / "key").write_bytes(key.secret)
    mirror = publish(store, Stage.MIRROR, {"documents/all.parquet": folder / "documents.parquet"})
    rule = PiiRule(classes=(DataClass.SECRET,), action=PiiAction.DROP)
    spec = spec_of(
        pii=PiiSection(rules=(rule,)),
        tombstones=(
            Grave(kind=TombstoneKind.KEY, value=WITHDRAWN),
            Grave(kind=TombstoneKind.CONTENT, value=key.content_id(TEXT), key=key.fingerprint),
            sketched(LOST, key),
            sketched(LOST, ContentKey(b"the key before this one")),
        ),
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.environment().items():
            patch.setenv(name, value)
        attempt = claim(
            store,
            Stage.CURATE,
            CONTRACT,
            spec,
            {"mirror": mirror},
            secrets={CONTENT_KEY: SecretRef(file=folder / "key")},
            settings={REJECTS: place.model_dump(mode="json")},
        )
        artifact, end = execute(attempt, Stage.CURATE, CONTRACT, CurateSpec, run)
    record = artifact.record()
    assert record is not None, end
    return Dropped(store, Area(place), record, end.message)


def test_what_a_policy_drops_is_in_the_reject_area_redacted(dropped: Dropped) -> None:
    row = dropped.rows[LEFT]
    assert (row["step"], row["source"]) == ("pii", "letters")
    assert row["reason"].startswith("holds ")
    assert "<" in row["text"]
    assert len(row["text"]) > 100
    assert {row["step"] for row in dropped.rows.values()} == {"pii", "quality"}


def test_what_is_withdrawn_is_not_kept_there(dropped: Dropped) -> None:
    assert not {WITHDRAWN, "own:withdrawn", "own:near"} & dropped.rows.keys()
    assert "own:stays" in dropped.rows


def test_a_tombstone_under_another_key_is_reported_as_unverified(dropped: Dropped) -> None:
    (said,) = [one for one in dropped.record.unverified if "tombstones" in one]
    assert said.startswith("1 tombstones name contents under another content_key")


def test_nothing_that_was_found_is_anywhere(dropped: Dropped) -> None:
    for store, folder in ((dropped.store, "artifacts/curate"), (dropped.area.store, "")):
        for info in store.list(folder):
            data = store.get(info.path)
            assert not [secret for secret in PII if secret.encode() in data], info.path
    texts = "\n".join(row["text"] for row in dropped.rows.values())
    assert not [secret for secret in PII if secret in texts]
    assert not [secret for secret in PII if secret in dropped.log]


def test_a_dropped_text_is_not_in_the_store(dropped: Dropped) -> None:
    words = dropped.rows[LEFT]["text"].split("\n")[1].encode()
    for info in dropped.store.list("artifacts/curate"):
        if info.path.endswith(".parquet"):
            table = pq.read_table(pa.BufferReader(dropped.store.get(info.path)))
            assert words.decode() not in str(table.to_pylist()), info.path


def test_record_and_card_say_where_dropped_documents_are(dropped: Dropped) -> None:
    said = dropped.record.metrics[REJECTS]
    (held,) = dropped.area.held()
    assert isinstance(said, dict)
    assert said["uri"] == held.uri
    assert said["documents"] == len(dropped.rows)
    assert json.loads(dropped.read("report.json"))[REJECTS] == said
    assert held.uri in dropped.read("card.md")
