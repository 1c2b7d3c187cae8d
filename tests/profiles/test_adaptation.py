"""What was learnt of a person survives its file, and nothing else passes for it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.profiles.test_profile import profile, with_header
from voicelet.errors import ProfileError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.profile import Profile

HASH = "ab" * 32


def adapted(size: int = 7, **changes: float) -> Profile:
    shift = np.linspace(-1, 1, size, dtype=np.float32)
    return dataclasses.replace(profile(), adaptation=Adaptation(HASH, shift, **changes))


@settings(deadline=None, max_examples=80)
@given(
    hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-100, 100, width=16)),
    st.floats(-1, 1),
    st.floats(0.25, 4),
)
def test_round_trip(shift: np.ndarray, slower: float, wider: float) -> None:
    original = dataclasses.replace(
        profile(), adaptation=Adaptation(HASH, shift, slower, wider, 0.5, 30.0, 0.2, 0.1)
    )
    found = Profile.from_bytes(original.to_bytes())
    assert found == original and found.adaptation is not None
    np.testing.assert_array_equal(found.adaptation.condition_shift, shift)  # float16 already
    told = [np.float32(x) for x in (slower, wider, 0.5)]
    np.testing.assert_array_equal(found.adaptation.vector, [*told, *shift])
    assert found.adaptation.loss_after == 0.1
    assert found.voiceprint_sha256 == profile().voiceprint_sha256
    assert found.voice_sha256 == original.voice_sha256 != profile().voice_sha256


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["adaptation", "body"]), st.dictionaries(
    st.sampled_from(["decoder_sha256", "pitch_gain", "adaptation", "ltas", "d_vector"]),
    st.none() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
))  # fmt: skip
def test_wrong_headers_are_named(key: str, value: dict[str, object]) -> None:
    original = adapted()
    try:
        Profile.from_bytes(with_header(original, {key: value}))
    except ProfileError:
        return
    assert key == "adaptation"  # every key there is optional to nobody
    pytest.fail(f"{json.dumps(value)} passed")


def test_values_that_can_not_be_are_refused() -> None:
    for shift in (
        np.zeros(0),
        np.zeros((2, 2)),
        np.array([np.nan]),
        np.array([1e6]),
        np.zeros(70_000),
    ):
        with pytest.raises(ProfileError, match="finite numbers"):
            Adaptation(HASH, shift.astype(np.float32))
    for name, value in (("pitch_gain", 0.0), ("energy_shift", np.inf), ("log_duration_shift", 2.0)):
        with pytest.raises(ProfileError, match=name):
            adapted(**{name: value})
    with pytest.raises(ProfileError, match="SHA-256"):
        Adaptation("x", np.zeros(3, np.float32))
    assert "condition_shift" not in repr(adapted().adaptation)
