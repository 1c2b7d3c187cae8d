"""Of make_profiles_golden.py: profile files, good and bad, and names."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tests.golden.trust_seeds import DEVICE, OTHER, b64, failure
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.names import check_name, file_stem, name_of_file
from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.speaker.vector import KNOWN_ENCODERS, SpeakerStatistics
from voicelet.trust.consent.record import ConsentRecord, unsigned_record
from voicelet.trust.keys.seal import signing_key_from_bytes

KEY = signing_key_from_bytes(DEVICE)
NAMES = (
    "ana", "Ana", "Zoe\u0308", "李雷", "o'brien the 2nd", "é" * 64, "Ж" * 64, "𝒜" * 64, "𝒜b" * 30,
    "नमस्\u200dते", "", " ", " ana", "ana ", "a\u00a0", ".ana", "-ana", "ana.", "a/b", "a\\b", "a:b",
    "con", "CON", "com1.txt", "com٣", "common", "a\nb", "a\u200bb", "a\u2028b", "\ud800",
    "\U000e0001", "x" * 64, "x" * 65, "ß", "İ", "ana~0123456789ab", "a..b", "\ufffe", "\ue000", "é",
    "e\u0301" * 64,
)  # fmt: skip


def record(voice_sha256: str, speaker: str = "Ana Silva", **changes: Any) -> ConsentRecord:
    """A written-down consent to one voice, signed with a fixed key."""
    values: dict[str, Any] = {
        "speaker": speaker,
        "given_by": speaker,
        "purposes": ("own-use",),
        "scope": "",
        "created": "2026-01-02T03:04:05Z",
        "expires": None,
        "method": "scripted",
        "reason": "made up for a test",
        "sentence": "",
        "audio_sha256": "",
        "voice_sha256": voice_sha256,
        "id": hashlib.sha256(speaker.encode()).hexdigest()[:32],
    }
    return unsigned_record(**{**values, **changes}).signed_by(KEY)


def person(name: str, speaker: str = "Ana Silva", **changes: Any) -> Profile:
    """A voice that no two names share, with its owner's consent."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    generator = np.random.Generator(np.random.PCG64(seed))
    vector = generator.standard_normal(256)
    values: dict[str, Any] = {
        "name": name,
        "created": "2026-01-02T03:04:05Z",
        "d_vector": (vector / np.linalg.norm(vector)).astype(np.float32),
        "statistics": SpeakerStatistics(
            5.1, 0.2, generator.normal(-5.0, 2.0, 70).astype(np.float32)
        ),
        "encoder_id": KNOWN_ENCODERS[0],
        "speech_s": 31.5,
        "quality": QualitySummary(40.0, 31.5, 35.25, 1e-7, -24.0, 11000.0, 0.875, warnings=("é",)),
        "app_version": "0.4.0",
    }
    made = Profile(**{**values, **changes})
    return replace(made, consent=record(made.voice_sha256, speaker))


def adaptation(**changes: Any) -> Adaptation:
    """Of 31 numbers: an odd count is padded."""
    shift = np.random.Generator(np.random.PCG64(7)).normal(0.0, 0.1, 31).astype(np.float32)
    values: dict[str, Any] = {"log_duration_shift": -0.125, "speech_s": 600.0, "loss_after": 0.3}
    return Adaptation("ab" * 32, shift, **{**values, **changes})


def make_profiles() -> dict[str, Any]:
    """Names, sound profiles with their values, and files that are refused."""
    names = []
    for name in NAMES:
        error = failure(partial(check_name, name))
        row: dict[str, Any] = {"name": name, "error": error}
        if error is None:
            row |= {"checked": check_name(name), "stem": file_stem(name)}
            row["of_file"] = name_of_file(file_stem(name) + ".vclp")
        names.append(row)
    sound = [_described(profile) for profile in _sound()]
    files = [
        {"what": what, "file": b64(data), "error": failure(partial(Profile.from_bytes, data))}
        for what, data in _files(person("ana").to_bytes())
    ]
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    return {"names": names, "sound": sound, "files": files, "halves": _halves(bits)}


def _sound() -> Iterator[Profile]:
    ana = person("ana")
    yield ana
    yield person("Zoe\u0308", "Zoë Müller")
    yield replace(ana, consent=None)
    adapted = replace(ana, consent=None, adaptation=adaptation())
    yield replace(adapted, consent=record(adapted.voice_sha256))
    plain = replace(ana, consent=None, adaptation=adaptation(pitch_gain=1.5, energy_shift=-0.0))
    yield replace(plain, consent=record(plain.voiceprint_sha256, version=1))
    later = record(ana.voice_sha256).following(["11" * 16], KEY)
    yield replace(ana, consent=later)
    second = record(ana.voice_sha256).countersigned_by(signing_key_from_bytes(OTHER))
    yield replace(ana, consent=second)


def _described(profile: Profile) -> dict[str, Any]:
    consent, learnt = profile.consent, profile.adaptation
    return {
        "file": b64(profile.to_bytes()),
        "name": profile.name,
        "speech_s": profile.speech_s,
        "d_vector": [float(v) for v in profile.d_vector],
        "log_f0": [profile.statistics.log_f0_mean, profile.statistics.log_f0_std],
        "bands": len(profile.statistics.ltas),
        "snr_db": profile.quality.snr_db,
        "warnings": list(profile.quality.warnings),
        "voice_sha256": profile.voice_sha256,
        "voiceprint_sha256": profile.voiceprint_sha256,
        "vector": None if learnt is None else [float(v) for v in learnt.vector],
        "agreed": profile.agreed_adaptation is not None,
        "consent": None if consent is None else b64(consent.to_bytes()),
    }  # fmt: skip


