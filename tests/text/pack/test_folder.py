"""Packs as folders: a language without Python, inheritance, and packs that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from voicelet.errors import PackError
from voicelet.text.front_end import clauses
from voicelet.text.language import Language
from voicelet.text.pack import folder as folder_module
from voicelet.text.pack import packaged as packaged_module
from voicelet.text.pack.folder import PACKAGED, languages, open_pack
from voicelet.text.pack.packaged import find_language, packaged_language
from voicelet.text.words import Word

RULE = {"id": "n", "at": "digit", "match": "(?<n>[0-9]{1,9})", "cases": [{"say": "{n|number}"}]}


def said(text: str, language: Language) -> list[str]:
    tokens = [t for c in clauses(text, language=language) for t in c.tokens]
    return ["^" * t.spell + t.text for t in tokens if isinstance(t, Word)]


def with_rule(**changes: Any) -> dict[str, Any]:
    return {"rules": [{**RULE, **changes}]}


def test_a_new_language_needs_no_python(make_pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Esperanto in a few lines, found by its tag like the languages of the package."""
    numbers = "%n:\n0: nul;\n1: unu;\n2: du;\n3: tri;\n4: kvar;\n5: kvin;\n10: dek[ >>];\n" + (
        "20: <<dek[ >>];\n100: cent[ >>];\n200: <<cent[ >>];\n"
    )
    unit = {
        "id": "unit",
        "at": "digit",
        "match": "(?<n>[0-9]{1,6}(?:,[0-9]{1,6})?) ?(?<u>{{keys:units}})(?![a-z])",
        "cases": [{"say": "{n|decimal} {u|of:units@n}"}],
    }
    title = {
        "id": "title",
        "at": "letter",
        "match": "(?<t>{{keys:titles}})[.](?= [A-ZŜ])",
        "cases": [{"say": "{t|of:titles}"}],
    }
    folder = make_pack(
        {"rules": [unit, RULE, title]},
        tag="eo",
        settings={
            "name": "Esperanto",
            "letters": "ĉĝĥĵŝŭ",
            "lone_letters": "aeiou",
            "decimal": ",",
            "grouping": ".",
            "plurals": {"one": "n = 1"},
            "numbers": {"cardinal": "n", "year": "n", "decimal_word": "komo"},
            "elisions": ["l'"],
            "contraction": "'(?:stas)(?![a-z])",
            "chapter_heading": "ĉapitro [0-9]{1,3}",
            "melody": {"question_words": ["kio", "kiu"], "choice": "aŭ"},
        },
        tables={
            "units": "key\tone\tother\nkm\tkilometro\tkilometroj\n",
            "titles": "key\tsaid\nS-ro\tsinjoro\n",
        },
        numbers=numbers,
        cleanup="№\tnum \n",
    )
    for module in (folder_module, packaged_module):
        monkeypatch.setattr(module, "PACKAGED", folder.parent)
    packaged_language.cache_clear()
    find_language.cache_clear()
    try:
        language = find_language("eo-XX")
    finally:
        monkeypatch.undo()
        packaged_language.cache_clear()
        find_language.cache_clear()
    assert language.tag == "eo"
    assert said("Ĉu S-ro. Ŝtono venis 23 km?", language) == [
        "Ĉu", "sinjoro", "Ŝtono", "venis", "dudek", "tri", "kilometroj",
    ]  # fmt: skip
    assert said("1 km, 1,5 km, 2,05 km", language)[:8] == [
        "unu", "kilometro", "unu", "komo", "kvin", "kilometroj", "du", "komo",
    ]  # fmt: skip
    assert said("l'amo ŝvebas a x № 2", language) == [
        "l'", "amo", "ŝvebas", "a", "^x", "num", "du",
    ]  # fmt: skip
    assert language.melody.question_words == {"kio", "kiu"}
    assert language.chapter_heading.fullmatch("ĈAPITRO 12")
    assert not language.chapter_heading.fullmatch("Ĉapitro")


def test_every_packaged_pack_is_right() -> None:
    for tag in languages():
        assert open_pack(PACKAGED / tag).tag.lower() == tag


