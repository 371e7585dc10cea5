"""Laws of policies on a corpus, and of the stage in a pipeline of somebody's own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
from nemo_curator.pipeline import Pipeline
from nemo_curator.tasks import DocumentBatch

from hearth.curate.__main__ import _key
from hearth.curate.executor import InProcessExecutor
from hearth.curate.keys import ContentKey
from hearth.curate.pii.kinds import PiiAction, PiiKind, Span
from hearth.curate.pii.policy import pseudonym
from hearth.curate.pii.section import PiiRule, PiiSection
from hearth.curate.prepare import stages
from hearth.curate.stages.redact import RedactPii
from hearth.errors import SpecError
from tests.stages.curate import conftest
from tests.stages.curate.conftest import KEY, PII, Curate, spec_of

PSEUDONYMS = b"a key of pseudonyms, of a test"


def run(stage: RedactPii, **columns: list[object]) -> pd.DataFrame:
    task = DocumentBatch(dataset_name="own", data=pd.DataFrame(columns))
    (made,) = Pipeline(name="own", stages=[stage]).run(InProcessExecutor(), initial_tasks=[task])
    return made.to_pandas()


def test_a_policy_decides_by_kind_and_source(curated: Curate) -> None:
    rules = (
        PiiRule(kinds=(PiiKind.IPV4,), sources=("letters",), action=PiiAction.KEEP),
        PiiRule(kinds=(PiiKind.ACCESS_KEY,), action=PiiAction.DROP),
        PiiRule(kinds=(PiiKind.CN_MOBILE,), action=PiiAction.MASK),
    )
    corpus = curated(pii=PiiSection(rules=rules))
    numbers = {secret: number for number, secret in enumerate(PII)}
    texts = {row["doc_key"]: row["text"] for row in corpus.rows}
    assert "202.96.134.133" in texts[f"letters:{numbers['202.96.134.133']}"]
    assert "1********78" in texts[f"letters:{numbers['13912345678']}"]
    key = f"letters:{numbers['AKIAIOSFODNN7EXAMPLE']}"
    assert corpus.fate(key) == ("pii", "holds access_key")
    for secret in PII:
        if secret != "202.96.134.133":  # noqa: S105 - an address
            assert not any(secret in text for text in texts.values())
            assert not [name for name, data in corpus.files().items() if secret.encode() in data]


def test_pseudonyms_come_from_a_key_of_their_own(curated: Curate) -> None:
    section = PiiSection(action=PiiAction.PSEUDONYMISE)
    spec = spec_of(pii=section)
    chosen = [stage for stage in stages(spec, KEY) if isinstance(stage, RedactPii)]
    with pytest.raises(SpecError, match="pii_key"):
        run(chosen[0], text=["a"])
    key = ContentKey(KEY.secret, PSEUDONYMS)
    assert PSEUDONYMS.decode() not in repr(key)
    (stage,) = [stage for stage in stages(spec, key) if isinstance(stage, RedactPii)]
    assert PSEUDONYMS.decode() not in repr(stage)
    frame = run(stage, text=["电话13912345678。"])
    said = pseudonym("139 1234 5678", PiiKind.CN_MOBILE, PSEUDONYMS)
    assert frame["redacted"].tolist() == [f"电话{said}。"]


def test_a_corpus_of_pseudonyms_holds_no_value_and_no_key(
    curated: Curate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "KEY", ContentKey(KEY.secret, PSEUDONYMS))
    corpus = curated(pii=PiiSection(action=PiiAction.PSEUDONYMISE))
    said = pseudonym("13912345678", PiiKind.CN_MOBILE, PSEUDONYMS)
    (letter,) = [row["text"] for row in corpus.rows if row["doc_key"] == "letters:0"]
    assert letter.count(said) == 2
    for name, data in corpus.files().items():
        for hidden in (*PII, PSEUDONYMS.decode(), PSEUDONYMS.hex()):
            assert hidden.encode() not in data, name


def test_only_pseudonyms_ask_for_their_key(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(KEY.secret)
    (tmp_path / "pii").write_bytes(PSEUDONYMS)

    class Asked:
        names: ClassVar[list[str]] = []

        def secret(self, name: str) -> bytes:
            self.names.append(name)
            return (tmp_path / name.removesuffix("_key")).read_bytes()

    assert _key(Asked(), spec_of()).pseudonyms == b""
    section = PiiSection(action=PiiAction.PSEUDONYMISE)
    assert _key(Asked(), spec_of(pii=section)).pseudonyms == PSEUDONYMS
    assert Asked.names == ["content_key", "content_key", "pii_key"]


def test_a_pipeline_of_ones_own_redacts_in_place_with_a_detector_of_ones_own() -> None:
    class Shouting:
        def detect(self, view: str) -> list[Span]:
            start = view.find("ALICE")
            return [Span(start, start + 5, PiiKind.PERSON_NAME)] if start >= 0 else []

    stage = RedactPii(
        section=PiiSection(rules=(PiiRule(sources=("b",), action=PiiAction.DROP),)),
        detectors=(Shouting(),),
        output="text",
    )
    frame = run(stage, text=["ALICE at a@b.org", "nobody", "ALICE"], source=["a", "b", "b"])
    assert frame["text"].tolist() == ["<PERSON_NAME> at <EMAIL>", "nobody", ""]
    assert frame["step"].tolist() == ["", "", "pii"]
    assert frame["reason"].tolist() == [None, None, "holds person_name"]
    assert frame["spans"][0] == (("person_name", 0, 5), ("email", 9, 16))


def test_a_source_is_asked_for_only_by_rules_that_name_one() -> None:
    assert RedactPii().inputs() == (["data"], ["text"])
    rule = PiiRule(sources=("b",), action=PiiAction.DROP)
    assert RedactPii(section=PiiSection(rules=(rule,))).inputs() == (["data"], ["text", "source"])
