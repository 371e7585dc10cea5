"""Calls to AWS, and what its errors mean.

boto3 is imported where a call is made, because only Airflow's environment has it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from hearth.aws import NOBODY, AwsSettings
from hearth.errors import HearthError, TransientError

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 30

THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "SlowDown",
    }
)
"""https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""

_SERVER_FAULT: Final = 500


class AwsRefused(HearthError):  # noqa: N818 - it is AWS that says no, and callers go by the code
    """AWS answered with an error."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        """Keep the code: decisions depend on it.

        Args:
            operation: what was asked.
            code: AWS's code.
            message: AWS's words.
        """
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code
        self.words = message


class AwsUnreachable(TransientError):  # noqa: N818 - as AwsRefused
    """AWS did not answer, or has no endpoint there."""


def refusal(error: Any, operation: str) -> HearthError:
    """Return what a botocore `ClientError` means.

    Throttling and servers' faults pass: whether the operation had its effect is not known then.
    """
    detail = error.response.get("Error", {})
    code, words = str(detail.get("Code", "unknown")), str(detail.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in THROTTLED or status >= _SERVER_FAULT:
        return AwsUnreachable(f"{operation}: {code}: {words}")
    return AwsRefused(operation, code, words)


class Account:
    """Calls to AWS, for whoever is no Airflow operator: the probes of preflight."""

    def __init__(self, settings: AwsSettings) -> None:
        """Name the account; nothing is asked.

        Args:
            settings: region and endpoint. Credentials come by boto3's default chain.
        """
        self.settings = settings
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation by its Python name, such as `describe_subnets`.

        Raises:
            AwsRefused: AWS said no.
            AwsUnreachable: it did not answer, or the service has no endpoint in the region.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only here
        from botocore.parsers import ResponseParserError  # noqa: PLC0415

        name = f"{service}:{operation}"
        try:
            return dict(getattr(self._client(service), operation)(**arguments))
        except ClientError as error:
            raise refusal(error, name) from error
        except (BotoCoreError, ResponseParserError) as error:
            # What cannot be read comes from something in between, such as a proxy.
            message = f"{name}: {str(error).splitlines()[0]}"
            raise AwsUnreachable(message) from error

    def regions_of(self, service: str) -> tuple[str, ...]:
        """Return the regions of this partition that botocore knows a service's endpoint in."""
        found = self._session.get_available_regions(service, partition_name=self.settings.partition)
        return tuple(found)

    @cached_property
    def _session(self) -> Any:
        import boto3  # noqa: PLC0415 - only where AWS is used

        return boto3.session.Session()

    def _client(self, service: str) -> Any:
        from botocore.config import Config  # noqa: PLC0415

        if service not in self._clients:
            url = self.settings.endpoint_url
            self._clients[service] = self._session.client(
                service,
                region_name=self.settings.region,
                endpoint_url=str(url) if url else None,
                **(NOBODY if url else {}),
                config=Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 3},
                ),
            )
        return self._clients[service]
