"""Number words by ICU's rule text, as ICU reads it; and plural categories."""

from __future__ import annotations

import pytest

from voicelet.errors import PackError
from voicelet.text.pack.folder import PACKAGED
from voicelet.text.pack.numbers import NumberRules
from voicelet.text.pack.plurals import Plurals


def english() -> NumberRules:
    text = (PACKAGED / "en" / "numbers.rbnf").read_text(encoding="utf-8")
    return NumberRules(text, plurals=Plurals({"one": "i = 1 and v = 0"}))


@pytest.mark.parametrize(
    ("number", "rules", "said"),
    [
        (0, "spellout-cardinal", "zero"),
        (21, "spellout-cardinal", "twenty-one"),
        (30, "spellout-cardinal", "thirty"),
        (100, "spellout-cardinal", "one hundred"),
        (101, "spellout-cardinal", "one hundred one"),
        (
            999_999,
            "spellout-cardinal",
            "nine hundred ninety-nine thousand nine hundred ninety-nine",
        ),
        (10**15, "spellout-cardinal", "one quadrillion"),
        ("-5", "spellout-cardinal", "minus five"),
        ("3.14", "spellout-cardinal", "three point one four"),
        (20, "spellout-ordinal", "twentieth"),
        (42, "spellout-ordinal", "forty-second"),
        (1000, "spellout-ordinal", "one thousandth"),
        (1905, "spellout-numbering-year", "nineteen oh-five"),
        (2000, "spellout-numbering-year", "two thousand"),
        (1900, "spellout-numbering-year", "nineteen hundred"),
        (1200, "spellout-cardinal-verbose", "one thousand two hundred"),
        (1201, "spellout-cardinal-verbose", "one thousand two hundred and one"),
        (1980, "decade", "nineteen eighties"),
        (2, "denominator", "half"),
        (80, "a-denominator", "an eightieth"),
    ],
)
def test_english(number: int | str, rules: str, said: str) -> None:
    assert english().spell(number, rules) == said


def test_a_rule_gives_way_where_the_number_is_a_multiple() -> None:
    """As in Italian: 2000 is "duemillesimo", 2001 and 3001 are "…milaunesimo"."""
    rules = NumberRules(
        "%c:\n0: zero;\n1: un;\n2: due;\n3: tre;\n"
        "%o:\n0: simo;\n1: unesimo;\n1000: mille>>;\n2000: <%c<mille>>;\n2001: <%c<mila>>;\n"
    )
    assert rules.spell(2000, "o") == "duemillesimo"
    assert rules.spell(2001, "o") == "duemilaunesimo"
    assert rules.spell(3000, "o") == "tremillesimo"
    assert rules.spell(3001, "o") == "tremilaunesimo"


def test_radix_brackets_plurals_apostrophes_and_soft_hyphens() -> None:
    rules = NumberRules(
        "%n:\n0: zero;\n1: a;\n2: b;\n3: c;\n20: vingt[-et->>];\n60/20: soixante[-\u00ad>>];\n"
        "100: << $(cardinal,one{cent}other{cents})$[>%%tail>];\n"
        "%%tail:\n0: ;\n1: ' and =%n=;\n1000: =#,##0=;\n",
        plurals=Plurals({"one": "i = 1"}),
    )
    assert rules.spell(20, "n") == "vingt"
    assert rules.spell(23, "n") == "vingt-et-c"
    assert rules.spell(63, "n") == "soixante-c"
    assert rules.spell(60, "n") == "soixante"
    assert rules.spell(100, "n") == "a cent"
    assert rules.spell(203, "n") == "b cents and c"


def test_the_rule_before_is_taken_by_three_arrows() -> None:
    rules = NumberRules("%n:\n0: zero;\n1: one;\n10: ten;\n11: <1<->>>;\n".replace("<1<", "x"))
    assert rules.spell(11, "n") == "x-ten"


def test_a_later_text_replaces_sets_by_name() -> None:
    first = "%a:\n0: first;\n%b:\n0: =%a=;\n"
    assert NumberRules(first, "%a:\n0: second;\n").spell(5, "b") == "second"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0: zero;", "write a set"),
        ("%a:\nzero", "write a set"),
        ("%a:\n5: five;\n3: three;", "go upwards"),
        ("%a:\nx: y;", "no base value"),
        ("%a:\n10/1: y;", "radix"),
        ("%a:\n0: <<;", "rule of 0"),
        ("%a:\n1: [a] [b];", "one pair of brackets"),
        ("%a:\n1: ]a[;", "one pair of brackets"),
        ("%a:\n1: a > b;", "opens no substitution"),
        ("%a:\n0: =%b=;", "no number rules 'b'"),
        ("%spell:\n0: =%spel=;", "did you mean 'spell'"),
        ("%a:\n1: $(cardinal,one{x})$;", "plural forms"),
        ("%a:\n1: $(cardinal,uno{x}other{y})$;", "plural forms"),
        ("%a:\n1: " + "<<" * 7 + ";", "six substitutions"),
        ("%a:\n" + "\n".join(f"{i}: x;" for i in range(6000)), "more than 5000 lines"),
    ],
)
def test_rules_that_are_wrong_are_refused(text: str, why: str) -> None:
    with pytest.raises(PackError, match=why):
        NumberRules(text)


@pytest.mark.parametrize(
    "text",
    [
        "%a:\n0: =%b=;\n%b:\n0: =%a=;",
        "%a:\n0: =%a=;",
        "%a:\n0: x;\n10: >%b>;\n%b:\n0: =%a=;\n5: =%b=;",
        "%a:\n0: x;\n1000000000000000: <<<<<<<<>>>>;\n"
        + "\n".join(f"{10**i}: >>>>>>>>;" for i in range(16, 18)),
    ],
)
def test_rules_without_end_are_found(text: str) -> None:
    with pytest.raises(PackError):
        NumberRules(text).check()


def test_every_packaged_rule_ends() -> None:
    english().check()


@pytest.mark.parametrize(
    ("rules", "number", "category"),
    [
        ({"one": "i = 1 and v = 0"}, "1", "one"),
        ({"one": "i = 1 and v = 0"}, "1.0", "other"),
        ({"one": "n = 1"}, "1.0", "one"),
        ({"one": "i = 0,1"}, "1.5", "one"),
        ({"one": "i = 0..1"}, "0", "one"),
        ({"one": "i = 0..1"}, "2", "other"),
        ({"one": "n % 10 = 1 and n % 100 != 11"}, "21", "one"),
        ({"one": "n % 10 = 1 and n % 100 != 11"}, "111", "other"),
        ({"few": "n % 10 = 2..4 and n % 100 != 12..14"}, "23", "few"),
        ({"few": "n % 10 = 2..4 and n % 100 != 12..14"}, "13", "other"),
        ({"many": "i != 0 and i % 1000000 = 0 and v = 0", "one": "n = 1"}, "3000000", "many"),
        ({"one": "v = 0 and i % 10 = 1 or f % 10 = 1"}, "0.1", "one"),
        ({"one": "n = 1"}, "", "other"),
    ],
)
def test_plural_categories(rules: dict[str, str], number: str, category: str) -> None:
    assert Plurals(rules).category(number) == category


@pytest.mark.parametrize("rules", [{"single": "n = 1"}, {"one": "n is 1"}, {"one": "z = 1"}])
def test_plural_rules_that_are_not_cldr_s_are_refused(rules: dict[str, str]) -> None:
    with pytest.raises(PackError, match="plurals"):
        Plurals(rules)
