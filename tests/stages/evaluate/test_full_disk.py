from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hearth.artifact import InputRef
from hearth.attempt import Attempt
from hearth.errors import EXIT_TRANSIENT
from hearth.model import Stage
from hearth.storagesettings import StorageSettings

Inputs = Callable[[Path, Path, Path], dict[str, InputRef]]


def test_a_full_disk_is_named_and_may_be_tried_again(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    claim: Callable[[dict[str, InputRef]], Attempt],
    on_small_disk: Callable[..., tuple[int, str]],
    small_disk: Path,
    tmp_path: Path,
) -> None:
    attempt = claim(inputs(model_folder, suite_folder, corpus_folder))
    storage = StorageSettings(uri=f"file://{tmp_path}/store")
    code, said = on_small_disk(Stage.EVALUATE, attempt.job_uri, storage, 400)
    end = attempt.exit()
    assert end is not None
    assert (code, end.code) == (EXIT_TRANSIENT, EXIT_TRANSIENT), said
    assert str(small_disk) in end.message
    assert "no space left on the device" in end.message
    assert attempt.artifact.record() is None