def _halves(values: Any) -> list[list[float]]:
    """Numbers, some between two halves, and what they become."""
    finite = values[np.isfinite(values)][::97].astype(np.float64)
    between = np.concatenate([finite, finite * (1 + 2.0**-11), finite * (1 + 3 * 2.0**-12)])
    between = np.concatenate([between, [65519.0, 2.0**-25, 2.0**-25 * 1.01, 2.0**-14 * 0.9999]])
    single = between.astype(np.float32)
    halves = single.astype(np.float16).astype(np.float32)
    kept = np.isfinite(halves)
    return [[float(a), float(b)] for a, b in zip(single[kept], halves[kept])]


def packed(header: Any, body: bytes, version: int = 2, flags: int = 0) -> bytes:
    """A profile file with a right checksum; `header` is JSON, or bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header, sort_keys=True).encode()
    data = struct.pack("<4sHHII", b"VCLP", version, flags, len(text), len(body)) + text + body
    return data + hashlib.sha256(data).digest()


def _files(data: bytes) -> Iterator[tuple[str, bytes]]:
    size = struct.unpack_from("<I", data, 8)[0]
    text, body = data[16 : 16 + size], data[16 + size : -32]
    header = json.loads(text)
    for place in (0, 4, 5, 6, 8, 11, 12, 20, 16 + size + 3, len(data) - 1):
        yield f"byte {place} changed", data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    for length in (0, 3, 5, 15, 40, len(data) - 1):
        yield f"cut to {length}", data[:length]
    yield "a byte more", data + b"\0"
    yield "as it was", packed(text, body)
    yield "of version 3", packed(text, body, 3)
    yield "of version 0", packed(text, body, 0)
    yield "with flags", packed(text, body, 2, 1)
    yield "as version 1", packed(text, body, 1)
    yield "no object", packed([1], body)
    yield "no JSON", packed(b"{", body)
    yield "no UTF-8", packed(text.replace(b'"0.4.0"', b'"0.\xff.0"'), body)
    yield "a key twice", packed(text[:-1] + b', "name": "ana"}', body)
    yield "too deep", packed(b'{"a":' * 5000 + b"1" + b"}" * 5000, body)
    yield "a key more", packed({**header, "later": [1, {"a": None}]}, body)
    for key in header:
        yield f"without {key}", packed({k: v for k, v in header.items() if k != key}, body)
        yield (
            f"{key} of another kind",
            packed({**header, key: 7 if key != "speech_s" else {}}, body),
        )
    for name in ("../ana", "", "a\ud800"):
        yield f"called {name!a}", packed({**header, "name": name}, body)
    for key in ("created", "app_version", "encoder_id"):
        yield f"{key} with half a character", packed({**header, key: "\ud800"}, body)
    yield "another encoder, bound to the first", packed({**header, "encoder_id": "x"}, body)
    for number in (b"NaN", b"Infinity", b"-1", b"1e400"):
        changed = text.replace(b'}, "speech_s": 31.5', b'}, "speech_s": ' + number)
        yield f"speech of {number!r}", packed(changed, body)
    sizes, quality = header["body"], header["quality"]
    for key, size in (
        ("ltas", 69),
        ("ltas", 1 << 40),
        ("ltas", -1),
        ("ltas", 0),
        ("d_vector", 255),
        ("adaptation", 2),
        ("log_f0", 3),
    ):
        yield f"{key} of {size}", packed({**header, "body": {**sizes, key: size}}, body)
    yield "a figure more", packed({**header, "quality": {**quality, "later": 1.0}}, body)
    yield "a figure that is a text", packed({**header, "quality": {**quality, "snr_db": "x"}}, body)
    yield (
        "a warning that is none",
        packed({**header, "quality": {**quality, "warnings": [1]}}, body),
    )
    numbers = np.frombuffer(body, "<f4")
    wrong = ((0, np.nan), (0, 2.0), (256, 0.0), (256, np.inf), (257, -1.0), (258, np.nan))
    for place, figure in wrong:
        other = numbers.copy()
        other[place] = figure
        yield f"number {place} is {figure}", packed(header, other.tobytes())
    yield "another voice", packed(header, numbers[::-1].astype("<f4").tobytes())
    changes: dict[str, list[Any]] = {
        "id": ["x"],
        "version": [4, "2"],
        "voice_sha256": ["0" * 64],
        "signature": ["AB" * 64],
        "replaces": [[], ["11" * 16]],
        "later": [1],
        "speaker": [1, "\ud800"],
    }
    for key, values in changes.items():
        for value in values:
            consent = {**header["consent"], key: value}
            yield f"consent: {key} is {value!a}", packed({**header, "consent": consent}, body)
    yield "consent: null", packed({**header, "consent": None}, body)
    consent = {**header["consent"], "signature": "ab" * 64}
    yield "consent: not checked here", packed({**header, "consent": consent}, body)
