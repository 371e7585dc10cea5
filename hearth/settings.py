"""Settings of this machine: where its state, recipes and profiles lie, and which ports it uses."""

from __future__ import annotations

import getpass
import os
import sys
from functools import lru_cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Self

from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PACKAGE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _PACKAGE.parent
_IN_CHECKOUT: Final = (_CHECKOUT / "recipes").is_dir()
_SHIPPED: Final = _CHECKOUT if _IN_CHECKOUT else _PACKAGE / "data"
"""Where what is no package lies: in the checkout, or where the wheel puts it (pyproject.toml)."""


class Settings(BaseSettings):
    """What differs from one machine or checkout to the next (`HEARTH_…`, or a `.env` file)."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTH_",
        env_file=_CHECKOUT / ".env" if _IN_CHECKOUT else ".env",
        frozen=True,
        extra="ignore",
    )

    home: Path = Field(
        default=_CHECKOUT / ".hearth" if _IN_CHECKOUT else Path.home() / ".hearth",
        description="Where this machine's state lies: secrets, logs, jobs, the local store.",
    )
    config: Path = Field(
        default=_SHIPPED,
        description="The folder in which `recipes/` and `profiles/` lie.",
    )
    profile: str = Field(
        default="local", description="The profile that is used when none is named."
    )
    stages_python: Path = Field(
        default=_CHECKOUT / ".venv" / "stages" / "bin" / "python"
        if _IN_CHECKOUT
        else Path(sys.executable),
        description="The interpreter of the stages' environment, for the local backend.",
    )
    airflow_port: int = Field(default=18080, ge=1024, le=65535, description="Airflow's UI and API.")
    airflow_url: AnyHttpUrl | None = Field(
        default=None, description="Another Airflow than this machine's, for the command line."
    )
    airflow_token: Path | None = Field(
        default=None,
        description="The file with the token that it wants: only its owner should read it.",
    )
    s3_port: int = Field(default=18333, ge=1024, le=65535, description="The local object store.")
    endpoint_port: int = Field(
        default=18000, ge=1024, le=65535, description="Where the local endpoint answers."
    )
    slurm_port: int = Field(
        default=18820, ge=1024, le=65535, description="The REST API of a rehearsed Slurm."
    )
    aws_port: int = Field(default=18840, ge=1024, le=65535, description="A rehearsal's AWS.")
    user: str = Field(
        default_factory=getpass.getuser, description="Who runs the jobs of a rehearsed Slurm."
    )
    endpoint_host: IPv4Address = Field(
        default=IPv4Address("127.0.0.1"),
        description="Its address; 0.0.0.0 where only a container publishes the port.",
    )

    @field_validator("home", "config", "stages_python", "airflow_token")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        # Not resolve(): a virtual environment's python is a link that must stay one.
        return Path(os.path.abspath(value.expanduser()))  # noqa: PTH100

    @model_validator(mode="after")
    def _token_belongs_to_a_url(self) -> Self:
        if (self.airflow_url is None) is not (self.airflow_token is None):
            message = "airflow_url and airflow_token: give both, or neither for this machine's"
            raise ValueError(message)
        return self

    @property
    def recipes(self) -> Path:
        """The folder of recipes."""
        return self.config / "recipes"

    @property
    def profiles(self) -> Path:
        """The folder of profiles."""
        return self.config / "profiles"

    @property
    def dags(self) -> Path:
        """The folder of DAGs: of this version of Hearth, wherever the recipes lie."""
        return _SHIPPED / "dags"

    @property
    def plugins(self) -> Path:
        """The folder of Airflow plugins, likewise."""
        return _SHIPPED / "plugins"

    def variables(self) -> dict[str, str]:
        """What `${HEARTH_…}` stands for in a profile."""
        return {
            f"HEARTH_{name.upper()}": str(value)
            for name, value in self.model_dump().items()
            if value is not None
        }


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings, read once."""
    return Settings()
