"""A training's gauges reach whoever listens, and nothing waits for who does not."""

from __future__ import annotations

import logging
import socket

import pytest

from hearth.resources import MetricsTarget
from hearth.train.gauges import Gauges, resolved


def test_points_arrive_under_the_recipes_name() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(30)
        target = MetricsTarget(host="127.0.0.1", port=listener.getsockname()[1])
        gauges = Gauges(target, "demo.v2")
        gauges.send({"loss": 2.5, "mfu": None, "dev.accuracy.zh-Hans@x": 0.25})
        lines = listener.recv(4096).decode().splitlines()
        gauges.close()
    assert lines == [
        "hearth.train.demo_v2.loss:2.5|g",
        "hearth.train.demo_v2.dev.accuracy.zh-Hans_x:0.25|g",
    ]


def test_what_cannot_be_sent_is_said_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    # No socket may send to everybody without being asked for it.
    gauges = Gauges(MetricsTarget(host="255.255.255.255"), "demo")
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            gauges.send({"step": step})
        gauges.close()
    assert [record.message.split(" to ")[0] for record in caplog.records] == [
        "metrics: not sent",
        "metrics: 3 points were not sent; tensorboard/ has them",
    ]


def test_a_name_is_looked_up_before_training_and_an_unknown_one_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = resolved(MetricsTarget(host="localhost", port=9125, prefix="own"))
    assert known is not None
    assert known.host in {"127.0.0.1", "::1"}
    assert (known.port, known.prefix) == (9125, "own")
    with caplog.at_level(logging.WARNING):
        assert resolved(MetricsTarget(host="no such host")) is None
    assert "none are sent" in caplog.text
