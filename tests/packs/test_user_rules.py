"""A user's own rules of reading: before the pack's, in its format, named by explain."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.synth.voices import tiny_voice
from voicelet import Voice
from voicelet.cli.main import main
from voicelet.errors import PackError
from voicelet.packs.user_rules import rules_folder
from voicelet.synth.explain import explain
from voicelet.text.phones import MULTILINGUAL_SYMBOLS


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_voice(tmp_path / "voice", languages=("en", "es"), phones=MULTILINGUAL_SYMBOLS)


def rule(match: str, say: str, at: str = "letter", id_: str = "mine") -> dict[str, Any]:
    return {"id": id_, "at": at, "match": match, "cases": [{"say": say}]}


def write(path: Path, *rules: dict[str, Any], language: str = "en", **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"language": language, **more, "rules": list(rules)}), "utf-8")
    return path


def said(voice: Voice, text: str, **settings: Any) -> str:
    return " ".join(w.said for w in explain(voice, text, **settings).words)


def test_rules_go_before_the_packs_and_are_named(bundle: Path, tmp_path: Path) -> None:
    path = write(
        tmp_path / "units.json",
        rule("lvl{{end}}", "level", id_="level"),
        rule("{{number}}lv{{end}}", "level {n|number}", at="digit", id_="number-of-level"),
        macros={"end": "(?![A-Za-z])", "number": "(?<n>[0-9]{1,3})"},
    )
    voice = Voice.load(bundle, user_rules=[path])
    assert said(voice, "lvl 5 and 30lv") == "level five and level thirty"
    found = explain(voice, "lvl 5").words
    assert [(w.said, w.rule) for w in found] == [("level", "level"), ("five", "number")]
    assert found[0].rule_file == str(path)
    assert found[1].rule_file.endswith("en/rules.json")
    assert said(Voice.load(bundle), "lvl 5") == "lvl five"


def test_a_rule_of_the_same_id_stands_for_the_packs(bundle: Path, tmp_path: Path) -> None:
    path = write(
        tmp_path / "r.json",
        {"id": "number", "at": "digit", "match": "5", "cases": [{}]},
    )
    assert said(Voice.load(bundle, user_rules=[path]), "a 5 b") != said(Voice.load(bundle), "a 5 b")


def test_rules_are_of_their_language_and_its_varieties(bundle: Path, tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "en.json", rule("foo(?![a-z])", "english"), language="en"),
        write(tmp_path / "es.json", rule("foo(?![a-z])", "español"), language="es"),
        write(tmp_path / "gb.json", rule("bar(?![a-z])", "british"), language="en-GB"),
    ]
    voice = Voice.load(bundle, user_rules=paths)
    assert said(voice, "foo bar") == "english bar"
    assert said(voice, "foo bar", language="en-GB") == "english british"
    assert said(voice, "foo bar", language="es") == "español bar"


def test_rules_of_the_data_folder_hold_for_every_voice(bundle: Path) -> None:
    write(rules_folder() / "10-mine.json", rule("lvl(?![a-z])", "level"))
    assert said(Voice.load(bundle), "lvl") == "level"


def test_a_named_file_goes_before_the_data_folder(bundle: Path, tmp_path: Path) -> None:
    write(rules_folder() / "a.json", rule("lvl(?![a-z])", "shared"))
    path = write(tmp_path / "b.json", rule("lvl(?![a-z])", "named"))
    assert said(Voice.load(bundle, user_rules=[path]), "lvl") == "named"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ('{"rules": []}', "language"),
        ('{"language": "en", "rule": []}', "did you mean 'rules'"),
        (json.dumps({"language": "en", "rules": [rule("a+", "b")]}), "rule 'mine'"),
        (json.dumps({"language": "en", "rules": [rule("a", "{x}")]}), "rule 'mine'"),
        (json.dumps({"language": "en", "rules": [rule("a", "b", at="nowhere")]}), "no place"),
    ],
)
def test_a_wrong_file_is_an_error_where_it_is_named_and_a_warning_in_the_folder(
    bundle: Path, tmp_path: Path, content: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(content, "utf-8")
    with pytest.raises(PackError, match=message) as refused:
        said(Voice.load(bundle, user_rules=[path]), "hello")
    assert "wrong.json" in str(refused.value)
    rules_folder().mkdir(parents=True)
    (rules_folder() / "wrong.json").write_text(content, "utf-8")
    write(rules_folder() / "sound.json", rule("lvl(?![a-z])", "level", id_="sound"))
    with caplog.at_level(logging.WARNING):
        assert said(Voice.load(bundle), "lvl") == "level"
    assert any("wrong.json" in r.message and "isn't used" in r.message for r in caplog.records)


def test_the_command_line_takes_rules(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "units.json", rule("lvl(?![a-z])", "level"))
    command = ["explain", "lvl 5", "--bundle", str(bundle), "--rules", str(path)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "units.json: mine" in out
    assert "en: number" in out
    assert main([*command, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["words"]
    assert (first["rule"], first["rule_file"], first["language"]) == ("mine", str(path), "en")
    assert second["rule_file"].endswith("en/rules.json")
    assert main(["say", "lvl", "--bundle", str(bundle), "--rules", "nowhere.json", "--raw"]) != 0
