"""Profiles survive their file, and nothing else passes for one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelet.errors import ProfileError, VoiceletError
from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.speaker.vector import KNOWN_ENCODERS, SpeakerStatistics

finite = st.floats(allow_nan=False, allow_infinity=False)
optional = st.none() | finite
quality = st.builds(
    QualitySummary,
    total_s=finite,
    speech_s=finite,
    snr_db=finite,
    clipped_fraction=finite,
    level_dbfs=finite,
    bandwidth_hz=finite,
    speaker_consistency=optional,
    phonetic_coverage=optional,
    pitch_low_hz=optional,
    warnings=st.lists(st.text(), max_size=3).map(tuple),
)


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(256)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def profile(name: str = "ana", seed: int = 0) -> Profile:
    return Profile(
        name=name,
        created="2026-01-02T03:04:05Z",
        d_vector=unit(seed),
        statistics=SpeakerStatistics(5.1, 0.2, np.linspace(-6, -2, 70, dtype=np.float32)),
        encoder_id=KNOWN_ENCODERS[0],
        speech_s=31.5,
        quality=QualitySummary(40.0, 31.5, 35.0, 0.0, -24.0, 11000.0, warnings=("für",)),
        app_version="0.1.0",
    )


def seal(data: bytes) -> bytes:
    return data + hashlib.sha256(data).digest()


def with_header(original: Profile, change: dict[str, object] | bytes) -> bytes:
    """A file whose header was changed and whose checksum was made right again."""
    data = original.to_bytes()
    size, body_size = struct.unpack_from("<II", data, 8)
    header = json.loads(data[16 : 16 + size])
    text = change if isinstance(change, bytes) else json.dumps({**header, **change}).encode()
    body = data[16 + size : 16 + size + body_size]
    return seal(struct.pack("<4sHHII", b"VCLP", 1, 0, len(text), body_size) + text + body)


names = (
    st.text(st.characters(categories=["L", "N", "Pd", "Pc"]), min_size=1, max_size=20)
    .filter(lambda s: s[0] not in "-.")
    .map(lambda s: s + "x")
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=names,
    created=st.text(max_size=30),
    seed=st.integers(0, 2**31),
    f0=st.tuples(st.floats(3.5, 7.0), st.floats(0.0, 1.5)),
    ltas=st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=100),
    figures=quality,
)
def test_round_trip(
    name: str,
    created: str,
    seed: int,
    f0: tuple[float, float],
    ltas: list[float],
    figures: QualitySummary,
) -> None:
    first = Profile(
        name, created, unit(seed), SpeakerStatistics(*f0, np.array(ltas, np.float32)),
        "enc", 12.0, figures, "9.9",
    )  # fmt: skip
    second = Profile.from_bytes(first.to_bytes())
    assert second == first
    assert hash(second) == hash(first)
    assert second.quality == figures
    assert second.created == created
    np.testing.assert_array_equal(second.d_vector, first.d_vector)
    np.testing.assert_array_equal(second.statistics.ltas, first.statistics.ltas)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    original = bytearray(profile().to_bytes())
    at = data.draw(st.integers(0, len(original) - 1))
    original[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProfileError):
        Profile.from_bytes(bytes(original))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10_000))
def test_every_truncation_is_noticed(length: int) -> None:
    data = profile().to_bytes()
    with pytest.raises(ProfileError):
        Profile.from_bytes(data[: length % len(data)])


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    for case in (data, b"VCLP\1\0" + data, seal(b"VCLP\1\0\0\0" + data)):
        with pytest.raises(ProfileError):
            Profile.from_bytes(case)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(
    key=st.sampled_from(
        ["name", "created", "encoder_id", "speech_s", "quality", "body", "app_version"]
    ),
    value=json_values,
)
def test_wrong_headers_with_right_checksums_never_crash(key: str, value: object) -> None:
    try:
        loaded = Profile.from_bytes(with_header(profile(), {key: value}))
    except VoiceletError:
        return
    assert isinstance(loaded.name, str)
    assert np.isfinite(loaded.speech_s)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"speech_s": 1e999}']
)
def test_headers_that_are_no_headers(text: bytes) -> None:
    with pytest.raises(ProfileError):
        Profile.from_bytes(with_header(profile(), text))


def test_unknown_header_keys_are_left_for_later_versions() -> None:
    assert Profile.from_bytes(with_header(profile(), {"consent": {"by": "ana"}})) == profile()


def test_newer_and_sealed_files_ask_for_an_update() -> None:
    data = bytearray(profile().to_bytes())
    data[4] = 3
    with pytest.raises(ProfileError, match="update voicelet"):
        Profile.from_bytes(bytes(data))
    data[4], data[6] = 1, 1
    with pytest.raises(ProfileError, match="update voicelet"):
        Profile.from_bytes(bytes(data))


def test_values_that_are_no_voice_are_refused() -> None:
    good = profile()
    bad_vectors = [np.zeros(256), np.ones(256), np.full(256, np.nan), unit(0)[:255]]
    for vector in bad_vectors:
        with pytest.raises(ProfileError):
            dataclasses.replace(good, d_vector=vector.astype(np.float32))
    for f0 in [(np.nan, 0.2), (0.0, 0.2), (5.0, -1.0), (9.0, 0.1)]:
        with pytest.raises(ProfileError):
            dataclasses.replace(good, statistics=SpeakerStatistics(*f0, good.statistics.ltas))
    with pytest.raises(ProfileError, match="finite"):
        dataclasses.replace(good.quality, snr_db=float("inf"))


def test_a_profile_can_not_be_changed_in_place() -> None:
    made = profile()
    with pytest.raises(ValueError, match="read-only"):
        made.d_vector[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "b"  # type: ignore[misc]


def test_a_voiceprint_is_not_printed() -> None:
    made = profile()
    text = repr(made) + str(made)
    assert "array" not in text
    assert f"{float(made.d_vector[0]):.3f}" not in text


def test_speaker_vector_layout() -> None:
    made = profile()
    vector = made.speaker_vector(np.full(80, -5.0), np.full(80, 2.0))
    assert vector.shape == (256 + 2 + 70,)
    np.testing.assert_allclose(vector[256:258], [5.1, 0.2], rtol=1e-6)
    np.testing.assert_allclose(vector[258:], (made.statistics.ltas + 5.0) / 2.0, rtol=1e-6)