def test_a_child_completes_its_parent(make_pack: Any) -> None:
    make_pack(
        {
            "sets": {"colors": "red blue", "sizes": "big"},
            "macros": {"digit": "[0-9]"},
            "rules": [
                {**RULE, "id": "a", "match": "(?<n>1)", "cases": [{"say": "parent one"}]},
                {**RULE, "id": "b", "match": "(?<n>{{digit}})", "cases": [{"say": "parent two"}]},
            ],
        },
        tag="qab",
        settings={"dot": "dot", "sentence_starters": ["The", "A"], "lone_letters": "a"},
        tables={"t": "key\tsaid\nx\tparent ex\ny\tparent why\n"},
        cleanup="№\tnumber \n§\tsection \n",
    )
    child = make_pack(
        {
            "sets": {"colors": "verd"},
            "rules": [
                {**RULE, "id": "b", "match": "(?<n>{{digit}})", "cases": [{"say": "child two"}]},
                {**RULE, "id": "c", "match": "(?<n>13)", "cases": [{"say": "child three"}]},
                {**RULE, "id": "k", "at": "letter", "match": "(?<t>{{keys:t}})(?![a-z])",
                 "cases": [{"when": ["prev @colors"], "say": "{t|of:t}"}]},
            ],
        },
        tag="qab-x1",
        settings={"inherits": "qab", "sentence_starters": ["Le"], "numbers": {"group": 3}},
        tables={"t": "key\tsaid\tmore\nx\tchild ex\tm\n"},
        numbers="%feminine:\n0: child;\n",
        cleanup="№\tno \n",
    )  # fmt: skip
    language = open_pack(child)
    assert [r.name for r in language.normalization.digit_rules] == ["c", "a", "b"]
    assert said("13 1 2", language) == ["child", "three", "parent", "one", "child", "two"]
    assert said("verd x red x verd y", language) == [
        "verd", "child", "ex", "red", "^x", "verd", "parent", "why",
    ]  # fmt: skip
    assert said("№ §", language) == ["no", "section"]
    assert language.normalization.dot == "dot"
    assert language.normalization.sentence_starters == {"Le"}


