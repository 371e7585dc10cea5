from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hearth.artifact import Artifact, ArtifactRecord, Cost, InputRef, Output, Provenance
from hearth.attempt import Attempts, Outcome, exit_of
from hearth.build import Build, BuildRecord, EventKind, Previous, Run
from hearth.errors import NotFoundError
from hearth.gc import PIN, Why, collect, garbage
from hearth.lock import Lock, PinnedFile, PinnedList, PinnedSource
from hearth.model import Stage
from hearth.pipeline import StagePlan, stage_plans
from hearth.profile import EndpointTarget, Profile
from hearth.recipe import Recipe
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from hearth.trace.ancestry import trace
from hearth.yamlfile import load_model

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OUTPUTS = {"corpus/split=train/part.parquet": b"texts", "splits/split=train/part.parquet": b"keys"}


def build(
    store: Store, storage: StorageSettings, number: int, follows: Build | None = None
) -> Build:
    """Write a build of the tiny recipe; each number trains with another seed.

    One that follows another has a corpus of its own, under the splits of that one's.
    """
    recipe = load_model(ROOT / "recipes" / "tiny.yaml", Recipe).model_dump(mode="json")
    recipe["train"]["seed"] = number
    previous = Previous(corpus=corpus(store, follows).ref(), why="a test") if follows else None
    file = PinnedFile(name="a.deb", address="https://example.org/a.deb", sha256="0" * 64)
    pins = tuple(
        PinnedSource(id=source["id"], kind=source["kind"], version="1", files=(file,))
        for source in recipe["mirror"]["sources"]
    )
    record = BuildRecord(
        id=f"tiny-2026010{number}T000000Z-0000000{number}",
        recipe=recipe,
        profile=Profile(
            name="local", storage=storage, endpoint=EndpointTarget(url="http://127.0.0.1:1")
        ),
        lock=Lock(recipe="tiny", resolved=NOW, sources=pins),
        run=Run(dag_id="build_llm", run_id=str(number)),
        triggered_by="test",
        created=NOW,
        previous=previous,
    )
    made = Build(store, record.id)
    made.create(record)
    for plan in stage_plans(record).values():
        publish(store, plan, record.id)
        made.append(EventKind.STAGE_DONE, plan.stage, task=plan.stage, fingerprint=plan.fingerprint)
    return made


def corpus(store: Store, of: Build) -> Artifact:
    plan = stage_plans(of.record())[Stage.CURATE]
    return Artifact(store, Stage.CURATE, plan.fingerprint)


def publish(store: Store, plan: StagePlan, build_id: str) -> None:
    artifact = Artifact(store, plan.stage, plan.fingerprint)
    if artifact.record() is not None:
        return
    attempt, _ = Attempts(artifact).claim_or_join(build_id)
    attempt.folder.put("out", b"result")
    attempt.folder.put("checkpoints/step-1/model", b"weights")
    outputs = []
    for name, data in OUTPUTS.items() if plan.stage is Stage.CURATE else ():
        path = f"attempts/{attempt.number}/{name}"
        artifact.folder.put(path, data)
        digest = hashlib.sha256(data).hexdigest()
        outputs.append(Output(path=path, bytes=len(data), sha256=digest))
    artifact.publish(
        ArtifactRecord(
            stage=plan.stage,
            name=plan.name,
            contract=plan.contract,
            fingerprint=plan.fingerprint,
            spec=plan.spec,
            inputs={
                role: InputRef(
                    uri=store.url(ref.uri.split("/store/")[1]), fingerprint=ref.fingerprint
                )
                for role, ref in plan.inputs.items()
            },
            attempt=attempt.number,
            outputs=tuple(outputs),
            metrics={"documents": 1},
            provenance=Provenance(
                git_revision=None,
                code_digest="0",
                lock_digest=None,
                packages={},
                python="3.11",
                image=None,
                host={},
                build=build_id,
                started=NOW,
                finished=NOW,
            ),
            cost=Cost(wall_seconds=1, cpu_seconds=1, peak_rss_bytes=1),
        )
    )
    attempt.settle(exit_of(Outcome.SUCCEEDED, 0, ""))


@pytest.fixture
def two_builds(store: Store, storage: StorageSettings) -> tuple[Build, Build]:
    return build(store, storage, 1), build(store, storage, 2)


