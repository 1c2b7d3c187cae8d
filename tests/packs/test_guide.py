"""The guide "Add a language" works to the letter, without a line of Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packs.toy import guide_files, write_toy_pack
from tests.synth.voices import tiny_voice
from voicelet import Voice
from voicelet.cli.main import main
from voicelet.errors import ConfigError
from voicelet.synth.explain import explain
from voicelet.text.cleanup import plain_pieces
from voicelet.text.pack.folder import open_pack
from voicelet.text.phones import MULTILINGUAL_SYMBOLS
from voicelet.text.scanner import Scanner
from voicelet.text.words import Word


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_voice(tmp_path / "voice", languages=("en", "eo"), phones=MULTILINGUAL_SYMBOLS)


def test_the_guide_writes_a_whole_pack() -> None:
    names = {name.partition("/")[2] for name in guide_files()}
    assert {"pack.json", "rules.json", "letters.json", "numbers.rbnf", "lexicon.tsv"} <= names


def test_its_cases_hold(tmp_path: Path) -> None:
    folder = write_toy_pack(tmp_path)
    language = open_pack(folder)
    rows = [row.split("\t") for row in (folder / "cases.tsv").read_text("utf-8").splitlines()]
    assert len(rows) == 3
    for written, said in rows:
        items = Scanner(plain_pieces(written), language=language).items()
        assert " ".join(item.text for item in items if isinstance(item, Word)) == said


def test_a_sixth_language_from_the_guide_speaks(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="doesn't read the language 'eo'"):
        Voice.load(bundle).synthesize("Saluton.", language="eo")
    folder = write_toy_pack(tmp_path)
    assert main(["pack", "install", str(folder)]) == 15  # nobody signed it
    assert main(["pack", "install", str(folder), "--trust-pack"]) == 0
    assert main(["pack", "list"]) == 0
    assert "eo" in capsys.readouterr().out
    text = "S-ro Zamenhof havas 2 km."
    command = ["explain", text, "--language", "eo", "--bundle", str(bundle), "--json"]
    assert main(command) == 0
    words = json.loads(capsys.readouterr().out)["words"]
    assert [w["said"] for w in words] == ["sinjoro", "Zamenhof", "havas", "du", "kilometroj"]
    assert [w["phones"] for w in words][2:] == ["hˈavas", "dˈu", "kilomˈetroj"]
    assert [w["rule"] for w in words] == ["title", None, None, "unit", "unit"]
    out = tmp_path / "domo.wav"
    said = ["say", "La domo.", "--language", "eo", "--bundle", str(bundle), "-o", str(out)]
    assert main(said) == 0
    assert out.stat().st_size > 1000


def test_it_is_read_inside_english_and_told_apart_from_it(bundle: Path, tmp_path: Path) -> None:
    main(["pack", "install", str(write_toy_pack(tmp_path)), "--trust-pack"])
    voice = Voice.load(bundle)
    marked = '<speak>The <lang xml:lang="eo">ĝardeno 2</lang> again.</speak>'
    assert [w.said for w in explain(voice, marked).words] == ["The", "ĝardeno", "du", "again"]
    text = "The story is long. La domo estas en la ĝardeno kaj havas 2 ĉambrojn."
    said = [w.said for w in explain(voice, text, language="auto").words]
    assert "du" in said
    assert "two" not in said
