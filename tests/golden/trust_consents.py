"""Consent records, trusted signers and lists of revocations for make_trust_golden.py."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.golden.trust_seeds import DEVICE, NOW, OTHER, THIRD, b64, failure
from voicelet.errors import VoiceletError
from voicelet.trust.consent.chain import longest_sound
from voicelet.trust.consent.record import ConsentRecord, from_iso, to_iso, unsigned_record
from voicelet.trust.consent.revocations import Revocations, default_file
from voicelet.trust.consent.signers import TrustedSigners, check_authority
from voicelet.trust.keys.keystore import keys_folder
from voicelet.trust.keys.seal import signing_key_from_bytes

VOICE, OTHER_VOICE = "ab" * 32, "cd" * 32
OWN, FOREIGN, SECOND = map(signing_key_from_bytes, (DEVICE, OTHER, THIRD))
FOREIGN_ID, SECOND_ID = (k.public_key().public_bytes_raw().hex() for k in (FOREIGN, SECOND))
SENTENCE = (
    "Today is December 1st, 2026, and I let Voicelet learn my voice: amber, river, candle, and"
    " seven."
)


def _draft(**changes: Any) -> ConsentRecord:
    values: dict[str, Any] = {
        "id": "0123456789abcdef" * 2,
        "speaker": "Ana Sílva",
        "given_by": "Ana Sílva",
        "purposes": ("own-use",),
        "scope": "",
        "created": to_iso(NOW),
        "expires": None,
        "method": "scripted",
        "reason": "agreed in writing",
        "sentence": "",
        "audio_sha256": "",
        "voice_sha256": VOICE,
    }
    return unsigned_record(**{**values, **changes})


def _spoken(sentence: str = SENTENCE, **changes: Any) -> ConsentRecord:
    spoken = {"method": "spoken", "reason": "", "sentence": sentence, "audio_sha256": "ef" * 32}
    return _draft(**{**spoken, **changes})


def _records() -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    every = ("own-use", "assistive", "publishing", "research", "federation")
    scripted, spoken = _draft().signed_by(OWN), _spoken(purposes=every).signed_by(OWN)
    wide = _draft(purposes=every).signed_by(OWN)
    foreign = _draft().signed_by(FOREIGN)
    ending = _draft(expires=to_iso(NOW + timedelta(days=1))).signed_by(OWN)
    cases: list[tuple[str, ConsentRecord, dict[str, Any]]] = [
        ("scripted", scripted, {}),
        ("scripted, as an aid", scripted, {"purpose": "assistive"}),
        ("scripted, published", scripted, {"purpose": "publishing"}),
        ("scripted, no such purpose", scripted, {"purpose": "own use"}),
        ("another voice", scripted, {"voice": OTHER_VOICE}),
        ("spoken", spoken, {}),
        ("spoken, published", spoken, {"purpose": "publishing"}),
        ("an aid", _draft(purposes=("assistive",)).signed_by(OWN), {}),
        ("scripted for more, published", wide, {"purpose": "publishing"}),
        ("countersigned by a stranger", wide.countersigned_by(SECOND), {"purpose": "publishing"}),
        *[
            (f"countersigned, who is trusted with {p}", wide.countersigned_by(SECOND),
             {"purpose": "publishing", "signers": [[SECOND_ID, "the clinic", [p]]]})
            for p in ("own-use", "publishing")
        ],
        ("ends tomorrow", ending, {}),
        ("ended", ending, {"now": to_iso(NOW + timedelta(days=1))}),
        ("ends in a second", ending, {"now": to_iso(NOW + timedelta(days=1, seconds=-1))}),
        ("of tomorrow", scripted, {"now": to_iso(NOW - timedelta(hours=24))}),
        ("of the day after", scripted, {"now": to_iso(NOW - timedelta(hours=24, seconds=1))}),
        ("a clock in 1970", scripted, {"now": "1970-01-02T00:00:00Z"}),
        ("foreign", foreign, {}),
        ("foreign, trusted", foreign, {"signers": [[FOREIGN_ID, "", ["own-use"]]]}),
        ("foreign, trusted with research",
         foreign, {"signers": [[FOREIGN_ID, "Ana's phone", ["research"]]]}),
        ("renewed", spoken.renewed(OTHER_VOICE, ("own-use",), OWN), {"voice": OTHER_VOICE}),
        ("renewed after a stranger",
         foreign.renewed(OTHER_VOICE, ("own-use",), OWN), {"voice": OTHER_VOICE}),
        ("renewed after somebody trusted", foreign.renewed(OTHER_VOICE, ("own-use",), OWN),
         {"voice": OTHER_VOICE, "signers": [[FOREIGN_ID, "", ["own-use", "research"]]]}),
        ("follows others", spoken.following(["11" * 16, "22" * 16], OWN), {}),
        ("version 1", _draft(version=1).signed_by(OWN), {}),
        ("withdrawn", _draft(id="99" * 16).signed_by(OWN), {"revoked": ["99" * 16]}),
        ("another is withdrawn", scripted, {"revoked": ["99" * 16]}),
        *[
            (f"read on another day: {day}",
             _spoken(SENTENCE.replace("December 1st, 2026", day)).signed_by(OWN), {})
            for day in (
                "November 29th, 2026", "November 28th, 2026", "December 2nd, 2026",
                "December 3rd, 2026", "February 30th, 2026", "Smarch 1st, 2026",
                "December 31st, 9999", "January 1st, 0001",
            )
        ],
        ("spaces in the sentence", _spoken(SENTENCE.replace(" ", "  ")).signed_by(OWN), {}),
        ("another sentence", _spoken("I agree.").signed_by(OWN), {}),
    ]  # fmt: skip
    for name, record, options in cases:
        yield name, record.to_bytes(), options
    raw, late = scripted.to_bytes(), wide.countersigned_by(SECOND).to_bytes()
    yield "by another key", raw.replace(scripted.device.encode(), FOREIGN_ID.encode()), {}
    yield "a blank more", raw.replace(b",", b", ", 1), {}
    yield "an end of line", raw + b"\n", {}
    yield (
        "countersignature changed",
        late.replace(b'"countersignature":"', b'"countersignature":"0', 1),
        {},
    )
    second = bytearray(late)
    place = late.index(b'"countersignature":"') + 25
    second[place] = ord("0") if second[place] != ord("0") else ord("1")
    yield "countersignature of other digits", bytes(second), {}
    for name, change in _changes():
        data = {**json.loads(raw), **change}
        left = {k: v for k, v in data.items() if v is not ...}
        text = json.dumps(left, sort_keys=True, separators=(",", ":"))
        yield f"changed: {name}", text.encode(), {}
    yield "too long", raw + b" " * 70_000, {}
    yield "nested deep", b"[" * 60_000, {}
    yield "a list", b"[]", {}
    yield "not ASCII", raw.replace(b"agreed", "agréed".encode()), {}
    yield "empty", b"", {}


def _changes() -> Iterator[tuple[str, dict[str, Any]]]:
    for key, values in {
        "id": ["0" * 31, "G" * 32, 5, None],
        "speaker": ["", " ", "x" * 501, "A\u0301na", "a\u200bb", "a\u200db", "a\ud800", "a\u2028",
                    7],
        "purposes": [[], ["research", "own-use"], ["own-use", "own-use"], ["sell"], "own-use", [1]],
        "created": ["2026-12-01", "2026-12-01T12:00:60Z", "0999-12-01T12:00:00Z",
                    "2026-02-30T00:00:00Z", "2026-12-1T12:00:00Z", 5],
        "expires": ["2026-12-01T12:00:00Z", "2026-12-01T11:59:59Z", "", "never", 0],
        "method": ["written", "spoken", ""],
        "reason": ["", None],
        "sentence": ["Hello."],
        "audio_sha256": ["ef" * 32],
        "version": [0, 4, True, 3, 1, "2", 2.0, None],
        "countersigner": ["ab" * 32],
        "replaces": [[], ["11" * 16]],
        "signature": ["AB" * 64, "ab" * 63],
        "extra": [1],
    }.items():  # fmt: skip
        for value in values:
            yield f"{key} = {value!r:.30}", {key: value}
        if key != "extra":
            yield f"no {key}", {key: ...}


def make_consents(home: Path) -> dict[str, Any]:
    """Records with what each stage says; signers; and lists of revocations."""
    rows = []
    for number, (name, raw, options) in enumerate(_records()):
        rows.append(
            {"name": name, "record": b64(raw), **options, **_judged(home, number, raw, options)}
        )
    raw = _draft(expires=to_iso(NOW + timedelta(days=365))).signed_by(OWN).to_bytes()
    tampered = []
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1 + place % 7
        tampered.append(_judged(home, -1, bytes(changed), {})["stage"])
    return {
        "voice": VOICE,
        "now": to_iso(NOW),
        "records": rows,
        "tampered": {"record": b64(raw), "stages": tampered},
        "signers": _signers(home),
        "revocations": _revocations(home),
    }  # fmt: skip


def _judged(home: Path, number: int, raw: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Where a record fails, in the order in which a profile asks, and with what error."""
    now = from_iso("now", options.get("now", to_iso(NOW)))
    purpose = options.get("purpose", "own-use")
    stage = "parse"
    try:
        record = ConsentRecord.from_bytes(raw)
        stage = "verify"
        record.verify(options.get("voice", VOICE))
        stage = "revoked"
        if options.get("revoked"):
            listed = Revocations(home / f"revoked-{number}.jsonl")
            for record_id in options["revoked"]:
                listed.add(record_id, "asked for", NOW)
            listed.check(record)
        stage = "check"
        record.check(purpose, now)
        stage = "authority"
        signers = TrustedSigners(home / f"signers-{number}.json")
        for key, name, purposes in options.get("signers", []):
            signers.trust(key, name, purposes, NOW)
        # What another case left as the latest time must not decide this one.
        (home / "DATA" / "voicelet" / "consent" / "latest-time").unlink(missing_ok=True)
        check_authority(record, purpose, now=now, signers=signers)
    except VoiceletError as error:
        return {"stage": stage, "error": type(error).__name__.removesuffix("Error")}
    return {"stage": "", "error": None}


