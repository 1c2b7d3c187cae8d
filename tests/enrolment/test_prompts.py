"""What is asked of a reader: all sounds, soonest first; and prompts of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from voicelet.bundle import open_bundle
from voicelet.enrolment.enrolment import phones_of_text, phonetic_coverage
from voicelet.enrolment.reading.prompts import (
    Prompt,
    order_by_coverage,
    read_prompts,
    sentences,
    short_words,
)
from voicelet.errors import ConfigError


@pytest.mark.parametrize("prompts", [sentences(), short_words()], ids=["sentences", "words"])
def test_prompts_cover_the_sounds_of_english_and_the_first_ones_most_of_them(
    prompts: tuple[Prompt, ...],
) -> None:
    bundle = open_bundle(None)
    inventory = bundle.manifest.phones

    def coverage(some: tuple[Prompt, ...]) -> float:
        text = "".join(phones_of_text(prompt.text, bundle) for prompt in some)
        return phonetic_coverage(text, inventory)

    ordered = order_by_coverage(prompts, lambda text: phones_of_text(text, bundle), inventory)
    assert sorted(p.text for p in ordered) == sorted(p.text for p in prompts)
    assert len(set(prompts)) == len(prompts)
    assert coverage(prompts) > 0.95  # the rest are foreign to American English
    quarter = len(prompts) // 4
    assert coverage(ordered[:quarter]) == coverage(prompts)
    assert coverage(ordered[:quarter]) >= coverage(prompts[:quarter])
    assert coverage(ordered[quarter : 2 * quarter]) > 0.85  # and once more


def test_sentences_are_long_enough_and_can_be_said_in_one_breath() -> None:
    for prompt in sentences():
        assert 7 <= len(prompt.text.split()) <= 12, prompt.text
    assert len(sentences()) >= 40
    assert all(" " not in prompt.text for prompt in short_words())


def test_a_file_of_prompts(tmp_path: Path) -> None:
    (tmp_path / "red-apple.png").touch()
    (tmp_path / "ball.jpg").touch()
    file = tmp_path / "prompts.txt"
    file.write_text(
        "\ufeff# what Tom likes\n\nGood  morning, Tom.\nred-apple.png\nball.jpg\ta green ball\n",
        encoding="utf-8",
    )
    assert read_prompts(file) == (
        Prompt("Good morning, Tom."),
        Prompt("", tmp_path / "red-apple.png"),
        Prompt("a green ball", tmp_path / "ball.jpg"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no prompts"),
        (b"# only a remark\n", "holds no prompts"),
        (b"hello\ncat.png\n", "line 2 of .*there is no picture 'cat.png'"),
        (b"hello\n" + b"long " * 100, "line 2 of .*longer than 300 characters"),
        (b"hi\n" * 501, "more than 500"),
        (b"caf\xe9\n", "isn't UTF-8"),
        (b"a" * ((1 << 18) + 1), "longer than 256 kB"),
        (b"turn \x1b[31mred\n", "line 1 of .*can't be shown"),
    ],
)
def test_an_unusable_file_is_named_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_prompts(file)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_prompts(tmp_path / "none.txt")
