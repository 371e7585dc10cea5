"""What a profile allows, and how what is dropped is kept."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from pydantic import AnyHttpUrl, Field

from hearth.model import FrozenModel


class Policy(FrozenModel):
    """What is allowed."""

    allowed_hosts: tuple[str, ...] = Field(
        default=("configured-index",),
        description="Hosts that sources may be fetched from, at every redirect; "
        "`configured-index` stands for the package indexes this machine is set up with.",
    )
    approval_hours: float = Field(
        default=72.0, gt=0, description="A question to a person counts as rejected after this."
    )
    revoked_hours: float = Field(
        default=72.0,
        ge=0,
        description="So long may what serves serve on after something that it was made from was "
        "withdrawn: time to build anew. Then it is taken out of service, unless somebody allowed "
        "it (`hearth withdraw --allow URI`). 0: at once.",
    )
    require_collection: bool = Field(
        default=False, description="Refuse a source whose recipe has no collection record of it."
    )
    require_source_check: bool = Field(
        default=False, description="Refuse a source that was not checked before collection."
    )
    max_illegal_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="A source is refused whose check before collection found more illegal content "
        "than this. 0.05: the figure of `presets/cn-filing.yaml`, which names its source.",
    )

    @property
    def revoked_grace(self) -> timedelta:
        """Return how long what is revoked may serve on."""
        return timedelta(hours=self.revoked_hours)


class ObjectLock(StrEnum):
    """How an S3 bucket with Object Lock keeps objects from being deleted."""

    GOVERNANCE = "governance"
    """Only who has `s3:BypassGovernanceRetention` can delete them sooner."""
    COMPLIANCE = "compliance"
    """Nobody can, the account's root neither."""


Rejecting = Literal[
    "pii", "reserved", "exact", "near", "paragraph", "boilerplate", "decontaminate", "quality",
    "keywords", "perplexity",
]  # fmt: skip
"""Steps of curation whose dropped documents can be kept: from the step on that redacts."""


REJECTS: Final = "rejects"
"""The setting of a curate job that says where they go, and the metric that says where they went."""


class RejectSettings(FrozenModel):
    """The reject area: where documents go that curation drops, apart from the store.

    Their text is redacted as that of a corpus is, and what made a policy drop them too.
    """

    uri: str = Field(
        pattern=r"^(s3|file)://",
        description="`s3://bucket/prefix` or `file:///folder`: neither in the store nor around it.",
    )
    retention_days: int = Field(
        ge=1, le=36_500, description="After so many days `hearth gc --delete` removes them."
    )
    object_lock: ObjectLock | None = Field(
        default=None,
        description="Nobody deletes them sooner; the bucket was created with Object Lock.",
    )
    kms_key: str | None = Field(
        default=None,
        description="The customer-managed KMS key of this area alone; needed if the store has one.",
    )
    steps: tuple[Rejecting, ...] = Field(
        default=("pii", "keywords"),
        description="Whose drops are kept; others are only decisions on record.",
    )
    endpoint_url: AnyHttpUrl | None = Field(default=None, description="None: the store's.")
    region: str | None = Field(default=None, description="None: the store's.")
    credentials_file: Path | None = Field(default=None, description="None: the store's.")

    def check_apart(self, store: str, key: str | None) -> None:
        """Check that the area lies apart from a store, under a key of its own.

        Raises:
            ValueError: it does not.
        """
        own, other = (f"{uri.rstrip('/')}/" for uri in (self.uri, store))
        if own.startswith(other) or other.startswith(own):
            message = (
                f"rejects.uri: {self.uri} must lie apart from storage.uri, {store}: "
                "another bucket, or another prefix of it"
            )
        elif key and self.kms_key in {None, key}:
            message = "rejects.kms_key: the store has a key of its own, and this area needs another"
        elif self.object_lock and not own.startswith("s3://"):
            message = f"rejects.object_lock: {self.uri} is a folder, which has none"
        else:
            return
        raise ValueError(message)
