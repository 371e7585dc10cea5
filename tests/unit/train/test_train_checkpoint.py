from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hearth.errors import DataError
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from hearth.train import checkpoint
from hearth.train.checkpoint import (
    aside,
    clear,
    name_of,
    newest_valid,
    prune,
    seal,
    sealed_steps,
    step_of,
)
from hearth.train.plan import DIVERGENCE_STEPS, before_window
from hearth.train.transfer import Uploader, fetch_newest

RUN = "a" * 64


def write(root: Path, step: int, content: bytes = b"weights", run: str = RUN) -> Path:
    clear(aside(root, step))
    (aside(root, step) / "model").write_bytes(content + str(step).encode())
    (aside(root, step) / "moments").write_bytes(b"moments")
    return seal(root, step, run, world_size=2)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(StorageSettings(uri=f"file://{tmp_path}/store"))


def test_the_newest_checkpoint_wins(tmp_path: Path) -> None:
    for step in (5, 10, 1_000_000):
        write(tmp_path, step)
    found = newest_valid(tmp_path, RUN)
    assert found is not None
    assert (found[0].name, found[1].step) == ("step-1000000", 1_000_000)


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert newest_valid(tmp_path / "nowhere", RUN) is None


def test_what_was_not_sealed_is_no_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 5)
    clear(aside(tmp_path, 10))
    (aside(tmp_path, 10) / "model").write_bytes(b"half of it")
    found = newest_valid(tmp_path, RUN)
    assert found is not None
    assert found[1].step == 5


@pytest.mark.parametrize("damaged", ["model", "moments", "manifest.json"])
def test_a_flipped_byte_sends_back_to_the_checkpoint_before(
    tmp_path: Path, damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 5)
    flip(write(tmp_path, 10) / damaged)
    found = newest_valid(tmp_path, RUN)
    assert found is not None
    assert found[1].step == 5
    assert "checkpoint refused, the one before is used" in caplog.text
    assert str(tmp_path / "step-000010") in caplog.text


def test_a_refusal_names_file_and_hashes(tmp_path: Path) -> None:
    folder = write(tmp_path, 5)
    said = checkpoint.verify(folder, RUN).files[0].sha256
    flip(folder / "model")
    with pytest.raises(DataError, match=rf"model: has sha256 \w{{64}}, its manifest says {said}"):
        checkpoint.verify(folder, RUN)


def test_a_missing_file_sends_back_to_the_checkpoint_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (write(tmp_path, 5) / "moments").unlink()
    assert newest_valid(tmp_path, RUN) is None
    caplog.clear()
    write(tmp_path, 5)
    gone = write(tmp_path, 10) / "moments"
    gone.unlink()
    found = newest_valid(tmp_path, RUN)
    assert found is not None
    assert found[1].step == 5
    assert f"the one before is used: {gone}: has sha256 nothing" in caplog.text


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 5, run="b" * 64)
    assert newest_valid(tmp_path, RUN) is None


def test_a_step_reached_again_replaces_its_damaged_checkpoint(tmp_path: Path) -> None:
    flip(write(tmp_path, 5) / "model")
    write(tmp_path, 5)
    assert newest_valid(tmp_path, RUN) is not None


def test_pruning_keeps_the_newest_and_drops_what_was_not_sealed(tmp_path: Path) -> None:
    for step in (50, 100, 150, 200):
        write(tmp_path, step)
    clear(aside(tmp_path, 250))
    prune(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name_of(150), name_of(200)]


