"""The portable subset of regular expressions, and the bound on what a match may cost."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from voicelet.errors import PackError
from voicelet.text.pack.regex import MAX_STEPS, _Parser, parse
from voicelet.text.pack.syntax_tree import Node


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("(?<n>[0-9]{1,3})(?: km)?", "12 km", {"n": "12"}),
        ("(?<a>a{2})(?<b>b?)", "aa", {"a": "aa", "b": ""}),
        (r"\$(?<n>[0-9]{1,9}?)(?![0-9])", "$45", {"n": "45"}),
        (r"(?<x>[^a-z\]\[\\-]{1,4})", "A[", {"x": "A"}),
        (r"(?<x>\(\?<y>)", "(?<y>", {"x": "(?<y>"}),
        (r"(?<t>[\s\S]{1,9})", "a\nb", {"t": "a\nb"}),
        ("(?<c>[😀-😎])", "😃", {"c": "😃"}),
        ("(?<k>km|kg|k)(?![a-z])", "kg", {"k": "kg"}),
        (r"(?<t>a\tb|a\nb)", "a\nb", {"t": "a\nb"}),
    ],
)
def test_what_is_portable_means_the_same_in_python(
    pattern: str, text: str, groups: dict[str, str]
) -> None:
    parsed = parse(pattern)
    match = re.compile(parsed.python).match(text)
    assert match is not None
    assert match.groupdict() == groups
    assert parsed.groups == tuple(groups)


def test_look_arounds() -> None:
    pattern = re.compile(parse(r"(?<=ab)(?<!xab)c(?=d)(?!de)").python)
    assert pattern.match("abcd", 2)
    assert not pattern.match("xabcd", 3)
    assert not pattern.match("abcde", 2)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\w{1,3}", "isn't portable"),
        (r"\d", "isn't portable"),
        (r"[\s]", "isn't portable"),
        (r"a\b", "isn't portable"),
        (r"\p{L}", "isn't portable"),
        (r"(?<a>x)\1", "isn't portable"),
        ("a*", "no bound"),
        ("a+", "no bound"),
        ("a{2,}", "write a repeat"),
        ("a{", "write a repeat"),
        ("a{3,2}", "from 0 up to"),
        ("a{1,9999}", "from 0 up to"),
        ("a{0}", "from 0 up to"),
        ("a.b", "differs between engines"),
        ("^a", "differs between engines"),
        ("a$", "differs between engines"),
        ("(a)", "name the group"),
        ("(?P<a>b)", "portable"),
        ("(?>a)", "portable"),
        ("(?i)a", "portable"),
        ("(?#note)a", "portable"),
        ("(?<A>b)", "portable"),
        ("(?<a_b>c)", "portable"),
        ("(?<a>b)(?<a>c)", "comes twice"),
        ("(?:(?<a>b)){2}", "named group is repeated"),
        ("(?=(?<a>b))", "inside a look"),
        ("(?<=a{1,2})b", "one fixed width"),
        ("(?<=ab|c)d", "one fixed width"),
        ("(?<![a-z]{40})d", "one fixed width"),
        ("(?:a?){3}", "match nothing"),
        ("(?=a){2}", "can't be repeated"),
        ("a{2}{3}", "repeat of a repeat"),
        ("a{2}+", "no bound"),
        ("a??+", "no bound"),
        ("[a", "']' is missing"),
        ("[]", "class is empty"),
        ("[z-a]", "goes upwards"),
        ("[a[b]", "inside a class"),
        ("[a&&b]", "inside a class"),
        ("[a--b]", "goes upwards"),
        ("[--b]", "inside a class"),
        ("(?:a", "')' is missing"),
        ("a)", "no '('"),
        ("]", "stands alone"),
        ("}", "stands alone"),
        ("a\\", "isn't portable"),
        ("(?:" * 40 + "a" + ")" * 40, "nest deeper"),
        ("a" * 20_001, "longer than"),
    ],
)
def test_what_is_not_portable_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PackError, match=re.escape(why)):
        parse(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:a{1,50}){1,50}b",
        "(?:a{1,30}|b{1,30}|[ab]{1,30}){1,20}c",
        "(?:a|a){1,40}b",
        "(?:a|aa){1,100}b",
        "(?:a?[a-z]){1,40}b",
        "[a-z]{0,200}[a-z]{0,200}[a-z]{0,200}[a-z]{0,200}b",
        "(?:[a-z]{1,20} ?){1,30}!",
        "(?=(?:a{1,50}){1,50}b)a",
        "(?!(?:[ab]{1,40}){1,40}c)a",
        "(?:(?:(?:a{1,10}){1,10}){1,10}){1,10}b",
        "(?:x{1,1000}y?){1,1000}z",
    ],
)
def test_catastrophic_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(PackError, match="steps"):
        parse(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "[0-9]{1,3}(?:,[0-9]{3}){1,40}(?:[.][0-9]{1,60})?",
        "(?:[a-z]{1,60}/){1,12}[a-z]{1,60}",
        "(?:(?!-)[a-z-]{1,63}(?<!-)[.]){1,6}(?:com|org)",
        "(?:[ .-]?[0-9]){6,30}(?![0-9])",
    ],
)
def test_repeats_that_the_next_character_ends_are_cheap(pattern: str) -> None:
    assert 0 < parse(pattern).steps < MAX_STEPS / 10


def test_the_bound_is_above_what_the_worst_text_costs() -> None:
    """Counted: every way through "a{0,n}a{0,n}a{0,n}b" of a long "aaa"."""
    for most in (2, 5, 9):
        ways = sum(1 for i in range(most + 1) for j in range(most + 1) for k in range(most + 1))
        pattern = f"a{{0,{most}}}a{{0,{most}}}a{{0,{most}}}b"
        assert parse(pattern).steps >= ways


def test_a_match_begins_with_one_of_the_first_characters() -> None:
    def first(pattern: str) -> set[str]:
        ranges = parse(pattern).first
        return {chr(c) for c in range(128) if any(a <= c <= b for a, b in ranges)}

    assert first("a?b") == {"a", "b"}
    assert first("(?=x)[xy]") == {"x", "y"}
    assert first("(?:ab|c{0,2}d)") == {"a", "c", "d"}
    assert first("(?<!a)(?<n>[0-2]?5)") == {"0", "1", "2", "5"}


class Counter:
    """A backtracking matcher that counts the characters it compares."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = 0

    def ends(self, node: Node, at: int) -> Iterator[int]:
        """Where a match of `node` may end, in the order of trying."""
        if node.kind == "chars":
            self.steps += 1
            code = ord(self.text[at]) if at < len(self.text) else -1
            if any(low <= code <= high for low, high in node.first):
                yield at + 1
        elif node.kind == "text":
            self.steps += 1
            if self.text.startswith(node.text, at):
                yield at + len(node.text)
        elif node.kind == "sequence":
            yield from self._all(node.parts, at)
        elif node.kind == "choice":
            for branch in node.parts:
                yield from self.ends(branch, at)
        elif node.kind == "repeat":
            yield from self._repeated(node, at, 0)

    def _all(self, parts: tuple[Node, ...], at: int) -> Iterator[int]:
        if not parts:
            yield at
            return
        for end in self.ends(parts[0], at):
            yield from self._all(parts[1:], end)

    def _repeated(self, node: Node, at: int, count: int) -> Iterator[int]:
        if count < node.times[1]:
            for end in self.ends(node.parts[0], at):
                yield from self._repeated(node, end, count + 1)
        if count >= node.times[0]:
            yield at


