"""What a recipe says about its rollout."""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel

ALL: Final = 100
"""All of the traffic, in percent."""


class Limits(FrozenModel):
    """How much worse than the serving version, over the same minutes, a candidate may be."""

    error_rate: float = Field(
        default=0.02, ge=0, le=1, description="Failed requests, above the serving version's share."
    )
    latency_p50_ratio: float = Field(
        default=2.5, gt=1, description="Median latency over the serving version's."
    )
    latency_p95_ratio: float = Field(
        default=4.0, gt=1, description="95th percentile of latency over the serving version's."
    )
    latency_p50_slack_seconds: float = Field(
        default=0.03, ge=0, description="A difference of medians below this is never a breach."
    )
    latency_p95_slack_seconds: float = Field(
        default=0.3,
        ge=0,
        description="A difference of 95th percentiles below this is never a breach: with few "
        "requests, one hiccup of a busy machine makes the percentile.",
    )
    latency_p95_seconds: float = Field(
        default=10.0, gt=0, description="The bound for a first release, which has no rival."
    )
    bad_answers: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of smoke answers that may be empty, unreadable or one unit repeated. "
        "Small models loop under greedy decoding, so this is not 0.",
    )


class RolloutSection(FrozenModel):
    """How a candidate takes over an endpoint. None of it is part of any fingerprint."""

    steps: tuple[int, ...] = Field(
        default=(10, 50, ALL),
        min_length=1,
        description="Percent of the traffic that the candidate takes; the last is 100.",
    )
    min_requests: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Requests that the candidate answers in each step before it is judged; "
        "synthetic ones where there is no traffic.",
    )
    step_seconds: float = Field(
        default=3.0, ge=0, le=86_400, description="The shortest time that each step takes."
    )
    step_timeout_seconds: float = Field(
        default=120.0, gt=0, description="A step that has too few requests by then is a breach."
    )
    ready_timeout_seconds: float = Field(
        default=180.0, gt=0, description="How long the candidate may take to download and start."
    )
    start_attempts: int = Field(
        default=2,
        ge=1,
        le=10,
        description="Starts that may crash before the candidate is given up.",
    )
    confirm_requests: int = Field(
        default=20,
        ge=1,
        description="Requests at the end that the endpoint must answer with the new version.",
    )
    request_timeout_seconds: float = Field(
        default=20.0, gt=0, description="A synthetic request that takes longer has failed."
    )
    max_tokens: int = Field(
        default=8, ge=1, le=4096, description="Tokens that each synthetic request asks for."
    )
    smoke_tokens: int = Field(
        default=24, ge=8, le=4096, description="Tokens that each smoke request asks for."
    )
    prompts: tuple[str, ...] = Field(
        default=(
            "The first thing that an administrator does after the installation is to",
            "A package manager is a program that",
            "In the beginning of the year, the people of the town",
            "To see which files have changed, run the command and",
            "安装完成之后,管理员首先要做的是",
            "软件包管理器是一种",
            "春天来了,山上的花",
            "要查看哪些文件发生了变化,可以运行",
        ),
        min_length=4,
        description="What smoke and synthetic requests ask to be continued, in every language of "
        "the model. Different prompts must not all get one answer.",
    )
    limits: Limits = Field(default=Limits(), description="What counts as a breach.")

    @model_validator(mode="after")
    def _steps_rise_to_all(self) -> Self:
        rising = all(one < next_ for one, next_ in zip(self.steps, self.steps[1:], strict=False))
        if self.steps[0] < 1 or self.steps[-1] != ALL or not rising:
            message = f"steps {list(self.steps)}: must rise from at least 1 to exactly {ALL}"
            raise ValueError(message)
        if len(set(self.prompts)) != len(self.prompts):
            message = "prompts: must differ from each other"
            raise ValueError(message)
        return self
