"""Taken ports are noticed, free ones found."""

from __future__ import annotations

import socket

import pytest

from ckanext.govopen.stack import ports


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_listened_port_is_taken(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.choose(taken) != taken


def test_the_preferred_port_is_kept_when_free() -> None:
    free = ports.choose(None)
    assert ports.choose(free) == free


def test_ports_of_the_other_parts_are_avoided() -> None:
    free = ports.choose(None)
    assert ports.choose(free, frozenset({free})) != free


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_not_free(port: int) -> None:
    assert not ports.is_free(port)
