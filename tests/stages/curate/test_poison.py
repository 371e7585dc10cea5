"""Laws of poison: a document that blows a step up is rejected by name, and its shard goes on."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import signal
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from nemo_curator.tasks import DocumentBatch

from hearth.curate import cell, judge, prepare, refine
from hearth.curate.cell import BrokenError, Cell, KilledError, PoisonError
from hearth.curate.choice import ray_executor
from hearth.curate.executor import InProcessExecutor
from hearth.curate.passes import Pass
from hearth.curate.shards import Shards
from hearth.curate.spec import ReadSection
from hearth.curate.stages.apart import Apart
from hearth.curate.stages.marking import MarkingStage, Rows
from hearth.documents import Document, write_documents
from hearth.errors import EXIT_DEFECT, EXIT_TRANSIENT, TransientError
from tests.stages.curate.conftest import KEY, Corpus, Curate, document, library, spec_of

BAD = Path(__file__).with_name("bad") / "poison.jsonl"
SECONDS = 2
PHONE = "13912345678"


def blow(text: str) -> None:
    if "POISON pattern" in text:
        re.search(r"(a+)+b", text)
    if "POISON nesting" in text:
        json.loads("[" * 200_000)
    if "POISON crash" in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "POISON exit" in text:
        os._exit(3)
    if "POISON kill" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "POISON defect" in text:
        raise KeyError(text)


@dataclass
class BlowUp(MarkingStage):
    """Does what it is told by a document."""

    name: str = "blow_up"

    def edit(self, frame: pd.DataFrame) -> None:
        rows = Rows(frame, "blow")
        texts = rows.column("text")
        for place in rows.live:
            blow(texts[place])
        rows.store(text=texts)


def poison() -> list[dict[str, Any]]:
    with BAD.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def blowing(monkeypatch: pytest.MonkeyPatch) -> None:
    good = prepare.stages

    def stages(*args: Any) -> list[Any]:
        first, *rest = good(*args)
        return [first, BlowUp(), *rest]

    monkeypatch.setattr(prepare, "stages", stages)


def poisoned() -> list[Document]:
    """The library, and poison among it."""
    bad = [document(b["key"], b["text"] * b.get("repeat", 1)) for b in poison()]
    return [*library(), *bad]


@pytest.mark.usefixtures("blowing")
def test_poison_is_rejected_by_name_and_the_rest_is_the_same(
    curated: Curate, corpus: Corpus
) -> None:
    bad = poison()
    made = curated(poisoned(), read=ReadSection(document_seconds=SECONDS))
    assert {b["key"]: made.fate(b["key"]) for b in bad} == {
        b["key"]: ("read", b["reason"]) for b in bad
    }
    assert texts(made) == texts(corpus)
    assert made.metrics["drops"].items() >= corpus.metrics["drops"].items()


@pytest.mark.slow
@pytest.mark.usefixtures("blowing")
def test_poison_is_rejected_on_ray_as_in_one_process(tmp_path: Path) -> None:
    path, spec = tmp_path / "documents.parquet", spec_of(read=ReadSection(document_seconds=SECONDS))
    write_documents(path, poisoned())
    with closing(ray_executor()) as executor:
        there = prepare.prepare([path], spec, KEY, Pass(executor, Shards(tmp_path / "there"), 24))
    here = prepare.prepare(
        [path], spec, KEY, Pass(InProcessExecutor(), Shards(tmp_path / "here"), 24)
    )
    assert [pq.read_table(one) for one in there] == [pq.read_table(one) for one in here]
    rows = [row for one in there for row in pq.read_table(one).to_pylist()]
    reasons = {row["doc_key"]: (row["step"], row["reason"]) for row in rows}
    assert {b["key"]: reasons[b["key"]] for b in poison()} == {
        b["key"]: ("read", b["reason"]) for b in poison()
    }


def texts(made: Corpus) -> dict[str, bytes]:
    return {name: data for name, data in made.files().items() if name.startswith("corpus/")}


@pytest.mark.parametrize(
    ("module", "name", "step"),
    [
        (judge, "FilterByLanguage", "decontaminate"),
        (refine, "ScorePerplexity", "perplexity"),
        (refine, "CountTokens", "perplexity"),
    ],
)
def test_poison_of_a_later_pass_goes_there(
    curated: Curate, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, step: str
) -> None:
    good = getattr(module, name)

    class Crash(good):  # type: ignore[misc]
        def edit(self, frame: pd.DataFrame) -> None:
            if frame["text"].str.contains("The lamp of the yard that kills").any():
                os.kill(os.getpid(), signal.SIGSEGV)
            super().edit(frame)

        def process(self, task: DocumentBatch) -> DocumentBatch:
            if task.to_pandas()["text"].str.contains("The lamp of the yard that kills").any():
                os.kill(os.getpid(), signal.SIGSEGV)
            return super().process(task)

    monkeypatch.setattr(module, name, Crash)
    made = library()
    last = next(one for one in made if one.doc_key == "en:page/02")
    text = last.text + "\nThe lamp of the yard that kills keeps a river and finds the stone."
    at = made.index(last)
    made[at] = document("en:page/02", text, work=last.work, language="en")
    found = curated(made)
    where, reason = found.fate("en:page/02")
    assert (where, str(reason)[:38]) == (step, "poison: the process died of SIGSEGV in")
    assert "en:page/04" in {row["doc_key"] for row in found.rows} | set(found.step("quality"))
    assert "en:page/02" not in {row["doc_key"] for row in found.rows}


@pytest.fixture
def cells() -> Iterator[list[Cell]]:
    made: list[Cell] = []
    yield made
    for one in made:
        one.close()


def test_a_cell_that_died_is_there_again(cells: list[Cell]) -> None:
    cells.append(Cell(lambda text: blow(text) or text.upper(), SECONDS))
    assert cells[0].ask("a") == "A"
    for bad in ("POISON crash", "POISON exit", "POISON nesting"):
        with pytest.raises(PoisonError):
            cells[0].ask(bad)
        assert cells[0].ask("b") == "B"


def test_what_only_waits_is_ended_by_the_clock(
    cells: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell, "_PATIENCE", 1)
    cells.append(Cell(time.sleep, 1))
    with pytest.raises(PoisonError, match="over 1 s by the clock"):
        cells[0].ask(3_600)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """What is logged, by the process beside too."""
    handler = logging.FileHandler(tmp_path / "log")
    logging.getLogger().addHandler(handler)
    yield (tmp_path / "log").read_text
    logging.getLogger().removeHandler(handler)
    handler.close()


def test_a_defect_is_no_poison_and_says_where_and_nothing_of_the_data(
    cells: list[Cell], log: Callable[[], str]
) -> None:
    cells.append(Cell(blow, SECONDS))
    with pytest.raises(BrokenError, match=r"^KeyError at test_poison\.py:\d+$") as raised:
        cells[0].ask(f"POISON defect of {PHONE}")
    told = log() + "".join(traceback.format_exception(raised.value))
    assert "a defect in a process beside: KeyError\n" in told
    assert "raise KeyError(text)" in told
    assert PHONE not in told
    assert raised.value.exit_code == EXIT_DEFECT


@pytest.mark.usefixtures("blowing")
def test_a_defect_of_a_run_names_its_stage_and_nothing_of_the_text(
    curated: Curate, log: Callable[[], str]
) -> None:
    with pytest.raises(BrokenError, match=r"KeyError at test_poison\.py:\d+ in blow_up$") as raised:
        curated([document("zz:a", f"POISON defect of {PHONE}")])
    told = log() + "".join(traceback.format_exception(raised.value))
    assert "a defect in a process beside: KeyError\n" in told
    assert PHONE not in told


def test_a_stop_is_no_poison(cells: list[Cell]) -> None:
    cells.append(Cell(lambda _: os.kill(os.getpid(), signal.SIGTERM), SECONDS))
    with pytest.raises(TransientError, match="start it again"):
        cells[0].ask(None)


def test_a_kill_from_outside_is_no_poison(cells: list[Cell]) -> None:
    cells.append(Cell(lambda text: blow(text) or text.upper(), SECONDS))
    with pytest.raises(KilledError, match="killed from outside"):
        cells[0].ask("POISON kill")
    assert cells[0].ask("b") == "B"


@dataclass
class KillOnce(MarkingStage):
    """Is killed at its first batches, as on a machine that is short of memory for a while."""

    marks: Path = Path()
    times: int = 1
    name: str = "kill_once"

    def edit(self, _frame: pd.DataFrame) -> None:
        done = len(list(self.marks.iterdir()))
        if done < self.times:
            (self.marks / str(done)).touch()
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_batch_that_was_killed_from_outside_loses_nothing(tmp_path: Path) -> None:
    rows = pd.DataFrame([{"doc_key": f"a:{n}", "text": f"text {n}"} for n in range(3)])
    task = DocumentBatch(dataset_name="x", data=rows)
    good = through(task, BlowUp())
    killed = through(task, KillOnce(marks=tmp_path), BlowUp())
    assert list(tmp_path.iterdir())
    assert killed.to_dict("records") == good.to_dict("records")


def test_a_document_that_is_killed_alone_fails_the_run_by_name_and_is_not_given_up(
    tmp_path: Path,
) -> None:
    rows = pd.DataFrame([{"doc_key": f"a:{n}", "text": f"text {n}"} for n in range(3)])
    task = DocumentBatch(dataset_name="x", data=rows)
    with pytest.raises(KilledError, match=r"^document a:0: .* in kill_once") as raised:
        through(task, KillOnce(marks=tmp_path, times=2))
    assert raised.value.exit_code == EXIT_TRANSIENT


def through(task: DocumentBatch, *stages: MarkingStage) -> pd.DataFrame:
    apart = Apart(stages=list(stages), seconds=SECONDS, step="gone")
    apart.setup()
    try:
        return apart.process(task).to_pandas()
    finally:
        apart.teardown()


def test_a_cell_ends_with_whoever_asks(cells: list[Cell]) -> None:
    cells.append(Cell(lambda _: os.getpid(), SECONDS))
    pid = cells[0].ask(None)
    cells.pop().close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_stage_holds_goes_with_its_pass() -> None:
    rows = pd.DataFrame([{"doc_key": "a:1", "text": "text"}])
    stage = BlowUp()
    left = weakref.ref(stage)
    gc.collect()
    # Whatever only a search for garbage would find is inherited by the next process beside.
    gc.disable()
    try:
        through(DocumentBatch(dataset_name="x", data=rows), stage)
        del stage
        assert left() is None
    finally:
        gc.enable()


def test_a_row_apart_is_as_in_its_batch() -> None:
    rows = [{"doc_key": f"a:{n}", "text": f"text {n}"} for n in range(5)]
    good = through(DocumentBatch(dataset_name="x", data=pd.DataFrame(rows)), BlowUp())
    rows[3]["text"] = "POISON crash"
    bad = through(DocumentBatch(dataset_name="x", data=pd.DataFrame(rows)), BlowUp())
    assert bad.drop(index=3).to_dict("records") == good.drop(index=3).to_dict("records")
    assert (bad["text"][3], bad["step"][3]) == ("", "gone")
