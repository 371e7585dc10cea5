"""The law of images on record: a job is told which image it runs in, and writes it down."""

from __future__ import annotations

from typing import Any

import pytest

from hearth.artifact import Artifact
from hearth.attempt import Attempts
from hearth.model import Stage
from hearth.pipeline import job_of, stage_plans

DIGEST = "sha256:" + "ab" * 32
IN_IMAGES = f"""
compute:
  backend: runner
  runner: {{addresses: {{model: "http://model:8000"}}, token: runner}}
images:
  registry: images.lan/llm
  by_digest: true
  model: {{repository: model, digest: "{DIGEST}"}}
"""


@pytest.mark.parametrize(
    ("stage", "image"),
    [(Stage.TRAIN, f"images.lan/llm/model@{DIGEST}"), (Stage.CURATE, None)],
)
def test_a_job_is_told_the_digest_of_its_image(
    machine: Any, stage: Stage, image: str | None
) -> None:
    plain = machine.profile.read_text()
    machine.profile.write_text(plain.replace("compute: {backend: local}\n", "") + IN_IMAGES)
    record = machine.build()
    plan = stage_plans(record)[stage]
    attempt, _ = Attempts(Artifact(machine.root, stage, plan.fingerprint)).claim_or_join(record.id)
    assert job_of(plan, record, attempt).image == image