def test_a_pack_may_inherit_from_the_package(make_pack: Any) -> None:
    rule = {**RULE, "id": "year", "match": "(?<n>2026)", "cases": [{"say": "the year"}]}
    language = open_pack(
        make_pack(
            {"rules": [rule]}, tag="en-zz", settings={"inherits": "en", "numbers": {}}, numbers=None
        )
    )
    assert said("Dr. Smith in 2026 paid $5", language) == [
        "Doctor", "Smith", "in", "the", "year", "paid", "five", "dollars",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"format": 2}, "format 2.*update voicelet"),
        ({"langauge": "x"}, "unknown key 'langauge'.*did you mean 'language'"),
        ({"letters": 5}, "expected str, got int"),
        ({"letters": "É"}, "lower-case"),
        ({"lone_letters": "1"}, "lower-case"),
        ({"language": "qa"}, "differ"),
        ({"language": "../qaa"}, "differ"),
        ({"inherits": "qzz"}, "no such pack"),
        ({"inherits": "../../etc"}, "no such pack"),
        ({"inherits": "qaa"}, "circle"),
        ({"decimal": "::"}, "one sign"),
        ({"numbers": {"max_digits": 400}}, "max_digits"),
        ({"numbers": {"group": 0}}, "group"),
        ({"numbers": {"year": "yaer"}}, "no number rules 'yaer'"),
        ({"numbers": {"cardinal": "spelout"}}, "no number rules 'spelout'"),
        ({"numbers": {"genders": {"x": "femnine"}}}, "did you mean 'feminine'"),
        ({"plurals": {"ones": "n = 1"}}, "no category 'ones'"),
        ({"contraction": "'a+"}, "no bound"),
        ({"chapter_heading": "^chapter"}, "differs"),
        ({"melody": {"question_word": []}}, "did you mean 'question_words'"),
        ({"sentence_starters": "The A"}, "expected a list"),
    ],
)
def test_settings_that_are_wrong_are_refused(
    make_pack: Any, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(PackError, match=why):
        open_pack(make_pack(with_rule(), settings=settings))


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([], "expected one object"),
        ({"rule": []}, "did you mean 'rules'"),
        ({"rules": {}}, "expected a list"),
        ({"rules": [{"id": "x"}]}, "'at' is missing"),
        ({"rules": [RULE, RULE]}, "comes twice"),
        (with_rule(at="digits"), "did you mean 'digit'"),
        (with_rule(match="(?<n>[0-9]+)"), "rule 'n'.*no bound"),
        (with_rule(match="(?<n>(?:a{1,50}){1,50}b)"), "rule 'n'.*steps"),
        (with_rule(match="(?<n>{{nothing}})"), "no macro 'nothing'"),
        (with_rule(match="(?<n>{{keys:nothing}})"), "no table or set 'nothing'"),
        ({"sets": {"s": "a"}, **with_rule(match="(?<n>{{kyes:s}})")}, "write {{keys"),
        (with_rule(cases=[{"whne": []}]), "case 1.*did you mean 'when'"),
        (with_rule(cases=[{"when": "has n"}]), "case 1.*expected a list"),
        (with_rule(cases=[{"say": 5}]), "case 1.*str"),
        (with_rule(cases=["x"]), "expected a mapping"),
        (with_rule(cases=[{"say": "x"}] * 300), "200 cases"),
        ({"sets": {"empty": ""}, **with_rule(match="(?<n>{{keys:empty}})")}, "is empty"),
        ({"macros": {"a": "{{b}}", "b": "{{a}}"}, **with_rule(match="{{a}}")}, "circle"),
        ({"macros": {f"m{i}": f"{{{{m{i + 1}}}}}" * 9 for i in range(9)} | {"m9": "abc"},
          **with_rule(match="{{m0}}")}, "longer than"),
        ({"sets": {"many": " ".join(f"word{i}" for i in range(30_000))},
          **with_rule(match="{{keys:many}}")}, "longer than"),
    ],
)  # fmt: skip
def test_rules_that_are_wrong_are_refused(make_pack: Any, rules: Any, why: str) -> None:
    with pytest.raises(PackError, match=why):
        open_pack(make_pack(rules))


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"t": ""}, "names the columns"),
        ({"t": "key\n"}, "names the columns"),
        ({"t": "key\tsaid\na\n"}, "line 2: 1 columns"),
        ({"t": "key\tsaid\na\tb\tc\n"}, "line 2: 3 columns"),
        ({"t": "key\tsaid\na\tb\na\tc\n"}, "line 3.*comes twice"),
        ({"t": "key\tsaid\n\tb\n"}, "line 2"),
        ({"T-1": "key\tsaid\n"}, "name a table"),
        ({f"t{i}": "key\tsaid\n" for i in range(300)}, "more than 200 tables"),
        ({"t": "key\tsaid\n" + "".join(f"{i}\tx\n" for i in range(60_000))}, "more than 50000"),
        ({"t": "key\t" + "\t".join(f"c{i}" for i in range(40)) + "\n"}, "names the columns"),
    ],
)
def test_tables_that_are_wrong_are_refused(
    make_pack: Any, tables: dict[str, str], why: str
) -> None:
    with pytest.raises(PackError, match=why):
        open_pack(make_pack(with_rule(), tables=tables))


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"pack.json": b"{"}, "not valid JSON"),
        ({"pack.json": b"[" * 100_000}, "not valid JSON"),
        ({"pack.json": b'{"format": 1, "format": 1, "language": "qaa"}'}, "not valid JSON"),
        ({"rules.json": b"\xff\xfe"}, "not UTF-8"),
        ({"cleanup.tsv": b"ab\tc\n"}, "one character"),
        ({"cleanup.tsv": b"a\n"}, "one character"),
        ({"cleanup.tsv": b"a\t" + b"b" * 99 + b"\n"}, "one character"),
        (
            {"numbers.rbnf": b"%spellout-numbering:\n0: =%spellout-numbering=;\n%feminine:\n0: x;"},
            "without end",
        ),
        ({"numbers.rbnf": b"#" * (5 << 20)}, "larger than 4 MiB"),
        ({"tables/t.tsv": b"k\ts\n" + b"x" * (5 << 20)}, "larger than 4 MiB"),
    ],
)
def test_files_that_are_wrong_are_refused(
    make_pack: Any, files: dict[str, bytes], why: str
) -> None:
    with pytest.raises(PackError, match=why):
        open_pack(make_pack({"rules": []}, files=files))


