"""The amazon provider's base classes, which call themselves internal: only this module knows them.

A hook, an operator and a trigger whose settings come from a profile. What they ask of AWS raises
Hearth's errors, and a trigger outlives an AWS that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import boto3
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import TriggerEvent
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from hearth.aws import NOBODY, AwsSettings
from hearth.awsapi import AwsUnreachable, refusal

_LONGEST_WAIT: Final = 60.0


class AwsHook(AwsBaseHook):
    """A client of one AWS service. Its waiters lie in JSON: one file for both ways of waiting."""

    waiters: Path
    """To be set by subclasses."""

    def __init__(self, *args: Any, endpoint_url: str | None = None, **kwargs: Any) -> None:
        """Make a hook.

        Args:
            args: as for the provider's hooks.
            endpoint_url: an emulator; it goes before what the connection says.
            kwargs: as for the provider's hooks.
        """
        super().__init__(*args, **kwargs)
        self.endpoint_url = endpoint_url

    @cached_property
    def waiter_path(self) -> Path:
        """Where the waiters lie."""
        return self.waiters

    def get_client_type(self, *args: Any, **kwargs: Any) -> Any:
        """Return a client, for the emulator if the profile names one."""
        if self.endpoint_url is None:
            return super().get_client_type(*args, **kwargs)
        return self._emulated(self.client_type, **kwargs)

    @cached_property
    def account(self) -> str:
        """The account's number."""
        if self.endpoint_url is None:
            return str(self.account_id)
        return str(self._emulated("sts").get_caller_identity()["Account"])

    def _emulated(
        self,
        service: str | None,
        *,
        region_name: str | None = None,
        config: Any = None,
        deferrable: bool = False,
    ) -> Any:
        region = region_name or self.region_name
        session = self.get_session(region_name=region, deferrable=deferrable)
        plain = isinstance(session, boto3.session.Session)
        make = session.client if plain else session.create_client
        return make(
            service_name=service,
            endpoint_url=self.endpoint_url,
            config=self._get_config(config),
            verify=self.verify,
            **NOBODY,
        )

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation by its Python name.

        Raises:
            AwsRefused: AWS said no.
            AwsUnreachable: AWS did not answer, or not for now: whether it had an effect is open.
        """
        name = f"{self.client_type}:{operation}"
        try:
            return dict(getattr(self.conn, operation)(**arguments))
        except ClientError as error:
            raise refusal(error, name) from error
        except (BotoCoreError, ResponseParserError) as error:
            # What cannot be read comes from something in between, such as a proxy.
            message = f"{name}: {str(error).splitlines()[0]}"
            raise AwsUnreachable(message) from error


Hook = TypeVar("Hook", bound=AwsHook)


class FromProfile:
    """What takes region, connection and endpoint from a profile."""

    region_name: str | None
    aws_conn_id: str | None
    endpoint_url: str | None = None

    def use(self, aws: AwsSettings) -> None:
        """Take region, connection and endpoint from the profile, before AWS is asked anything."""
        self.region_name = aws.region
        self.aws_conn_id = aws.connection
        self.endpoint_url = str(aws.endpoint_url) if aws.endpoint_url else None

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        parent: Any = super()
        return {**parent._hook_parameters, "endpoint_url": self.endpoint_url}  # noqa: SLF001

    @property
    def hook_arguments(self) -> dict[str, Any]:
        """What makes the hook, for a trigger to keep."""
        return {name: value for name, value in self._hook_parameters.items() if value is not None}


class AwsOperator(FromProfile, AwsBaseOperator[Hook]):
    """An operator whose region, connection and endpoint the profile names."""

    template_fields: Sequence[str] = aws_template_fields("profile")
    ui_color = "#f7e6c4"

    def __init__(self, *, profile: str = "{{ params.profile }}", **kwargs: Any) -> None:
        """Name the profile.

        Args:
            profile: its name.
            kwargs: as for every operator of the amazon provider.
        """
        super().__init__(**kwargs)
        self.profile = profile


class AwsSensor(FromProfile, AwsBaseSensor[Hook]):
    """A sensor, likewise."""

    template_fields: Sequence[str] = aws_template_fields("profile")
    ui_color = "#f7e6c4"

    def __init__(self, *, profile: str = "{{ params.profile }}", **kwargs: Any) -> None:
        """Name the profile.

        Args:
            profile: its name.
            kwargs: as for every sensor of the amazon provider.
        """
        super().__init__(**kwargs)
        self.profile = profile


class AwsTrigger(AwsBaseWaiterTrigger):
    """Waits with one of the hook's waiters, however long AWS is away."""

    aws_hook_class: type[AwsHook] = AwsHook

    def __init__(
        self, *, serialized_fields: dict[str, Any], endpoint_url: str | None, **kwargs: Any
    ) -> None:
        """Describe the wait.

        Args:
            serialized_fields: what makes this trigger again, besides what the base class keeps.
            endpoint_url: an emulator.
            kwargs: as for the base class.
        """
        fields = {**serialized_fields, "endpoint_url": endpoint_url}
        super().__init__(serialized_fields=fields, **kwargs)
        self.endpoint_url = endpoint_url

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {**super()._hook_parameters, "endpoint_url": self.endpoint_url}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait. The event says only that it is time to look: the operator asks AWS itself."""
        wait = float(self.waiter_delay)
        while True:
            try:
                async for event in super().run():
                    yield event
                    return
            except (BotoCoreError, ClientError, ResponseParserError, OSError) as error:
                wait = min(wait * 2, _LONGEST_WAIT)
                self.log.warning("AWS does not answer: %s; asking again in %g s", error, wait)
                await asyncio.sleep(wait)
            except Exception as error:  # noqa: BLE001 - a trigger that dies fails a task that lives
                self.log.warning("this trigger cannot wait: %r; its operator is to look", error)
                await asyncio.sleep(wait)
                yield self._event_from_exception(AirflowException(str(error)))
                return


def hook_of(hook_class: type[Hook], aws: AwsSettings) -> Hook:
    """Return a hook for whoever is no operator: the reaper, a trigger that was killed."""
    return hook_class(
        aws_conn_id=aws.connection,
        region_name=aws.region,
        endpoint_url=str(aws.endpoint_url) if aws.endpoint_url else None,
    )