def random_pattern(rng: random.Random, depth: int) -> str:
    kind = rng.randrange(6 if depth else 2)
    if kind == 0:
        return rng.choice(["a", "b", "ab", "aab"])
    if kind == 1:
        return rng.choice(["[ab]", "[a]", "[^b]", "c"])
    if kind == 2:
        return "(?:" + "|".join(random_pattern(rng, depth - 1) for _ in range(3)) + ")"
    if kind == 3:
        most = rng.randrange(1, 5)
        return f"(?:{random_pattern(rng, depth - 1)}){{{rng.randrange(most + 1)},{most}}}"
    return random_pattern(rng, depth - 1) + random_pattern(rng, depth - 1)


def test_no_text_costs_more_than_the_bound() -> None:
    """Against a matcher that counts, over random patterns and the texts that fit them worst."""
    rng, tried = random.Random(14), 0
    while tried < 300:
        pattern = random_pattern(rng, 4) + rng.choice(["", "c", "b"])
        try:
            parsed = parse(pattern)
        except PackError:
            continue
        tried += 1
        node = _Parser(pattern).parse()
        for text in ("a" * 40, "ab" * 20, "aab" * 14, "".join(rng.choices("ab", k=40))):
            counter = Counter(text)
            for _ in counter.ends(node, 0):
                break  # the first match is taken
            assert counter.steps <= parsed.steps, (pattern, text)
