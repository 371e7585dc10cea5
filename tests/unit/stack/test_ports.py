from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import astuple

import pytest

from hearth.errors import SpecError
from hearth.settings import Settings
from hearth.stack import ports


def settings(**ports_of: int) -> Settings:
    return Settings(_env_file=None, **ports_of)  # type: ignore[call-arg, arg-type]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_names_its_owner_and_the_setting_to_change(taken: int) -> None:
    with pytest.raises(SpecError) as caught:
        ports.require_free([ports.Port(taken, "the endpoint", "HEARTH_ENDPOINT_PORT")])
    message = str(caught.value)
    assert f"pid {os.getpid()} (" in message
    assert os.getcwd() in message  # noqa: PTH109 - as the kernel says it
    assert "HEARTH_ENDPOINT_PORT" in message


def test_a_port_that_our_own_process_holds_is_no_conflict(taken: int) -> None:
    ports.require_free([ports.Port(taken, "the endpoint", "X")], ours={os.getpid()})


def test_a_port_whose_connections_linger_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        server.bind((ports.HOST, 0))
        server.listen()
        number = server.getsockname()[1]
        with socket.create_connection((ports.HOST, number)):
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first is left in TIME_WAIT
    assert ports.is_free(number)


def test_waiting_ends_with_what_is_still_taken(taken: int) -> None:
    port = ports.Port(taken, "the store", "X")
    assert ports.await_free([port], timeout=0.0) == [port]


def test_no_two_services_of_a_stack_share_a_port() -> None:
    numbers = [port.number for port in ports.all_ports(settings())]
    assert len(numbers) == len(set(numbers))
    with pytest.raises(SpecError, match="HEARTH_AIRFLOW_PORT"):
        ports.all_ports(settings(s3_port=20000, airflow_port=20003))


def test_stacks_with_other_settings_share_no_port() -> None:
    one = settings(s3_port=20000, airflow_port=20100, endpoint_port=20200)
    other = settings(s3_port=21000, airflow_port=21100, endpoint_port=21200)
    assert {port.number for port in ports.all_ports(one)}.isdisjoint(
        port.number for port in ports.all_ports(other)
    )


def test_the_store_listens_on_its_setting_and_the_seven_after_it() -> None:
    assert astuple(ports.StorePorts.after(20000)) == tuple(range(20000, 20008))
    listed = {port.number for port in ports.store_ports(settings(s3_port=20000))}
    assert listed == set(range(20000, 20008))
