"""A moment of what `make fuzz` does for long."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.fuzz import mutated
from tests.fuzz.targets import TARGETS, one


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_answers_anything_by_a_value_or_a_named_error(name: str) -> None:
    target, rng = TARGETS[name], random.Random(name)
    seeds = list(target.seeds())
    for seed in seeds:
        target.parse(seed)  # sound ones give a value, or nothing behind the first check is tried
    for _ in range(150):
        one(target, mutated(rng.choice(seeds or [b"{}"]), rng))
