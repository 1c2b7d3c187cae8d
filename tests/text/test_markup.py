"""Markup that isn't well formed, or means harm: what is read of it, and how much work it makes."""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.text import markup


class Notes:
    """Keeps all that it is told, text joined."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.seen.append(("start", tag, attributes))

    def end(self, tag: str) -> None:
        self.seen.append(("end", tag))

    def data(self, text: str) -> None:
        if self.seen and self.seen[-1][0] == "data":
            text = self.seen.pop()[1] + text
        self.seen.append(("data", text))

    @property
    def text(self) -> str:
        return "".join(part[1] for part in self.seen if part[0] == "data")


def scanned(source: str) -> Notes:
    notes = Notes()
    markup.scan(source, notes)
    return notes


def test_what_browsers_forgive_is_read() -> None:
    notes = markup.read_markup(
        "<P class=x title='a > b' checked>One<BR>two & three &eacute;&unknown;"
        "<img alt=\"a&#8217;s\"/><![if IE]><![CDATA[<4>]]></p></q>", Notes
    )  # fmt: skip
    assert notes.seen == [
        ("start", "p", {"class": "x", "title": "a > b", "checked": ""}),
        ("data", "One"),
        ("start", "br", {}),
        ("data", "two & three é "),
        ("start", "img", {"alt": "a’s"}),
        ("end", "img"),
        ("data", "<4>"),
        ("end", "p"),
        ("end", "q"),
    ]
    script = scanned("<script>if (a<b && c>'d) x</b></script>after")
    assert script.seen[-1] == ("data", "after")


def test_well_formed_pages_go_to_expat_with_the_entities_of_html() -> None:
    with_type = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://x.invalid/x.dtd">'
    for head in ("", with_type, "<!DOCTYPE html>"):
        notes = Notes()
        markup.parse_xml(
            f'\n<?xml version="1.0"?>{head}<x:p b:t="1">a&nbsp;b<![CDATA[<c>]]></x:p>', notes
        )
        assert notes.seen == [
            ("start", "p", {"t": "1"}),
            ("data", "a\xa0b<c>"),
            ("end", "p"),
        ]


@pytest.mark.parametrize(
    "evil",
    [
        '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p t="&b;">One &b; two</p>',
        '<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><p>One &a; two</p>',
        '<!DOCTYPE p [<!ATTLIST p t CDATA "aaaa">]><p>One  two</p>',
        "<!DOCTYPE p [<!ENTITY % a \"<!ENTITY b 'aaaa'>\"> %a;]><p>One &b; two</p>",
    ],
)
def test_declarations_are_not_followed(evil: str) -> None:
    notes = markup.read_markup(evil, Notes)
    assert "aaaa" not in str(notes.seen) and "root" not in notes.text
    assert " ".join(notes.text.split()) == "One two"


def test_depth_is_no_recursion() -> None:
    notes = markup.read_markup("<b>" * 200_000 + "deep" + "</b>" * 200_000, Notes)
    assert notes.text == "deep"


names = st.sampled_from(["p", "em", "x:q", "br"])
words = st.text("ab é<&>\"'\u2028\n]", max_size=8)


def written(tree: tuple[str, str, list[Any], str]) -> str:
    name, value, children, tail = tree
    safe = [re.sub("[<&>\"']", lambda m: f"&#{ord(m[0])};", part) for part in (value, tail)]
    inside = "".join(map(written, children))
    body = f">{inside}</{name}>" if inside else "/>"
    return f'<{name} t="{safe[0].replace(chr(10), " ")}"{body}<!-- c -->{safe[1]}'


trees = st.recursive(
    st.tuples(names, words, st.just([]), words),
    lambda inner: st.tuples(names, words, st.lists(inner, max_size=3), words),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(tree=trees)
def test_the_scanner_reads_well_formed_pages_as_expat_does(tree: Any) -> None:
    source = f"<html>{written(tree)}</html>"
    by_expat = Notes()
    markup.parse_xml(source, by_expat)
    assert scanned(source).seen == by_expat.seen


@settings(max_examples=300, deadline=None)
@given(source=st.text("<>!-[]CDAT/?&;#x\"'= ap\n\0\udcff", max_size=60))
def test_nothing_is_too_broken(source: str) -> None:
    markup.read_markup(source, Notes)


class Counted(str):
    """A text that counts the characters which searches in it look at."""

    looked_at = 0

    def find(self, what: str, *bounds: Any) -> int:
        start, end = (*bounds, len(self))[:2]
        found = super().find(what, *bounds)
        self.looked_at += (end if found < 0 else found) - start + len(what)
        return found

    def startswith(self, what: Any, *bounds: Any) -> bool:
        self.looked_at += 10
        return super().startswith(what, *bounds)


class CountedPattern:
    """A pattern that counts as well: what it matched, or the place where it didn't."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    def match(self, source: Counted, *bounds: int) -> re.Match[str] | None:
        found = self.pattern.match(source, *bounds)
        source.looked_at += 1 if found is None else found.end() - found.start() + 1
        return found


HOSTILE = ("<a ", "<", "</", "<!", "<!--", "<![CDATA[", "<?", "<a b='", '<a b="', "<a b=", "<a =",
           "<a/ ", "<a  ", "&", "&a", "&#1", "<!DOCTYPE [", "<script>", "<script ", "<svg>",
           "</svg", "<p", "<p>", "]]>", "<a\n\n", "a", "a = ", "'", "<a b ")  # fmt: skip


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("head", ["", "<a ", "<a '", "<x>"])
def test_work_is_linear_whatever_is_left_open(
    evil: str, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_TAG_NAME", "_ATTRIBUTE", "_BETWEEN"):
        monkeypatch.setattr(markup, name, CountedPattern(getattr(markup, name)))
    source = Counted(head + evil * (20_000 // len(evil)))
    markup.scan(source, Notes())
    assert source.looked_at <= 50 * len(source)  # four short looks at each "<" are the worst
    with pytest.raises((expat.ExpatError, markup._UnsoundError)):
        markup.parse_xml(source, Notes())
