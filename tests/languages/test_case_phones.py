"""The third column of a pack's cases: phones, by the pack alone."""

from __future__ import annotations

import pytest

from tests.languages.phone_error import pack_front_end, spoken
from voicelet.text.pack.folder import PACKAGED

PACKS = sorted(path.parent.name for path in PACKAGED.glob("*/cases.tsv"))


def phone_cases(tag: str) -> list[list[str]]:
    lines = (PACKAGED / tag / "cases.tsv").read_text(encoding="utf-8").splitlines()
    return [row for row in (line.split("\t") for line in lines) if len(row) == 3]


@pytest.mark.parametrize("tag", [tag for tag in PACKS if phone_cases(tag)])
def test_packs_pronounce_their_cases(tag: str) -> None:
    front_end = pack_front_end(tag)
    heard = [
        (written, phones, spoken(front_end, written)) for written, _, phones in phone_cases(tag)
    ]
    assert [row for row in heard if row[1] != row[2]] == []


def test_some_packs_have_phones_in_their_cases() -> None:
    assert {"es", "pt-br"} <= {tag for tag in PACKS if len(phone_cases(tag)) >= 15}