def test_packs_that_inherit_in_a_circle_are_refused(make_pack: Any) -> None:
    make_pack(tag="qab", settings={"inherits": "qac"})
    make_pack(tag="qac", settings={"inherits": "qad"})
    last = make_pack(tag="qad", settings={"inherits": "qab"})
    with pytest.raises(PackError, match="circle"):
        open_pack(last)


def test_a_long_line_of_parents_is_refused(make_pack: Any) -> None:
    tags = [f"qa{c}" for c in "bcdefgh"]
    for tag, parent in zip(tags, [*tags[1:], None], strict=True):
        make_pack(tag=tag, settings={"inherits": parent})
    with pytest.raises(PackError, match="steps"):
        open_pack(make_pack(tag="qaa", settings={"inherits": "qab"}))


def test_a_folder_without_a_pack_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="pack.json can't be read"):
        open_pack(tmp_path)


def test_a_rule_that_fails_in_a_text_does_not_apply(
    make_pack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The packages' own packs are read lazily: a fault shows where it is met, and is said once."""
    folder = make_pack(with_rule(cases=[{"say": "{x|number}"}]))
    language = open_pack(folder, check=False)
    assert said("ab 5 cd 6", language) == ["ab", "cd"]
    (warning,) = caplog.messages
    assert "no group 'x'" in warning and "rule 'n' doesn't apply" in warning


HOSTILE = "(?:[a-z]{1,40}[a-z]{1,40}[a-z]{1,40}){1,3}!"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inflection.json", {"endings": [{"written": "s", "stems": [{"after": HOSTILE}]}]}),
        ("inflection.json", {"endings": [{"written": "s", "stems": [{}], "after": HOSTILE}]}),
        ("inflection.json", {"adds": {"s": [{"after": HOSTILE, "put": "z"}]}}),
        ("inflection.json", {"adds": {"s": [{"after": "\\w+", "put": "z"}]}}),
        ("inflection.json", {"adds": {"s": [{"after": "(a+)+", "put": "z"}]}}),
        ("weak.json", {"passes": [{"rules": [["", HOSTILE, "", "x"]]}]}),
        ("weak.json", {"passes": [{"rules": [[HOSTILE, "a", "", "x"]]}]}),
        ("letters.json", {"passes": [{"rules": [["", "a", HOSTILE, "x"]]}]}),
    ],
)
def test_patterns_outside_the_rules_are_checked_too(
    make_pack: Any, name: str, content: dict[str, Any]
) -> None:
    raw = json.dumps({"format": 1, **content}).encode()
    with pytest.raises(PackError, match=r"steps|portable|bound|capture"):
        open_pack(make_pack(files={name: raw}))


GROWING = {a: ("{{" + b + "}}") * 40 for a, b in zip("abcdefg", "bcdefgh", strict=True)}
GROWING["h"] = "x" * 100


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inflection.json", {"adds": {"s": [{"after": "{{a}}", "put": "z"}]}}),
        ("inflection.json", {"macros": {"a": "x" * 30_000}}),
        ("weak.json", {"passes": [{"rules": [["", "{{a}}", "", "x"]]}]}),
        ("letters.json", {"passes": [{"rules": [["", "{{a}}", "", "x"]]}]}),
        ("letters.json", {"macros": {"a": "x" * 30_000}, "passes": [{"rules": []}]}),
        ("rules.json", {"rules": [{"id": "a", "at": "digit", "match": "{{a}}", "cases": []}]}),
        ("rules.json", {"macros": {"a": "x" * 30_000}}),
    ],
)
def test_macros_that_grow_without_bound_are_refused(
    make_pack: Any, name: str, content: dict[str, Any]
) -> None:
    macros = {"macros": GROWING, **content}
    raw = json.dumps(macros if name == "rules.json" else {"format": 1, **macros}).encode()
    with pytest.raises(PackError, match=r"20[ _,]?000 characters"):
        open_pack(make_pack(files={name: raw}))
