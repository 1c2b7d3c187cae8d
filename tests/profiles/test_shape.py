"""The hash that binds a consent covers every field that shapes a voice; none can be forgotten."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.consenting import draft
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.profile import Profile
from voicelet.profiles.shape import SILENT_FIELDS, shaping_sha256


def full() -> Profile:
    """A profile with everything that a voice can have."""
    adaptation = Adaptation(
        "ab" * 32, np.linspace(-1, 1, 9, dtype=np.float32), -0.1, 1.2, 0.3, 30.0, 0.2, 0.1
    )
    return dataclasses.replace(draft(encoder_id="test-1"), adaptation=adaptation)


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, str):
        return ("0" if value[0] != "0" else "1") + value[1:]
    if isinstance(value, float):
        return value * 1.01
    if isinstance(value, np.ndarray):
        other = np.array(value)
        other[-1] += 0.01
        return other
    raise AssertionError(f"say here how a {type(value).__name__} differs from another")


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths to all fields of a profile and of what they hold that aren't called silent."""
    found = []
    for item in dataclasses.fields(value):
        if not item.init or (not path and item.name in SILENT_FIELDS):
            continue
        inner, place = getattr(value, item.name), (*path, item.name)
        found += leaves(inner, place) if dataclasses.is_dataclass(inner) else [place]
    return found


def with_change(value: Any, path: tuple[str, ...]) -> Any:
    inner = getattr(value, path[0])
    new = with_change(inner, path[1:]) if len(path) > 1 else changed(inner)
    return dataclasses.replace(value, **{path[0]: new})


LEAVES = leaves(full())


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_each_field_counts(path: tuple[str, ...]) -> None:
    other = with_change(full(), path)
    assert other.voice_sha256 != full().voice_sha256


def test_no_field_is_forgotten() -> None:
    fields = {f.name for f in dataclasses.fields(Profile) if f.init}
    assert {path[0] for path in LEAVES} | SILENT_FIELDS == fields
    assert {p for p in LEAVES if p[0] == "adaptation"} == {
        ("adaptation", f.name) for f in dataclasses.fields(Adaptation)
    }
    for path in (("statistics", "ltas"), ("statistics", "log_f0_mean"), ("d_vector",)):
        assert path in LEAVES


def test_what_is_silent_does_not_count() -> None:
    other = dataclasses.replace(full(), name="ben", speech_s=3.0, app_version="9")
    assert other.voice_sha256 == full().voice_sha256
    assert Profile.from_bytes(full().to_bytes()).voice_sha256 == full().voice_sha256


def test_a_later_field_with_its_default_changes_nothing() -> None:
    @dataclasses.dataclass
    class Now:
        pitch: float

    @dataclasses.dataclass
    class Later(Now):
        breath: float = 0.0
        accent: str = ""

    assert shaping_sha256(Now(1.5)) == shaping_sha256(Later(1.5))
    assert shaping_sha256(Later(1.5)) != shaping_sha256(Later(1.5, 0.1))
    assert shaping_sha256(Later(1.5, accent="x")) != shaping_sha256(Later(1.5))
    with pytest.raises(TypeError, match="can't be part of a voice"):
        shaping_sha256(Later(1.5, accent=object()))  # type: ignore[arg-type]


def test_the_hash_stays_what_it_is() -> None:
    """Records that exist are bound to it."""
    assert full().voice_sha256 == FIXED


FIXED = "f8e5faaa95b5f0c33011d352b8483b8dabdd5527d900505ff03306bd6ef3c778"
