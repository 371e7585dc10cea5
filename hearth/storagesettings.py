"""Where the store is, as a profile and a job's environment say."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import AnyHttpUrl, Field

from hearth.errors import SpecError
from hearth.model import FrozenModel


class StorageSettings(FrozenModel):
    """The store: one bucket or folder for everything Hearth keeps."""

    uri: str = Field(
        pattern=r"^(s3|file)://", description="`s3://bucket/prefix` or `file:///folder`."
    )
    endpoint_url: AnyHttpUrl | None = Field(
        default=None, description="For an S3 server that is not AWS's."
    )
    region: str | None = Field(default=None, description="The bucket's region.")
    credentials_file: Path | None = Field(
        default=None,
        description="A file in the AWS shared credentials format; none: the default AWS chain.",
    )
    kms_key: str | None = Field(
        default=None, description="The customer-managed KMS key that encrypts every object."
    )

    def environment(self) -> dict[str, str]:
        """Return what a job needs in its environment to open this store: no secret in it."""
        named = {
            "HEARTH_STORE": self.uri,
            "AWS_ENDPOINT_URL_S3": str(self.endpoint_url) if self.endpoint_url else None,
            "AWS_REGION": self.region,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file)
            if self.credentials_file
            else None,
            "HEARTH_KMS_KEY": self.kms_key,
        }
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def from_environment(cls, uri: str | None = None) -> StorageSettings:
        """Return the settings that `environment` described, seen from inside the job.

        Args:
            uri: the store's URI; by default what `HEARTH_STORE` says.
        """
        uri = uri or os.environ.get("HEARTH_STORE")
        if not uri:
            message = "HEARTH_STORE is not set: it names the store, such as s3://bucket/prefix"
            raise SpecError(message)
        return cls.model_validate(
            {
                "uri": uri,
                "endpoint_url": os.environ.get("AWS_ENDPOINT_URL_S3"),
                "region": os.environ.get("AWS_REGION"),
                "credentials_file": os.environ.get("AWS_SHARED_CREDENTIALS_FILE"),
                "kms_key": os.environ.get("HEARTH_KMS_KEY"),
            }
        )
