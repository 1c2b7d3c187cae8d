"""An audit log for make_trust_golden.py: as it is written, and changed in many ways."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from tests.golden.trust_seeds import DEVICE, OTHER, b64, failure
from voicelet.trust.audit import log as log_module
from voicelet.trust.audit.device_log import pseudonym
from voicelet.trust.audit.log import AuditLog, Event
from voicelet.trust.audit.record import Head, Record
from voicelet.trust.keys.seal import signing_key_from_bytes

KEY = signing_key_from_bytes(DEVICE)
TIME = "2026-12-01T12:00:0{}.000Z"
BATCHES: list[list[tuple[str, dict[str, Any]]]] = [
    [("enrol", {"profile": "ab" * 16, "consent": "11" * 16, "seconds": 31.5, "adapted": False})],
    [("use", {"seconds": s, "text": "cd" * 16, "count": n})
     for n, s in enumerate((3.0, 1e-7, 1e22))],
    [("export", {"recipient": "ä\u2028\"\\\n\x7f😀", "bytes": (1 << 63) - 1, "zero": -0.0})],
    [("revocation", {"consent": "11" * 16, "lines": 1, "head": "ef" * 32})],
    [("use", {})],
]  # fmt: skip
Files = dict[str, bytes]


def make_audit(home: Path) -> dict[str, Any]:
    """The log of some batches, a report for each way to change it, and what it writes after."""
    folder = home / "audit"
    log = AuditLog(folder, KEY)
    heads = []
    with mock.patch.object(log_module, "timestamp", lambda: TIME.format(9)):
        for number, batch in enumerate(BATCHES):
            if number == 3:
                log.rotate()
            log.extend([Event(name, fields, TIME.format(number)) for name, fields in batch])
            heads.append(log.head())
    sound = _read(folder)
    rows = []
    for name, files in _changed(sound, folder):
        _write(folder, files)
        report = asdict(AuditLog(folder, KEY).check())
        _write(folder, files)
        with mock.patch.object(log_module, "timestamp", lambda: TIME.format(9)):
            refused = failure(partial(AuditLog(folder, KEY).append, "use", {"seconds": 1.0}))
        after = _read(folder)
        rows.append({
            "name": name,
            "changed": {n: b64(d) for n, d in files.items() if sound.get(n) != d},
            "removed": sorted(set(sound) - set(files)),
            "report": report,
            "append": refused,
            "after": {n: b64(d) for n, d in after.items() if files.get(n) != d},
        })  # fmt: skip
    _write(folder, sound)
    checks = [asdict(AuditLog(folder, KEY).check(head)) for head in heads]
    shorter = _prefix(sound)
    _write(folder, shorter)
    stranger = AuditLog(folder, signing_key_from_bytes(OTHER).public_key().public_bytes_raw())
    return {
        "batches": BATCHES,
        "time": TIME,
        "files": {n: b64(d) for n, d in sound.items()},
        "heads": [b64(head.to_bytes()) for head in heads],
        "since": checks,
        "shorter": {
            "files": {n: b64(d) for n, d in shorter.items()},
            "since": [asdict(AuditLog(folder, KEY).check(head)) for head in heads],
        },
        "stranger": asdict(stranger.check()),
        "cases": rows,
        "pruned": _pruned(folder, sound),
        "pseudonyms": {text: pseudonym(text, KEY) for text in ("ana", "", "Ana Sílva 😀")},
    }


def _pruned(folder: Path, sound: Files) -> dict[str, Any]:
    _write(folder, sound)
    log = AuditLog(folder, KEY)
    with mock.patch.object(log_module, "timestamp", lambda: TIME.format(9)):
        log.rotate(keep=2)
    return {"files": {n: b64(d) for n, d in _read(folder).items()}, "report": asdict(log.check())}


def _changed(sound: Files, folder: Path) -> Iterator[tuple[str, Files]]:
    first, second = "audit-000001.jsonl", "audit-000002.jsonl"
    lines = sound[first].splitlines(keepends=True)
    later = sound[second].splitlines(keepends=True)
    yield "sound", sound
    yield "nothing there", {}
    for number in range(len(lines)):
        changed = lines[number].replace(b"2026", b"2025")
        before, after = lines[:number], lines[number + 1 :]
        yield f"line {number + 1} edited", _with(sound, first, [*before, changed, *after])
        yield f"line {number + 1} gone", _with(sound, first, [*before, *after])
    yield "two lines swapped", _with(sound, first, [lines[0], lines[2], lines[1], *lines[3:]])
    yield "a line twice", _with(sound, first, [lines[0], lines[0], *lines[1:]])
    spaced, longer = lines[0].replace(b",", b", ", 1), lines[0].replace(b"31.5", b"31.50")
    yield "spelled otherwise", _with(sound, first, [spaced, *lines[1:]])
    yield "a number otherwise", _with(sound, first, [longer, *lines[1:]])
    yield "the last line cut", _with(sound, second, [*later[:-1], later[-1][:-10]])
    yield "the last line without its end", _with(sound, second, [*later[:-1], later[-1][:-1]])
    yield "the last line gone", _with(sound, second, later[:-1])
    yield "the first file gone", {n: d for n, d in sound.items() if n != first}
    yield "the second file gone", {n: d for n, d in sound.items() if n != second}
    yield "the head gone", {n: d for n, d in sound.items() if n != "head.json"}
    edited = sound["head.json"].replace(b'"count":7', b'"count":6')
    yield "the head edited", {**sound, "head.json": edited}
    yield "no head", {**sound, "head.json": b"{}\n"}
    stranger = signing_key_from_bytes(OTHER)
    own = Head.parse(sound["head.json"])
    public = stranger.public_key().public_bytes_raw().hex()
    foreign = Head(own.count, own.hash, own.file, own.size, public).signed(stranger)
    yield "another device's head", {**sound, "head.json": foreign.to_bytes()}
    yield "rubbish at the end", {**sound, second: sound[second] + b"rubbish"}
    yield "a long line at the end", {**sound, second: sound[second] + b"x" * 40_000 + b"\n"}
    signature = re.search(rb'"sig":"([0-9a-f]+)"', later[-1])
    assert signature is not None
    unsigned = later[-1].replace(b',"sig":"' + signature[1] + b'"', b"")
    yield "no signature", _with(sound, second, [*later[:-1], unsigned])
    other = bytearray(later[-1])
    other[signature.start(1)] = ord("0") if other[signature.start(1)] != ord("0") else ord("1")
    yield "another signature", _with(sound, second, [*later[:-1], bytes(other)])
    # Written when the machine stopped: the lines are there, the head is of before.
    _write(folder, sound)
    log = AuditLog(folder, KEY)
    log.extend([Event("use", {"seconds": float(n)}, TIME.format(7)) for n in range(3)])
    ahead = {**_read(folder), "head.json": sound["head.json"]}
    batch = ahead[second][len(sound[second]) :].splitlines(keepends=True)
    yield "a whole batch ahead of the head", ahead
    yield "a torn batch ahead of the head", {**ahead, second: sound[second] + b"".join(batch)[:-20]}
    yield "half a batch ahead of the head", {**ahead, second: sound[second] + b"".join(batch[:2])}


def _with(sound: Files, name: str, lines: list[bytes]) -> Files:
    return {**sound, name: b"".join(lines)}


def _prefix(sound: Files) -> Files:
    """The whole log put back to what it was after the first batch: head, files and all."""
    line = sound["audit-000001.jsonl"].splitlines(keepends=True)[0]
    record = Record.parse(line[:-1])
    public = KEY.public_key().public_bytes_raw().hex()
    head = Head(1, record.hash(), 1, len(line), public).signed(KEY)
    return {"audit-000001.jsonl": line, "head.json": head.to_bytes()}


def _read(folder: Path) -> Files:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if not p.name.startswith(".")}


def _write(folder: Path, files: Files) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
