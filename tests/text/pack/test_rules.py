"""Every predicate, filter and verbalizer of a pack, in a pack made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from voicelet.errors import PackError
from voicelet.text.cleanup import plain_pieces
from voicelet.text.language import Language
from voicelet.text.pack.folder import open_pack
from voicelet.text.rules import RuleContext
from voicelet.text.scanner import Boundary, Scanner
from voicelet.text.words import Mark

SETS = {
    "greetings": "hello hi",
    "names": "Ann Bo",
    "spelled_in_addresses": "pdf",
    "said_in_addresses": "tv",
}
TABLES = {
    "units": "key\tone\tother\tgender\nkm\tkilo\tkilos\tf\nlb\tpound\t\tspellout-numbering\n",
    "signs": "key\tsaid\n.\tdot\n@\tat\n+\tplus\n/\tslash\n",
    "characters": "key\tsaid\n!\tbang\n",
    "pictographs": "key\tsaid\n☃\tsnowman\n",
    "greek": "key\tsaid\nα\talpha \nβ\tbeta \n",
}


def read(
    language: Language, text: str, known: Sequence[str] | None = (), final: bool = True
) -> str:
    context = RuleContext(known=None if known is None else lambda word: word in known)
    scanner = Scanner(plain_pieces(text), language=language, context=context, final=final)
    items = [i for i in scanner.items() if not isinstance(i, Boundary)]
    return " ".join(i.text if isinstance(i, Mark) else "^" * i.spell + i.text for i in items)


class Packs:
    """Makes a pack of one rule."""

    def __init__(self, make_pack: Any) -> None:
        self._make = make_pack
        self._count = 0

    def language(
        self, match: str, cases: list[dict[str, Any]], at: str = "letter|digit|symbol"
    ) -> Language:
        self._count += 1
        rules = {
            "sets": SETS,
            "macros": {"word": "[A-Za-z]{1,9}"},
            "rules": [{"id": "rule", "at": at, "match": match, "cases": cases}],
        }
        tag = f"qa{chr(96 + self._count % 26 or 26)}"
        return open_pack(
            self._make(
                rules,
                tag=tag,
                tables=TABLES,
                settings={"sentence_starters": ["The"], "letters": "éñ"},
            )
        )


@pytest.fixture
def packs(make_pack: Any) -> Packs:
    return Packs(make_pack)


@pytest.mark.parametrize(
    ("when", "holds", "fails"),
    [
        ("prev hello hi", "Hello X1", "Bye X1"),
        ("prev @greetings", "Hi X1", "Hit X1"),
        ("prev-as-written @names", "Ann X1", "ann X1"),
        ("prev-as-written Ann", "Ann X1", "ann X1"),
        ("prev-capital", "Éric X1", "eric X1"),
        ("sentence-start", "yes. X1", "yes X1"),
        ("next-capital", "X1 Ñandu", "X1 ñandu"),
        ("ends-sentence", "X1 The end", "X1 Ten ends"),
        ("ends-sentence", "a X1", "a X1 b"),
        ("shouting", "STOP THAT X1 RIGHT NOW", "Stop that X1 right now"),
        ("before ab?[ ]", "xa X1", "xc X1"),
        ("after [ ][a-z]{2}(?![a-z])", "X1 ab", "X1 abc"),
        ("has o", "X1o", "X1"),
        ("in w @names", "Ann1", "Anna1"),
        ("in o @units", "X1km", "X1k"),
        ("is w X|Y", "Y1", "Z1"),
        ("is w X|Y", "Y1", "XY1"),
        ("like w [A-Z][a-z]", "Xa1", "Xab1"),
        ("range n 5 12", "X12", "X13"),
        ("range n 1000 2000", "X1,500", "X2,500"),
        ("greater n m", "X5:4", "X5:5"),
        ("follows n m", "X99:00", "X99:1"),
        ("divides n m", "X3:9", "X3:10"),
        ("divides n m", "X3:0", "X0:3"),
        ("same w o", "X1X", "X1Y"),
        ("same-after w", "X1X", "X1 X"),
        ("roman w", "XIV1", "IIX1"),
        ("known w", "Ann1", "Bob1"),
        ("not has o", "X1", "X1o"),
        ("has o or is n 5", "X5", "X6"),
    ],
)
def test_predicates(packs: Packs, when: str, holds: str, fails: str) -> None:
    pattern = r"(?<w>[A-Z][A-Za-z]{0,9}?)(?<n>[0-9,]{1,9})(?::(?<m>[0-9]{1,9}))?(?<o>[a-zX]{0,2})"
    if when.startswith("same-after"):
        pattern = pattern.replace("[a-zX]", "[a-z]")
    language = packs.language(pattern, [{"when": [when], "say": "yesyes"}], at="letter")
    assert "yesyes" in read(language, holds, known=["ann"])
    assert "yesyes" not in read(language, fails, known=["ann"])


def test_a_sign_that_is_repeated_is_said_once(packs: Packs) -> None:
    cases = [{"when": ["same-before c"], "say": ""}, {"say": "sign"}]
    language = packs.language("(?<c>[+*])", cases, at="symbol")
    assert read(language, "a+++b **+") == "^a sign ^b sign sign"


def test_without_a_lexicon(packs: Packs) -> None:
    language = packs.language(
        "(?<w>[A-Z]{3})", [{"when": ["no-lexicon"], "say": "none"}], at="letter"
    )
    assert read(language, "ABC", known=None) == "none"
    assert read(language, "ABC") == "ABC"


@pytest.mark.parametrize(
    ("match", "say", "text", "said"),
    [
        ("(?<n>[0-9.,]{1,20})", "{n|spell:feminine}", "1", "bi"),
        ("(?<n>[0-9.,]{1,20})", "{n|spell:feminine}", "1,000", "ten hundred"),
        ("(?<n>[0-9.,]{1,20})", "{n|number}", "2.13", "ba ba point ba tri"),
        ("(?<n>[0-9.,]{1,20})", "{n|number}", "03", "no tri"),
        ("(?<n>[0-9.,]{1,20})", "{n|number}", ".3", "point tri"),
        ("(?<n>[0-9.,]{1,20})", "{n|decimal:feminine}", "1.1", "bi point ba"),
        ("(?<n>[0-9]{1,20})", "{n|digits}", "1212121", "ba ba ba ba ba ba , ba ba ba ba"),
        ("(?<n>[0-9]{1,20})", "{n|digits:9}", "111", "ba ba ba"),
        ("(?<n>[0-9]{1,20})", "{n|pairs}", "113", "ba ten tri"),
        ("(?<n>[0-9]{1,20})", "{n|pairs}", "103", "ba no tri"),
        ("(?<n>[0-9.,]{1,20})", "{n|pairs}", "1.3", "ba point tri"),
        ("(?<n>[0-9]{1,20})", "{n|year}", "12", "year ten ba ba"),
        ("(?<r>[IVX]{1,9})(?![a-z])", "{r|roman|spell:feminine}", "XII", "ten ba ba"),
        ("(?<n>[0-9]{1,3}) (?<u>km|lb)", "{n|agree:units@u} {u|of:units@n}", "1 km", "bi kilo"),
        ("(?<n>[0-9]{1,3}) (?<u>km|lb)", "{n|agree:units@u} {u|of:units@n}", "2 km",
         "ba ba kilos"),
        ("(?<n>[0-9]{1,3}) (?<u>km|lb)", "{n|agree:units@u} {u|of:units.one}", "1 lb",
         "ba pound"),
        ("(?<u>KM)(?![a-z])", "{u|of:units}", "KM", "kilo"),
        ("(?<t>[+0-9 ]{2,20})", "{t|grouped}", "+12 31", "plus ba ba ba , tri ba"),
        ("(?<t>[0-9 ]{2,20})", "{t|grouped:feminine}", "12 01", "ten ba ba , no bi"),
        ("(?<a>[a-z0-9@./]{3,30})(?![a-z])", "{a|address}", "ab@x.tv/pdf",
         "ab at ^X dot tv slash ^PDF"),
        ("(?<a>[a-z0-9@./]{3,30})(?![a-z])", "{a|address:/.}", "http/bob.a",
         "http bob ^a"),
        ("(?<a>[A-Za-z0-9]{3,30})", "{a|camel}", "NoMoreTVs2012",
         "No More ^t Vs year ba ba ten hundred ten ba ba"),
        (r"(?<a>[\s\S]{1,9})", "{a|characters}", "B2 !☃", "^B ba ba , bang snowman"),
        ("(?<a>[A-Za-z]{3})", "{a|letters}", "Abc", "^ABC"),
        ("(?<a>[A-Za-z]{3})", "{a|lead} {a|tail}", "iOs", "^I Os"),
        ("(?<a>[A-Z][!?,]{2})", "x {a|marks}", "A!,", "^x ! ,"),
        ("(?<a>[A-Za-z]{3})", "{a|lower}{a|upper}{a|capital}", "aBc", "abcABCAbc"),
        ("(?<a>[A-Za-z-]{4,5})", "{a|drop:-b}", "Ab-c", "Ac"),
        ("(?<a>[A-Z][a-z]{3})", "{a|replace:bb=xyz}", "Abba", "Axyza"),
        ("(?<a>[A-Z][αβ]{2})", "{a|translate:greek}", "Xαβ", "Xalpha beta"),
        ("(?<a>[A-Z][/a-z]{3})", "{a|strip:/}", "Xab/", "Xab"),
        ("(?<a>[A-Z][a-z]{4})", "{a|unprefix:Un}", "Undoo", "doo"),
        ("(?<a>[A-Z][a-z]{3})", "{a|unsuffix:oo}", "Udoo", "Ud"),
        ("(?<a>[A-Z][a-z])(?<b>x?)", "{a|pre:pre}{b|pre:no}{a|post:post}", "Ab",
         "preAbAbpost"),
        ("(?<a>[A-Z][a-z])(?<b>x?)", "{b|else:none}{?b|else:none}", "Ab", "none"),
        ("(?<a>[A-Z][a-z]{4})", "{a|first:2}{a|last:2}", "Abcde", "Abde"),
        ("(?<a>[A-Z])(?<b>[a-z]{2})", "{b,a}", "Xab", "abX"),
        ("(?<a>V[0-9.]{3,9})", "{a|numbers: dot }", "V1.2.3", "ba dot ba ba dot tri"),
        ("(?<a>[A-Z][a-z]{1,3})[.]", "{a}{=stop}", "Inc. The", "Inc . The"),
        ("(?<a>[A-Z][a-z]{1,3})[.]", "{a}{=stop}", "Inc. was", "Inc was"),
        ("(?<a>{{word}})!", "{a}", "Ab!", "Ab"),
        ("(?<a>{{keys:names}})(?![a-z])", "name {a}", "Ann", "name Ann"),
        ("(?<a>{{keys-any-case:names}})(?![a-z])", "name {a}", "BO", "name BO"),
        ("(?<a>[{{chars:signs}}]{2})", "sign", "@/", "sign"),
    ],
)  # fmt: skip
def test_templates(packs: Packs, match: str, say: str, text: str, said: str) -> None:
    assert read(packs.language(match, [{"say": say}], at="letter|digit|symbol"), text) == said


def test_the_first_case_that_holds_is_taken_and_none_means_another_rule(make_pack: Any) -> None:
    rules = {
        "rules": [
            {
                "id": "first",
                "at": "digit",
                "match": "(?<n>[0-9]{1,3})",
                "cases": [
                    {"when": ["is n 1"]},
                    {"when": ["is n 2"], "say": ""},
                    {"when": ["range n 0 9", "not is n 3"], "say": "small"},
                ],
            },
            {"id": "second", "at": "digit", "match": "(?<n>[0-9])", "cases": [{"say": "second"}]},
        ]
    }
    language = open_pack(make_pack(rules))
    assert read(language, "1 2 3 4") == "second second small"
    assert read(language, "13") == "second second"
    assert [r.name for r in language.normalization.digit_rules] == ["first", "second"]


def test_say_as_takes_the_rules_of_its_format(make_pack: Any) -> None:
    def rule(name: str, at: str, match: str, say: str) -> dict[str, Any]:
        return {"id": name, "at": at, "match": match, "cases": [{"say": say}]}

    language = open_pack(
        make_pack(
            {
                "rules": [
                    rule("dm", "say-as:date:dm", "(?<d>[0-9]{1,2})/(?<m>[0-9]{1,2})", "{d} of {m}"),
                    rule("any", "say-as:date|say-as:day", "(?<d>[0-9]{1,2})(?:/[0-9])?", "any"),
                ]
            }
        )
    )
    say_as = language.normalization.say_as
    assert say_as("3/4", "date", "dm") == "3 of 4"
    assert say_as("3/4", "date", "xyz") == say_as(" 3/4 ", "date", "") == "any"
    assert say_as("3", "date", "dm") is None
    assert say_as("3", "day", "") == "any"
    assert say_as("3/4/5", "date", "dm") is None
    assert say_as("3", "time", "") is None
    assert say_as(" ", "date", "") == ""


@pytest.mark.parametrize(
    ("when", "say", "why"),
    [
        ("previous @greetings", "x", "did you mean 'prev-as-written'|there is no predicate"),
        ("prev @greeting", "x", "did you mean 'greetings'"),
        ("prev", "x", "takes words"),
        ("shouting loudly", "x", "takes nothing"),
        ("has nn", "x", "did you mean 'n'"),
        ("in n greetings", "x", "write @"),
        ("is n", "x", "takes a group"),
        ("range n 1", "x", "the least and the most"),
        ("range n a b", "x", "whole numbers"),
        ("greater n", "x", "two groups"),
        ("like n [0-9]+", "x", "no bound"),
        ("before a.c", "x", "differs"),
        ("after (?:a{1,50}){1,50}b", "x", "steps"),
        ("has n", "{m}", "no group 'm'"),
        ("has n", "{n|nmber}", "did you mean 'number'"),
        ("has n", "{n|spell:femnine}", "did you mean 'feminine'"),
        ("has n", "{n|spell}", "needs a parameter"),
        ("has n", "{n|lower:x}", "takes no parameter"),
        ("has n", "{n|of:unit}", "did you mean 'units'"),
        ("has n", "{n|of:units.two}", "no column 'two'"),
        ("has n", "{n|of:signs@n}", "no column 'other'"),
        ("has n", "{n|agree:signs@n}", "no column 'gender'"),
        ("has n", "{n|agree:units}", "the group that holds the key"),
        ("has n", "{n|first:x}", "a number from 1"),
        ("has n", "{n|replace:x}", "OLD=NEW"),
        ("has n", "{n", "brace stands alone"),
        ("has n", "x" * 3000, "longer than"),
    ],
)
def test_what_is_wrong_in_a_case_is_found_at_load(
    packs: Packs, when: str, say: str, why: str
) -> None:
    with pytest.raises(PackError, match=why) as caught:
        packs.language("(?<n>[0-9])", [{"say": "fine"}, {"when": [when], "say": say}])
    assert "rule 'rule', case 2" in str(caught.value)


def test_a_rule_of_another_pack_may_be_put_before_all(packs: Packs) -> None:
    """A caller's own rules are data of the same kind."""
    one = packs.language("(?<n>[0-9])", [{"say": "one"}], at="digit")
    two = packs.language("(?<n>[0-9])(?=x)", [{"say": "two"}], at="digit")
    both = (*two.normalization.digit_rules, *one.normalization.digit_rules)
    language = replace(one, normalization=replace(one.normalization, digit_rules=both))
    assert read(language, "1 1x") == "one two ^x"
