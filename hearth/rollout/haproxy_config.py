# ruff: noqa: E501 - HAProxy does not continue lines
"""HAProxy's configuration, written from a routing. Pure.

Clients reach completions, the list of models and a health answer; nothing else of the server behind
(which would also load any model it is told to) can be reached.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from string import Template
from typing import Final, NamedTuple

from hearth.rollout.probe import MODEL, VERSION_HEADER
from hearth.rollout.routing import (
    CREATED,
    NOBODY,
    NUMBERS_MAP,
    SERVES,
    VERSIONS_MAP,
    Routing,
    Slot,
)


class Address(NamedTuple):
    """Where clients reach an endpoint."""

    host: IPv4Address
    port: int


ADMIN_SOCKET: Final = "admin.sock"
LOG_SOCKET: Final = "log.sock"
LOG_MARK: Final = "request"
"""How the log line of a client's request begins: slot, backend, server, status, ms, retries."""
_NO_PORT: Final = 1

_ERRORS: Final = {
    400: ("invalid_request_error", "the request is not valid HTTP"),
    404: ("not_found", "there is /v1/completions, /v1/models and /health here"),
    405: ("method_not_allowed", "/v1/completions takes POST, /v1/models and /health take GET"),
    408: ("timeout", "the request did not arrive in time"),
    413: ("request_too_large", "a request may have 1 MiB at most"),
    500: ("server_error", "the endpoint failed"),
    502: ("server_error", "the server of the model broke off"),
    503: ("server_unavailable", "no version of the model is up: try again in a few seconds"),
    504: ("timeout", "the model took too long to answer"),
}

_TEMPLATE: Final = Template("""\
global
  stats socket unix@$admin mode 600 level admin
  log unix@$log format raw local0 info
  maxconn 512
  tune.bufsize 65536
  hard-stop-after 15s

defaults
  mode http
  log global
  log-format "$mark %[var(txn.slot)] %b %s %ST %Ta %rc"
  option http-buffer-request
  # Where a server closes a connection that was used before, HAProxy closes the client's without a
  # word, so that the client asks again: with a new connection each time it answers, or asks itself.
  option http-server-close
  option redispatch 1
  retries 3
  retry-on conn-failure empty-response junk-response 502 503 504
  timeout connect 250ms
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout client 120s
  timeout server 120s
  timeout queue 30s
  timeout check 5s
  # A refused connection takes a server out at once; the health check brings it back.
  default-server check inter 1s fastinter 250ms downinter 250ms fall 2 rise 1 maxconn 8 observe layer4 error-limit 1 on-error mark-down
$errors

frontend public
  bind $address
  acl completions path /v1/completions
  acl models path /v1/models
  acl health path /health
  acl blue_serves str($serves),map($versions,blue) -m str blue
  http-request set-log-level silent unless completions
  http-request set-var(txn.version) str(blue),map($versions,$nobody) if blue_serves
  http-request set-var(txn.version) str(green),map($versions,$nobody) unless blue_serves
  http-request deny deny_status 404 unless completions or models or health
  http-request deny deny_status 405 if completions !{ method POST }
  http-request deny deny_status 405 if models !{ method GET HEAD } or health !{ method GET HEAD }
  http-request deny deny_status 413 if { req.hdr_val(content-length) gt 1048576 }
  http-request return status 200 content-type application/json lf-string '$alive' hdr $header %[var(txn.version)] if health blue_serves { nbsrv(blue) gt 0 }
  http-request return status 200 content-type application/json lf-string '$alive' hdr $header %[var(txn.version)] if health !blue_serves { nbsrv(green) gt 0 }
  http-request deny deny_status 503 if health
  http-request return status 200 content-type application/json lf-string '$none' if models { var(txn.version) -m str $nobody }
  http-request return status 200 content-type application/json lf-string '$some' hdr $header %[var(txn.version)] if models
  http-request set-var(txn.green) str(green),map_str_int($numbers,0)
  http-request set-var(txn.slot) str(green) if { rand(100),sub(txn.green) lt 0 }
  http-request set-var(txn.slot) str(blue) unless { var(txn.slot) -m found }
  http-response del-header server
  http-after-response set-header $header %[srv_name,map($versions,$nobody)] if { srv_id gt 0 }
  use_backend %[var(txn.slot)]

$backends
""")


def configuration(routing: Routing, address: Address) -> str:
    """Return HAProxy's configuration; its paths are relative to the working directory.

    Args:
        routing: as it should be from the first request on.
        address: where clients reach the endpoint.
    """
    created = f"%[str({CREATED}),map_str_int({NUMBERS_MAP},0)]"
    model = f'{{"id":"{MODEL}","object":"model","created":{created},"owned_by":"hearth"}}'
    return _TEMPLATE.substitute(
        admin=ADMIN_SOCKET,
        log=LOG_SOCKET,
        mark=LOG_MARK,
        address=f"{address.host}:{address.port}",
        header=VERSION_HEADER,
        versions=VERSIONS_MAP,
        numbers=NUMBERS_MAP,
        serves=SERVES,
        nobody=NOBODY,
        alive='{"status":"ok"}',
        none='{"object":"list","data":[]}',
        some=f'{{"object":"list","data":[{model}]}}',
        errors="\n".join(_error(status, *told) for status, told in _ERRORS.items()),
        backends="\n\n".join(_backend(routing, slot) for slot in Slot),
    )


def _error(status: int, kind: str, message: str) -> str:
    body = json.dumps({"error": {"message": message, "type": kind, "code": status}})
    later = " hdr Retry-After 5" if status == 503 else ""  # noqa: PLR2004 - "unavailable"
    return f"  http-error status {status} content-type application/json string '{body}'{later}"


def _backend(routing: Routing, slot: Slot) -> str:
    lines = [f"backend {slot}", "  option httpchk", "  http-check send meth GET uri /health"]
    for name in (slot, slot.other):
        seat = routing.seat(name)
        wanted = seat is not None and (seat.admitted if name is slot else seat.spare)
        line = f"  server {name} 127.0.0.1:{seat.port if seat else _NO_PORT}"
        line += "" if name is slot else " backup"
        lines.append(line if wanted else line + " disabled")
    return "\n".join(lines)
