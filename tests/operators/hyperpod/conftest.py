"""The operators of HyperPod on an emulated AWS of its own process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string

from hearth.errors import TransientError
from hearth.profile import load_profile
from hearth.storage import Store
from operators.aws import hook_of
from operators.hyperpod import keeper
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.keeper import Keeper
from rehearsal.aws.process import Emulator, emulator

REGION = "cn-northwest-1"
AWS = """
aws:
  region: cn-northwest-1
  endpoint_url: {url}
  subnets: [subnet-1]
  security_groups: [sg-1]
  hyperpod:
    cluster: hearth
    keep: {keep}
    adopt: {adopt}
    continuous: true
    node_recovery: {recovery}
    execution_role: hearth-nodes
    lifecycle: {{uri: "s3://sagemaker-hearth/lifecycle"}}
    groups:
      - {{name: controller, instance_type: ml.m5.large, count: 1, slurm: Controller}}
      - {{name: workers, instance_type: ml.p4d.24xlarge, count: {count}, idle: 0, slurm: Compute}}
    repair: {{action: {action}, budget: {budget}}}
    wait_minutes: {minutes}
"""


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    # Reading SageMaker's service model takes longer than anything else here.
    loader = botocore.loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch, emulator(provision_seconds=0.05) as running:
        patch.setattr(botocore.session, "create_loader", lambda *_: loader)
        yield running


class Cloud:
    """The emulator, a profile that uses it, and SageMaker as anybody sees it."""

    def __init__(self, place: Any, aws: Emulator) -> None:
        self.place = place
        self.aws = aws
        self._plain = (place.config / "profiles" / "test.yaml").read_text()

    def profile(self, **settings: Any) -> None:
        """Write the profile."""
        values = {
            "keep": "true", "adopt": "false", "count": 2, "action": "replace", "budget": 2,
            "minutes": 1, "recovery": "None", **settings,
        }  # fmt: skip
        path = self.place.config / "profiles" / "test.yaml"
        path.write_text(self._plain + AWS.format(url=self.aws.url, **values))

    @cached_property
    def hook(self) -> HyperPodHook:
        settings = load_profile("test").aws
        assert settings
        return hook_of(HyperPodHook, settings)

    @property
    def keeper(self) -> Keeper:
        settings = load_profile("test").aws
        assert settings
        assert settings.hyperpod
        root: Store = self.place.root
        return Keeper(self.hook, settings, settings.hyperpod, root)

    def clusters(self) -> list[str]:
        return list(self.hook.names(""))

    def counts(self, cluster: str = "hearth") -> dict[str, int]:
        described = self.hook.describe(cluster)
        assert described
        return {g["InstanceGroupName"]: g["TargetCount"] for g in described["InstanceGroups"]}

    def shows(self, status: str, cluster: str = "hearth") -> None:
        """Wait until a node is seen in a state: with a lag, the cluster itself is not at once."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.hook.describe(cluster) is not None and any(
                node.status == status for node in self.hook.nodes(cluster)
            ):
                return
            time.sleep(0.02)
        pytest.fail(f"no node of {cluster} is {status}")

    def settled(self, cluster: str = "hearth") -> None:
        """Wait until no change goes on."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            described = self.hook.describe(cluster)
            ready = described is not None and described["ClusterStatus"] == "InService"
            if ready and all(node.status == "Running" for node in self.hook.nodes(cluster)):
                return
            time.sleep(0.02)
        pytest.fail(f"{cluster} does not settle")


@pytest.fixture
def cloud(place: Any, aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "rehearsal")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # botocore's own retries would hide what the operators do.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setattr(keeper, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(keeper, "VISIBLE_SECONDS", 0.5)
    aws.reset()
    made = Cloud(place, aws)
    made.profile()
    return made


async def _first(trigger: Any) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError


@pytest.fixture
def run() -> Callable[..., Any]:
    """Runs an operator to its end, its triggers as they come out of Airflow's database."""

    def drive(operator: Any, context: Context) -> Any:
        step: Callable[[], Any] = lambda: operator.execute(context)  # noqa: E731
        for _ in range(20):
            try:
                return step()
            except TaskDeferred as deferred:
                assert deferred.timeout is None  # noqa: PT017 - a law of every deferral
                path, arguments = deferred.trigger.serialize()
                again = import_string(path)(**json.loads(json.dumps(arguments)))
                event = asyncio.run(asyncio.wait_for(_first(again), 30))
                method, kwargs = deferred.method_name, deferred.kwargs or {}
                # Another process resumes: it knows nothing but the event.
                step = lambda: getattr(operator, method)(context, event, **kwargs)  # noqa: B023, E731
        pytest.fail("it defers for ever")

    return drive


@pytest.fixture
def tried(run: Callable[..., Any]) -> Callable[..., Any]:
    """Runs an operator as Airflow does: what passes is tried again."""

    def try_again(make: Callable[[], Any], context: Context, tries: int = 5) -> Any:
        for _ in range(tries - 1):
            try:
                return run(make(), context)
            except TransientError:
                continue
        return run(make(), context)

    return try_again
