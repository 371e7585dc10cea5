"""Which backend has which name."""

from __future__ import annotations

import sys
from pathlib import Path

from hearth.compute.backend import Backend
from hearth.compute.local import LocalBackend
from hearth.compute.remote import RunnerBackend
from hearth.compute.slurm.backend import JOBS, SlurmBackend
from hearth.compute.slurm.commands import Commands
from hearth.compute.slurm.rest import Rest
from hearth.compute.slurm.token import TokenMint
from hearth.compute.slurm.transport import Transport
from hearth.errors import SpecError
from hearth.model import CURATOR, MODEL
from hearth.profile import Profile, SecretRef
from hearth.resources import SlurmSettings
from hearth.settings import Settings
from hearth.storage import Store


def open_backend(profile: Profile, settings: Settings) -> Backend:
    """Return the backend that a profile names.

    Args:
        profile: names it; a cluster's jobs have their folders in its store.
        settings: of this machine; local jobs lie below its `home`.

    Raises:
        SpecError: the profile does not name the secret that a backend wants.
    """
    slurm = profile.compute.slurm
    if slurm is not None:
        jobs = Store.open(profile.storage).sub(JOBS)
        images = _images(profile)
        return SlurmBackend(slurm, _transport(slurm, profile), profile.storage, jobs, images)
    runner = profile.compute.runner
    if runner is not None:
        addresses = {name: str(address) for name, address in runner.addresses.items()}
        token = _secret(profile, runner.token, "compute.runner.token").read().decode()
        return RunnerBackend(addresses, token)
    stages, airflow = settings.stages_python, Path(sys.executable)
    environments = {CURATOR: stages, MODEL: stages, "airflow": airflow}
    return LocalBackend(settings.home / "jobs", environments)


def _images(profile: Profile) -> dict[str, str]:
    """Return environment → image, of those that run in one under this profile."""
    found = {name: profile.image_of(name) for name in (CURATOR, MODEL)}
    return {name: image for name, image in found.items() if image is not None}


def _transport(slurm: SlurmSettings, profile: Profile) -> Transport:
    if slurm.rest is None:
        return Commands(slurm)
    key = _secret(profile, slurm.rest.token_key, "compute.slurm.rest.token_key")
    return Rest(slurm, slurm.rest, TokenMint(slurm.user, slurm.rest, key.read))


def _secret(profile: Profile, name: str, setting: str) -> SecretRef:
    if name not in profile.secrets:
        message = (
            f"profile {profile.name}: {setting} = {name!r}: `secrets` names none of that name: "
            "add it"
        )
        raise SpecError(message)
    return profile.secrets[name]