def test_pruning_keeps_one_that_the_losses_of_a_divergence_do_not_reach(tmp_path: Path) -> None:
    for step in range(2, 62, 2):
        write(tmp_path, step)
        prune(tmp_path, 2)
        steps = sealed_steps(tmp_path)
        assert steps[:2] == [step, step - 2][: step // 2]
        assert len(steps) <= 4
        # Whenever it diverges until the next one is sealed.
        for now in (step, step + 1):
            good = before_window(steps, now)
            assert (good is not None) == (now >= DIVERGENCE_STEPS + 2), (steps, now)
            assert good is None or good > now - 3 * DIVERGENCE_STEPS


def upload(root: Path, store: Store, attempt: str, *steps: int) -> None:
    uploader = Uploader(root, store.sub(attempt), RUN, keep=2)
    for step in steps:
        write(root, step)
        uploader.run()


def test_the_next_attempt_gets_the_newest_checkpoint_of_all_earlier_ones(
    tmp_path: Path, store: Store
) -> None:
    upload(tmp_path / "one", store, "1", 5, 10, 15)
    upload(tmp_path / "two", store, "2", 20)
    upload(tmp_path / "three", store, "3")
    earlier = [store.sub(number) for number in ("3", "2", "1")]
    found = fetch_newest(earlier, tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 20
    assert newest_valid(tmp_path / "here", RUN) is not None


def test_the_store_keeps_as_many_checkpoints_as_asked(tmp_path: Path, store: Store) -> None:
    upload(tmp_path / "one", store, "1", 50, 100, 150)
    names = {info.path.split("/")[1] for info in store.sub("1").list()}
    assert names == {name_of(100), name_of(150)}


def test_a_damaged_object_sends_back_to_the_checkpoint_before(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    upload(tmp_path / "one", store, "1", 5, 10)
    path = "1/checkpoints/step-000010/model"
    store.put(path, b"x" * len(store.get(path)))
    found = fetch_newest([store.sub("1")], tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 5
    assert sealed_steps(tmp_path / "here") == [5]
    assert store.url(path) in caplog.text


def test_the_store_keeps_one_that_the_losses_of_a_divergence_do_not_reach(
    tmp_path: Path, store: Store
) -> None:
    upload(tmp_path / "one", store, "1", *range(5, 105, 5))
    names = {info.path.split("/")[1] for info in store.sub("1").list()}
    steps = sorted((step for step in map(step_of, names) if step), reverse=True)
    assert steps[:2] == [100, 95]
    assert before_window(steps, 100) is not None
    assert len(steps) <= 4


def test_what_a_diverged_training_has_left_is_copied_too(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "one"
    uploader = Uploader(root, store.sub("1"), RUN, keep=2)
    for step in (5, 10, 40):  # too fast for whoever copies
        write(root, step)
    uploader.run()
    assert store.folders("1/checkpoints") == (name_of(40),)
    uploader.rest()
    assert sorted(store.folders("1/checkpoints")) == [name_of(5), name_of(10), name_of(40)]


def test_a_truncated_object_sends_back_to_the_checkpoint_before_and_says_so(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    upload(tmp_path / "one", store, "1", 5, 10)
    path = "1/checkpoints/step-000010/model"
    store.put(path, store.get(path)[:-1])
    found = fetch_newest([store.sub("1")], tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 5
    assert f"the one before is used: {store.url(path)}" in caplog.text


def test_a_missing_object_sends_back_to_the_checkpoint_before_and_says_so(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    upload(tmp_path / "one", store, "1", 5, 10)
    path = "1/checkpoints/step-000010/moments"
    store.delete(path)
    found = fetch_newest([store.sub("1")], tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 5
    assert "the one before is used" in caplog.text
    assert store.url(path) in caplog.text


def test_half_an_upload_is_no_checkpoint(tmp_path: Path, store: Store) -> None:
    upload(tmp_path / "one", store, "1", 5, 10)
    store.delete("1/checkpoints/step-000010/manifest.json")
    found = fetch_newest([store.sub("1")], tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 5


def test_what_came_from_the_store_is_not_sent_back(tmp_path: Path, store: Store) -> None:
    upload(tmp_path / "one", store, "1", 5)
    root = tmp_path / "here"
    fetch_newest([store.sub("1")], root, RUN)
    uploader = Uploader(root, store.sub("2"), RUN, keep=2)
    uploader.skip(5)
    uploader.run()
    assert sealed_steps(root) == [5]
    assert not list(store.sub("2").list())


def test_a_checkpoint_pruned_before_its_upload_is_left_out(tmp_path: Path, store: Store) -> None:
    uploader = Uploader(tmp_path, store.sub("1"), RUN, keep=2)
    (write(tmp_path, 5) / "model").unlink()
    uploader.run()
    write(tmp_path, 10)
    uploader.run()
    found = fetch_newest([store.sub("1")], tmp_path / "here", RUN)
    assert found is not None
    assert found.step == 10
