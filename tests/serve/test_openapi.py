"""The OpenAPI document says what the server does."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx
import pytest

from tests.serve.conftest import Serve
from voicelet.errors import VoiceletError
from voicelet.serve.http.openapi import document
from voicelet.serve.http.requests import SpeechRequest, speech_request


def test_every_path_is_there_and_answers(serve: Serve) -> None:
    with serve() as served:
        described = httpx.get(f"{served.url}/openapi.json").json()
        assert described == document()
        for path, operations in described["paths"].items():
            for method in operations:
                answer = httpx.request(method, served.url + path)
                assert answer.status_code in (200, 415), path


def schema() -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"]["Speech"]
    return found


def test_the_schema_is_what_requests_are_read_with() -> None:
    fields = {f.name: f for f in dataclasses.fields(SpeechRequest)}
    assert set(schema()["properties"]) == set(fields)
    assert schema()["required"] == ["input"] and not schema()["additionalProperties"]
    for name, described in schema()["properties"].items():
        if name != "input":
            assert described["default"] == fields[name].default


@pytest.mark.parametrize("name", sorted(schema()["properties"]))
def test_limits_are_the_real_ones(name: str) -> None:
    """What the document allows is taken; a step beyond is refused."""
    described = schema()["properties"][name]

    def takes(value: object) -> bool:
        try:
            speech_request({"input": "Hi.", name: value}).utterance(1000)
        except VoiceletError:
            return False
        return True

    for value in described.get("enum", ()):
        assert takes(value), (name, value)
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in described:
            assert takes(described[bound])
            assert not takes(described[bound] + step)
    if "enum" in described and name not in ("response_format", "sample_rate"):
        assert not takes("nonsense")  # formats and rates are refused where they are opened
