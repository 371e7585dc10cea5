"""Which container image a job's environment stands for, by the name that a registry knows it by."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from hearth.aws import AwsSettings, Image, registry_of
from hearth.errors import SpecError
from hearth.model import CURATOR, MODEL, FrozenModel


class Images(FrozenModel):
    """The images that jobs run in, and the registry that has them."""

    registry: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*$",
        description="A registry's host, with a prefix if it has one; empty: ECR, in the region and "
        "partition of `aws`.",
    )
    account: str | None = Field(
        default=None, pattern=r"^\d{12}$", description="With ECR: whose registry it is."
    )
    by_digest: bool = Field(
        default=False,
        description="Refuse images that are named by tag, which may be moved: for production.",
    )
    curator: Image | None = Field(default=None, description="Mirror and curate.")
    model: Image | None = Field(default=None, description="Suite, train and evaluate.")

    @model_validator(mode="after")
    def _can_be_named(self) -> Self:
        if (self.registry is None) is (self.account is None):
            message = "images: name either registry, or account: the owner of a registry in ECR"
            raise ValueError(message)
        for name, image in self.named().items():
            if self.registry is not None and image.account is not None:
                message = f"images.{name}.account: only ECR has accounts, {self.registry} has none"
                raise ValueError(message)
            if self.by_digest and image.digest is None:
                message = (
                    f"images.{name}: by_digest refuses the tag {image.tag!r}: give its digest, "
                    "sha256:…"
                )
                raise ValueError(message)
        return self

    def named(self) -> dict[str, Image]:
        """Return environment → image."""
        both = {CURATOR: self.curator, MODEL: self.model}
        return {name: image for name, image in both.items() if image is not None}

    def host(self, image: Image, aws: AwsSettings | None) -> str:
        """Return the registry that an image is in, with its prefix.

        Raises:
            SpecError: it is ECR's, and nobody says in which region.
        """
        if self.registry is not None:
            return self.registry
        if aws is None or self.account is None:
            message = "images: ECR has a registry per region: say aws.region, or images.registry"
            raise SpecError(message)
        return registry_of(aws.region, image.registry(aws.region, self.account))

    def reference(self, environment: str, aws: AwsSettings | None) -> str | None:
        """Return the reference by which an environment's image is pulled; None if it has none.

        Args:
            environment: `curator` or `model`.
            aws: names the region of ECR.

        Raises:
            SpecError: it is in ECR, and nobody says in which region.
        """
        image = self.named().get(environment)
        return None if image is None else f"{self.host(image, aws)}/{image.name}"
