"""Manifests are read strictly, and nothing that JSON can say crashes the reader."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import tiny_manifest
from voicelet.bundle.manifest import canonical_bytes, parse_manifest
from voicelet.errors import BundleError, BundleVersionError


def as_dict() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(canonical_bytes(tiny_manifest()))
    return data


def test_round_trip() -> None:
    manifest = tiny_manifest()
    assert parse_manifest(canonical_bytes(manifest)) == manifest


def test_canonical_bytes_do_not_depend_on_order() -> None:
    shuffled = json.dumps(dict(reversed(as_dict().items()))).encode()
    assert canonical_bytes(parse_manifest(shuffled)) == canonical_bytes(tiny_manifest())


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/x",
        "a/../b",
        "a//b",
        "",
        ".hidden",
        "a\\b",
        "C:x",
        "a\0b",
        "manifest.json",
        "x" * 201,
    ],
)
def test_file_names_stay_inside_the_bundle(name: str) -> None:
    data = as_dict()
    data["data"]["lexicon"]["file"] = name
    with pytest.raises(BundleError):
        parse_manifest(json.dumps(data).encode())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": 1}, "unknown key 'extra'"),
        ({"licens": "MIT"}, "did you mean 'licence'"),
        ({"sample_rate_hz": 16000}, "features.sample_rate_hz differ"),
        ({"sample_rate_hz": "24000"}, "expected int"),
        ({"phones": "aa"}, "differ from one another"),
        ({"model_card": "nowhere"}, "model_card names"),
        ({"graphs": {"vocoder": {"alternatives": []}}}, "at least one file"),
        ({"schema_version": True}, "schema_version"),
        ({"presets": [{"name": "a", "index": 0}, {"name": "a", "index": 1}]}, "same name"),
    ],
)
def test_impossible_manifests(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        parse_manifest(json.dumps({**as_dict(), **change}).encode())


@pytest.mark.parametrize(
    ("mel_mean", "mel_std"),
    [([0.0] * 79, [1.0] * 79), ([0.0] * 80, [1.0] * 79), ([0.0] * 80, [0.0] * 80)],
)
def test_impossible_statistics(mel_mean: list[float], mel_std: list[float]) -> None:
    data = as_dict()
    data["statistics"] = {"mel_mean": mel_mean, "mel_std": mel_std}
    with pytest.raises(BundleError):
        parse_manifest(json.dumps(data).encode())


def test_not_a_number_is_refused() -> None:
    text = canonical_bytes(tiny_manifest()).decode().replace("-5.0", "NaN", 1)
    with pytest.raises(BundleError, match="finite"):
        parse_manifest(text.encode())


def test_a_key_twice_is_refused() -> None:
    raw = canonical_bytes(tiny_manifest()).replace(b'"name": "tiny"', b'"name": "x", "name": "y"')
    with pytest.raises(BundleError, match="twice"):
        parse_manifest(raw)


@pytest.mark.parametrize("version", [0, -1])
def test_schemas_that_never_were(version: int) -> None:
    with pytest.raises(BundleVersionError):
        parse_manifest(json.dumps({**as_dict(), "schema_version": version}).encode())


def test_total_size_is_bounded() -> None:
    data = as_dict()
    data["data"]["lexicon"]["bytes"] = 200 << 20
    data["data"]["model_card"]["bytes"] = 200 << 20
    with pytest.raises(BundleError, match="add up to more than 256 MB"):
        parse_manifest(json.dumps(data).encode())


def test_one_file_can_serve_two_roles_but_not_with_two_hashes() -> None:
    manifest = tiny_manifest()
    lexicon = manifest.data["lexicon"]
    shared = dataclasses.replace(manifest, data={**manifest.data, "labels": lexicon})
    assert len(shared.files()) == len(manifest.files())
    with pytest.raises(ValueError, match="listed twice and differently"):
        dataclasses.replace(
            manifest, data={**manifest.data, "labels": dataclasses.replace(lexicon, bytes=1)}
        )


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 100_000, b"{" * 99]
)
def test_not_manifests(raw: bytes) -> None:
    with pytest.raises(BundleError):
        parse_manifest(raw)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted(as_dict())), value=_JSON)
def test_any_json_in_any_place_is_read_or_refused(key: str, value: Any) -> None:
    try:
        parse_manifest(json.dumps({**as_dict(), key: value}).encode("utf-8", "surrogatepass"))
    except BundleError:
        pass
