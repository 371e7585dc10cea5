"""The web server: faults first, then our operations, then moto.

Paths below `/_rehearsal/` are for tests and for `make rehearse`: switch on a fault, let a node
fail, see what was asked.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from rehearsal.aws import account, hyperpod, kms
from rehearsal.aws.cloud import Cloud
from rehearsal.aws.faults import Fault, FaultKind, Faults
from rehearsal.aws.hyperpod import Call, Refused

CONTROL: Final = "/_rehearsal/"

ACCOUNT: Final = "123456789012"
"""moto's own."""

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

_SCOPE: Final = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_REFUSALS: Final = {
    FaultKind.THROTTLE: ("ThrottlingException", "Rate exceeded", 400),
    FaultKind.UNAVAILABLE: ("ServiceUnavailable", "Service is unable to handle request.", 503),
    FaultKind.DENIED: ("AccessDeniedException", "User is not authorized.", 400),
    FaultKind.UNKNOWN: ("UnknownOperationException", "Unknown operation.", 400),
}


class Front:
    """What stands in front of moto."""

    def __init__(self, cloud: Cloud, behind: Wsgi) -> None:
        """Answer from `cloud`, and let `behind` answer the rest.

        Args:
            cloud: the state.
            behind: moto.
        """
        self.cloud = cloud
        self.faults = Faults()
        self._behind = behind

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ["PATH_INFO"])
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(raw)
        if path.startswith(CONTROL):
            return self._control(path.removeprefix(CONTROL), raw)(environ, start)
        operation = _operation(environ, raw)
        self.cloud.calls.append(operation)
        fault = self.faults.next(operation)
        if fault in _REFUSALS:
            return _error(environ, *_REFUSALS[fault])(environ, start)
        answer = self._ours(operation, environ, raw)
        if answer is None and fault is FaultKind.LOST_ANSWER:
            b"".join(self._behind(environ, lambda *_: None))
        if fault is FaultKind.LOST_ANSWER:
            answer = _error(environ, "InternalFailure", "The answer was lost.", 500)
        return answer(environ, start) if answer else self._behind(environ, start)

    def _ours(self, operation: str, environ: Mapping[str, Any], raw: bytes) -> Response | None:
        if operation == "SimulatePrincipalPolicy":
            cloud = self.cloud
            xml = account.simulate_principal_policy(raw.decode(), cloud.policy, cloud.denied)
            return Response(xml, content_type="text/xml")
        run = hyperpod.OPERATIONS.get(operation) or account.OPERATIONS.get(operation)
        if self.cloud.key is not None:
            run = run or kms.OPERATIONS.get(operation)
        if run is None and operation not in hyperpod.TAGGING:
            return None
        body = json.loads(raw or b"{}")
        if run is None:
            if ":cluster/" not in str(body.get("ResourceArn")):
                return None
            run = hyperpod.TAGGING[operation]
        region, _ = _scope(environ)
        try:
            return _json(run(Call(self.cloud, region, ACCOUNT, body)))
        except Refused as refused:
            return _error(environ, refused.code, str(refused), refused.status)

    def _control(self, what: str, raw: bytes) -> Response:
        body = json.loads(raw or b"{}")
        match what:
            case "health":
                return _json({"ok": True})
            case "calls":
                return _json(self.cloud.calls)
            case "faults":
                self.faults.add(Fault.model_validate(body))
            case "lag":
                self.cloud.lag_seconds = float(body["seconds"])
            case "deny":
                self.cloud.denied = set(body["actions"])
            case "policy":
                self.cloud.policy = body
            case "fail":
                self.cloud.fail(body["cluster"], body["node"], body["message"])
            case "reset":
                self.cloud.reset()
                self.faults.clear()
            case _:
                return Response(f"{what}: there is no such control\n", 404)
        return _json({})


def make(
    port: int, provision_seconds: float, hook: Sequence[str], key: Path | None = None
) -> BaseWSGIServer:
    """Return a server on loopback that does not serve yet.

    Args:
        port: 0 takes a free one.
        provision_seconds: see `Cloud`.
        hook: see `Cloud`.
        key: see `Cloud`.
    """
    front = Front(
        Cloud(provision_seconds, hook, key), DomainDispatcherApplication(create_backend_app)
    )
    return make_server("127.0.0.1", port, front, threaded=True, request_handler=_QuietHandler)


class _QuietHandler(MotoRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Say nothing of what went well."""


def _operation(environ: Mapping[str, Any], raw: bytes) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    if target:
        return target.rsplit(".", 1)[-1]
    if "form-urlencoded" in str(environ.get("CONTENT_TYPE", "")):
        return parse_qs(raw.decode(errors="replace")).get("Action", [""])[0]
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _scope(environ: Mapping[str, Any]) -> tuple[str, str]:
    found = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
    return (found[1], found[2]) if found else ("us-east-1", "")


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/x-amz-json-1.1")


def _error(environ: Mapping[str, Any], code: str, message: str, status: int) -> Response:
    if environ.get("HTTP_X_AMZ_TARGET"):
        return _json({"__type": code, "message": message}, status)
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    _, service = _scope(environ)
    whole = (
        f"<Response><Errors>{error}</Errors><RequestID>rehearsal</RequestID></Response>"
        if service == "ec2"
        else f"<ErrorResponse>{error}<RequestId>rehearsal</RequestId></ErrorResponse>"
    )
    return Response(whole, status, content_type="text/xml")