def _signers(home: Path) -> dict[str, Any]:
    path = home / "signers.json"
    signers = TrustedSigners(path)
    signers.trust(SECOND_ID, "the clinic, 2nd floor", ["publishing", "own-use"], NOW)
    signers.trust(FOREIGN_ID.upper(), "Ana’s phone", now=NOW)
    sound = path.read_bytes()
    changes = {
        "sound": sound,
        "other spaces": json.dumps(json.loads(sound)).encode(),
        "a key twice": sound.replace(b'"version": 1', b'"version": 1, "version": 1'),
        "another version": sound.replace(b'"version": 1', b'"version": 2'),
        "no key": sound.replace(FOREIGN_ID.encode(), FOREIGN_ID[1:].encode()),
        "no purpose": sound.replace(b"research", b"sell").replace(b"publishing", b"sell"),
        "an unknown key": sound.replace(b'"name"', b'"nickname"'),
        "cut": sound[:-2],
        "not ASCII": sound.replace(b"clinic", "clínic".encode()),
        "empty": b"",
        "a list": b"[]",
    }
    rows = []
    for name, raw in changes.items():
        path.write_bytes(raw)
        rows.append({
            "name": name, "file": b64(raw), "error": failure(TrustedSigners(path).entries),
        })  # fmt: skip
    return {"keys": [SECOND_ID, FOREIGN_ID], "cases": rows}


