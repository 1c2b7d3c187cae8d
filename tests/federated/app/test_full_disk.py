"""Disks that are really full: a small file system of its own, or a limit that the kernel holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")
pytest.importorskip("resource")

import resource

from flwr.app import Message

from tests.federated.tiny_federation import Federation, times_paid
from voicelet_federated.app.checkpoint import CheckpointError, read_state
from voicelet_federated.app.grid import to_wire
from voicelet_federated.app.spend import open_ledger

Make = Callable[..., Federation]
Disk = Callable[[Path], "FullDisk"]
ROOM = 256 * 1024


class FullDisk:
    """A folder on a disk that can be filled to the last byte, and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.filler = folder / "filler"

    def fill(self) -> None:
        with open(self.filler, "wb", 0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def empty(self) -> None:
        self.filler.unlink()


class Limit(FullDisk):
    """No file of this process may grow beyond some bytes: what writes it gets an error."""

    def fill(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, self._before[1]))

    def empty(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root may mount")
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"can't mount here: {done.stderr.decode(errors='replace').strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(params=["tmpfs", "limit"])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    """Makes the disk of a folder, which keeps what it holds."""
    opened: list[Any] = []

    def make(folder: Path) -> FullDisk:
        if request.param == "limit":
            return Limit(folder)
        held = folder.with_name(folder.name + ".held")
        folder.rename(held)
        context = mounted(folder)
        context.__enter__()
        opened.append(context)
        shutil.copytree(held, folder, dirs_exist_ok=True)
        return FullDisk(folder)

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def devices_elsewhere(made: Federation, to: Path) -> None:
    """The server's disk isn't that of the devices."""
    shutil.move(made.folder / "devices", to)
    (made.folder / "devices").symlink_to(to)


@pytest.mark.parametrize("when", ["before it pays", "after it has paid"])
def test_a_server_whose_disk_is_full(
    federation: Make, tmp_path: Path, disk: Disk, when: str
) -> None:
    made = federation(rounds=3, joins=4)
    devices_elsewhere(made, tmp_path / "devices")
    full = disk(made.folder)
    answered = {"query.offer": 0, "train": 0}
    filled: list[bool] = []
    kind = "query.offer" if when == "before it pays" else "train"

    def fault(message: Message, send: Any) -> bytes | None:
        reply = send(to_wire(message, message.metadata.message_id))
        answered[message.metadata.message_type] += 1
        if answered[kind] == 8 and not filled:  # all four devices, in the second round
            filled.append(True)
            full.fill()
        return reply  # type: ignore[no-any-return]

    try:
        with pytest.raises(CheckpointError, match=r"run\.json.*can't be written.*make room"):
            made.run(fault)
    finally:
        full.empty()
    paid = 1 if when == "before it pays" else 2
    left = read_state(made.folder)
    assert left.rounds[0].status == "done" and left.flat.any()
    assert sorted(left.joined.values()) == [paid] * 4 == times_paid(made)
    assert not list(made.folder.glob(".*.part")), "half a file is none"
    # With room again the same command goes on, from what was done.
    made.restart()
    state = made.run()
    assert state.rounds[-1].status == "done" and sum(r.status == "done" for r in state.rounds) >= 2
    assert state.rounds[0] == left.rounds[0] and not np.array_equal(state.flat, left.flat)
    # Round 3 and, where the state never heard of it, round 2 again.
    assert set(state.joined.values()) == {3} and state.spent(made.config) <= 8.0
    assert times_paid(made) == [3] * 4


def test_a_device_whose_disk_is_full(federation: Make, disk: Disk) -> None:
    made = federation(rounds=2, joins=3)
    own = made.folder / "devices" / "s1"
    full = disk(own)
    filled: list[bool] = []
    sent: list[int] = []

    def fault(message: Message, send: Any) -> bytes | None:
        # Full when the second round is assigned, with room again once it has answered.
        victim = message.metadata.dst_node_id == 1001
        share = message.metadata.message_type == "train"
        at_it = victim and share and message.metadata.group_id == "2" and not filled
        if at_it:
            full.fill()
            filled.append(True)
        try:
            reply = send(to_wire(message, message.metadata.message_id))
        finally:
            if at_it:
                full.empty()
        if share:
            sent.append(message.metadata.dst_node_id)
        return reply  # type: ignore[no-any-return]

    state = made.run(fault)
    first, second = state.rounds
    assert first.opened == 4 and filled
    # It drew no noise and sent no share; the others began again without it.
    assert second.refusals == {"budget": 1} and second.opened == 3 and second.attempts == 2
    assert second.status == "done"
    assert len(open_ledger(own).entries) == 1, "what it didn't pay for it didn't join"
    assert not list(own.glob(".*.part"))
    # The server counts the assignment as paid all the same: never less than the device's own books.
    assert times_paid(made) == [3, 1, 3, 3] and sorted(state.joined.values()) == [2, 3, 3, 3]
