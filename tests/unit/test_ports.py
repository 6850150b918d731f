"""Choosing loopback ports."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.ports import any_free_port, choose_ports, holder_of, is_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_free_default_ports_are_used_and_nothing_is_reported(tmp_path: Path) -> None:
    port = any_free_port()
    chosen, changes = choose_ports({"desk": port}, tmp_path / "ports.json")
    assert (chosen, changes) == ({"desk": port}, [])


def test_a_taken_port_is_replaced_and_its_holder_is_named(tmp_path: Path, taken_port: int) -> None:
    chosen, [change] = choose_ports({"desk": taken_port}, tmp_path / "ports.json")
    assert chosen["desk"] != taken_port
    assert is_free(chosen["desk"])
    assert (change.name, change.wanted, change.chosen) == ("desk", taken_port, chosen["desk"])
    assert f"(pid {os.getpid()})" in (change.holder or "")


def test_the_chosen_port_is_kept_on_the_next_start(tmp_path: Path, taken_port: int) -> None:
    memory = tmp_path / "ports.json"
    first, _ = choose_ports({"desk": taken_port}, memory)
    second, changes = choose_ports({"desk": taken_port}, memory)
    assert (second, changes) == (first, [])


def test_a_port_asked_for_by_name_wins_over_the_remembered_one(tmp_path: Path) -> None:
    memory, asked = tmp_path / "ports.json", any_free_port()
    choose_ports({"desk": any_free_port()}, memory)
    chosen, _ = choose_ports({"desk": asked}, memory, insist={"desk"})
    assert chosen == {"desk": asked}


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    port = any_free_port()
    chosen, _ = choose_ports({"desk": port, "gateway": port}, tmp_path / "ports.json")
    assert len(set(chosen.values())) == 2


def test_an_unreadable_memory_is_forgotten(tmp_path: Path) -> None:
    memory, port = tmp_path / "ports.json", any_free_port()
    memory.write_text("{half")
    assert choose_ports({"desk": port}, memory)[0] == {"desk": port}


def test_a_port_nobody_listens_on_has_no_holder() -> None:
    assert holder_of(any_free_port()) is None