def _revocations(home: Path) -> dict[str, Any]:
    """This device's list with what is kept apart from it, and lists that were changed."""
    ids = [f"{n:032x}" for n in range(1, 5)]
    listed = Revocations()
    for number, record_id in enumerate(ids):
        listed.add(
            record_id, ("", "no longer wanted", "niña")[number % 3], NOW + timedelta(hours=number)
        )
    path = default_file()
    sound = path.read_bytes()
    lines = sound.splitlines(keepends=True)
    states = {p.name: b64(p.read_bytes()) for p in sorted(keys_folder().glob("revocations.*"))}
    foreign = longest_sound(sound)[0].grown(FOREIGN, "77" * 16, to_iso(NOW), "")
    digit = bytearray(sound)
    digit[len(lines[0]) + 30] ^= 1
    changes: dict[str, bytes | None] = {
        "sound": sound,
        "missing": None,
        "empty": b"",
        "shorter": b"".join(lines[:-1]),
        "grown by another device": foreign.raw,
        "first line gone": b"".join(lines[1:]),
        "two lines swapped": b"".join([lines[1], lines[0], *lines[2:]]),
        "a line twice": sound + lines[-1],
        "a carriage return": sound.replace(b"\n", b"\r\n"),
        "last line cut": sound[:-9],
        "no end of line": sound[:-1],
        "a digit changed": bytes(digit),
        "a capital": sound.replace(b'"id":"0000', b'"ID":"0000', 1),
        "an empty line": sound + b"\n",
        "another list": _another(home),
        "another list, in the place of an impossible one": _replacing("replaces 0 " + VOICE),
        "another list, in the place of this one": _replacing(
            f"replaces 4 {longest_sound(sound)[0].anchor.sha256}"
        ),
        "random": bytes(range(256)) * 3,
    }  # fmt: skip
    rows = []
    for name, raw in changes.items():
        for file, data in states.items():
            (keys_folder() / file).write_bytes(base64.b64decode(data))
        if raw is None:
            path.unlink()
        else:
            path.write_bytes(raw)
        looks = Revocations()
        asked = {i: partial(looks.check, _draft(id=i)) for i in (*ids, "77" * 16, "88" * 16)}
        checks = {i: failure(check) for i, check in asked.items()}
        rows.append({
            "name": name, "list": None if raw is None else b64(raw), "checks": checks,
            "sound": len(longest_sound(raw or b"")[0].lines),
        })  # fmt: skip
    return {"ids": ids, "list": b64(sound), "states": states, "cases": rows}


def _another(home: Path) -> bytes:
    other = Revocations(home / "another.jsonl")
    for n in range(5):
        other.add(f"{n + 100:032x}", "", NOW)
    return other.path.read_bytes()


def _replacing(reason: str) -> bytes:
    """A list of another device, which can say what it likes."""
    chain = longest_sound(b"")[0]
    for n in range(5):
        chain = chain.grown(FOREIGN, f"{n + 200:032x}", to_iso(NOW), reason)
    return chain.raw