def test_what_kept_builds_refer_to_is_no_garbage(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    assert {item.why for item in garbage(store)} == {Why.CHECKPOINT}


def test_what_only_an_old_build_refers_to_is_garbage(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    old, new = (stage_plans(one.record()) for one in two_builds)
    found = {item.path for item in garbage(store, kept_builds=1) if item.why is Why.ARTIFACT}
    gone = {Stage.TRAIN, Stage.EVALUATE}
    assert found == {f"artifacts/{stage}/{old[stage].fingerprint}" for stage in gone}
    assert old[Stage.CURATE].fingerprint == new[Stage.CURATE].fingerprint


def job(store: Store, name: str, *, ended: bool = True) -> str:
    folder = store.sub(f"jobs/{name}")
    for path in ("request.json", "submitted.json", "log/00000000"):
        folder.put(path, b"{}")
    if ended:
        folder.put("exit.json", b"{}")
    return f"jobs/{name}"


def test_a_clusters_job_goes_with_its_attempt_and_before_it(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    old, new = (stage_plans(one.record())[Stage.TRAIN].fingerprint[:16] for one in two_builds)
    going, kept = job(store, f"hearth-train-{old}-1"), job(store, f"hearth-train-{new}-1")
    forgotten = job(store, f"hearth-train-{new}-7")
    jobs = {job(store, name) for name in ("hearth-other-0-1", "not-hearths", f"hearth-x-{old}-1")}
    jobs |= {job(store, f"hearth-train-{'0' * 16}-1", ended=False), kept}
    found = garbage(store, kept_builds=1)
    assert {item.path for item in found if item.why is Why.JOB} == {going, forgotten}
    assert [item.why for item in found[:2]] == [Why.JOB, Why.JOB]
    collect(store, found)
    left = {info.path.rpartition("/")[0] for info in store.list("jobs")}
    assert {path.removesuffix("/log") for path in left} == jobs
    assert not [item for item in garbage(store, kept_builds=1) if item.why is Why.JOB]


def test_a_job_that_was_half_forgotten_still_says_that_it_ended(store: Store) -> None:
    name = job(store, f"hearth-train-{'0' * 16}-1")

    class Interrupted(Exception):  # noqa: N818
        pass

    class Failing(Store):
        def delete(self, path: str) -> None:
            if path.startswith("submitted"):
                raise Interrupted
            super().delete(path)

        def sub(self, path: str) -> Failing:
            return Failing(self._objects, self._root, self._key(path))

    failing = Failing(store._objects, store._root, store._prefix)
    with pytest.raises(Interrupted):
        collect(failing, garbage(store))
    assert store.exists(f"{name}/exit.json")
    collect(store, garbage(store))
    assert list(store.list("jobs")) == []


def test_a_pinned_build_keeps_its_artifacts(store: Store, two_builds: tuple[Build, Build]) -> None:
    two_builds[0].folder.put(PIN, b"")
    assert not [i for i in garbage(store, kept_builds=1) if i.why is Why.ARTIFACT]


def test_an_attempt_that_may_be_alive_is_no_garbage(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    artifact = Artifact(store, Stage.TRAIN, "e" * 64)
    attempt, _ = Attempts(artifact).claim_or_join("somebody")
    attempt.folder.put("checkpoints/step-1/model", b"weights")
    path = f"artifacts/train/{'e' * 64}/attempts/1"
    assert path not in {item.path for item in garbage(store)}
    attempt.settle(exit_of(Outcome.LOST, 75, ""))
    assert path in {item.path for item in garbage(store)}


def test_collecting_takes_what_was_found_and_nothing_else(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    new = stage_plans(two_builds[1].record())
    collect(store, garbage(store, kept_builds=1))
    assert garbage(store, kept_builds=1) == []
    for plan in new.values():
        assert Artifact(store, plan.stage, plan.fingerprint).record() is not None
    assert two_builds[0].record().recipe_name == "tiny", "a build's records are never garbage"


def test_a_trace_reaches_the_sources(store: Store, two_builds: tuple[Build, Build]) -> None:
    plan = stage_plans(two_builds[0].record())[Stage.EVALUATE]
    uri = Artifact(store, plan.stage, plan.fingerprint).uri
    node = trace(store, uri, "hearth").artifact
    while Stage.MIRROR not in {below.stage for below in node.inputs.values()}:
        node = next(iter(node.inputs.values()))
    mirror = next(n for n in node.inputs.values() if n.stage is Stage.MIRROR)
    assert set(mirror.sources) == {"debian-faq", "debian-faq-zh", "maint-guide", "maint-guide-zh"}


def test_a_trace_of_nothing_says_so(store: Store) -> None:
    with pytest.raises(NotFoundError, match="nothing serves yet"):
        trace(store, "endpoint", "hearth")


def test_a_package_that_no_kept_mirror_pins_is_garbage(
    store: Store, two_builds: tuple[Build, Build]
) -> None:
    store.put(f"cache/{'0' * 64}", b"pinned")
    store.put(f"cache/{'f' * 64}", b"old")
    found = [item.path for item in garbage(store) if item.why is Why.PACKAGE]
    assert found == [f"cache/{'f' * 64}"]
    collect(store, garbage(store))
    assert store.exists(f"cache/{'0' * 64}")
    assert not store.exists(f"cache/{'f' * 64}")


def test_a_list_that_no_kept_build_pins_is_garbage_unless_it_is_new(
    store: Store, storage: StorageSettings, two_builds: tuple[Build, Build]
) -> None:
    pin = PinnedList(name="a", version="1", sha256="a" * 64, bytes=1, entries=1)
    record = two_builds[1].record()
    lock = record.lock.model_copy(update={"lists": (pin,)})
    Build(store, "with-list").create(record.model_copy(update={"id": "with-list", "lock": lock}))
    for letter in "abc":
        path = f"lists/{letter * 64}"
        store.put(path, b"?")
        if letter != "c":
            os.utime(urlsplit(f"{storage.uri}/{path}").path, (0, 0))
    found = [item for item in garbage(store) if item.why is Why.LIST]
    assert [item.path for item in found] == [f"lists/{'b' * 64}"]
    collect(store, found)
    assert [info.path[6] for info in store.list("lists")] == ["a", "c"]


@pytest.fixture
def chain(store: Store, storage: StorageSettings) -> list[Build]:
    """Four builds, each with a corpus that follows that of the one before."""
    made = [build(store, storage, 1)]
    for number in (2, 3, 4):
        made.append(build(store, storage, number, follows=made[-1]))
    return made


def test_a_corpus_that_is_only_followed_is_garbage_but_for_what_it_says_about_splits(
    store: Store, chain: list[Build]
) -> None:
    collect(store, garbage(store, kept_builds=1))
    _, second, third, last = (corpus(store, one) for one in chain)
    assert last.record() is not None
    assert third.record() is None
    left = third.remains()
    assert left is not None
    assert [output.name for output in left.outputs] == ["splits/split=train/part.parquet"]
    assert third.folder.get(left.outputs[0].path) == b"keys"
    assert len(list(third.folder.list())) == 2
    assert not list(second.folder.list()), "nobody follows it any more"
    assert garbage(store, kept_builds=1) == []


def test_the_last_corpus_of_a_recipe_leaves_its_splits_however_many_builds_failed_since(
    store: Store, storage: StorageSettings
) -> None:
    first = build(store, storage, 1)
    for number in (2, 3):
        record = first.record().model_copy(
            update={
                "id": f"tiny-2026010{number}T000000Z-0000000{number}",
                "recipe": {**first.record().recipe, "suite": {"name": "other", "reserved": ["x"]}},
            }
        )
        Build(store, record.id).create(record)
    collect(store, garbage(store, kept_builds=2))
    assert corpus(store, first).record() is None
    assert corpus(store, first).remains() is not None


def test_what_is_left_of_a_corpus_goes_with_the_last_build_that_follows_it(
    store: Store, storage: StorageSettings, chain: list[Build]
) -> None:
    collect(store, garbage(store, kept_builds=1))
    build(store, storage, 5, follows=chain[-1])
    third = corpus(store, chain[2])
    assert Why.REMAINS in {item.why for item in garbage(store, kept_builds=1)}
    collect(store, garbage(store, kept_builds=1))
    assert not list(third.folder.list())


def test_what_is_left_of_a_corpus_that_was_made_again_is_garbage(
    store: Store, chain: list[Build]
) -> None:
    collect(store, garbage(store, kept_builds=1))
    publish(store, stage_plans(chain[2].record())[Stage.CURATE], chain[2].id)
    found = [item.path for item in garbage(store, kept_builds=2) if item.why is Why.REMAINS]
    assert found == [f"artifacts/curate/{corpus(store, chain[2]).fingerprint}/remains"]
