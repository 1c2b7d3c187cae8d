"""Rules for a letter that has one of two sounds, learnt from words with their phones.

Where no grammar tells which sound a stressed letter has (Portuguese e and o, open or closed), the
letters around it do in most words.  A decision tree over them (as Black, Lenzo & Pagel 1998 used
for letter-to-sound) is grown one letter at a time, to the left or to the right, whichever tells
more, and written out as rows of letters.json: a context and the sound where it isn't the usual one.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet.text.pack.letter_rules import EDGE, RewritingPass

log = logging.getLogger(__name__)

STRESS_PASS = "stress"
"""The pass of letters.json that puts ˈ before the stressed letter."""

LEAST_WORDS = 4
"""A context that fewer words share isn't told apart further."""

BRANCH_COST = 1.2
"""Bits that a branch must save, so that chance doesn't make rules."""

_LINE = 116


@dataclass(frozen=True)
class Example:
    """One stressed letter of a word.

    Attributes:
        left, right: the letters around it, with the edges of the word.
        second: whether it has its second sound.
    """

    left: str
    right: str
    second: bool


@dataclass(frozen=True)
class Context:
    """Letters around a letter, and its sound there; classes as in patterns ("[aeo]s").

    Attributes:
        left, right: patterns.
        second: whether the letter has its second sound.
    """

    left: str
    right: str
    second: bool


def learn_contexts(examples: Sequence[Example]) -> list[Context]:
    """The contexts that tell the sounds apart, in the order of trying.

    Where none fits, the letter has its first sound.
    """
    return _rows(_grown(examples, "", ""), usual=False)


@dataclass(frozen=True)
class _Node:
    """A context; `at_left`: whether its branches are letters further left."""

    left: str
    right: str
    second: bool
    at_left: bool = False
    branches: tuple[tuple[str, _Node], ...] = ()


def _grown(examples: Sequence[Example], left: str, right: str) -> _Node:
    counts = Counter(e.second for e in examples)
    second = counts[True] > counts[False]
    rest = len(examples) - counts[second]
    if rest < 2 or len(examples) < LEAST_WORDS:
        return _Node(left, right, second)
    best: tuple[float, bool, dict[str, list[Example]]] | None = None
    for at_left in (False, True):
        groups: dict[str, list[Example]] = defaultdict(list)
        for example in examples:
            groups[_next(example, left, right, at_left)].append(example)
        groups.pop("", None)
        saved = _bits(examples) - sum(_bits(group) for group in groups.values())
        gain = saved - BRANCH_COST * len(groups)
        only = len(groups) == 1  # one letter more tells nothing, but what is beyond it may
        if groups and (gain > 0 or only) and (best is None or (not only and gain > best[0])):
            best = gain, at_left, groups
    if best is None:
        return _Node(left, right, second)
    _, at_left, groups = best
    branches = tuple(
        (
            letter,
            _grown(group, letter + left, right) if at_left else _grown(group, left, right + letter),
        )
        for letter, group in sorted(groups.items())
    )
    return _Node(left, right, second, at_left, branches)


def _next(example: Example, left: str, right: str, at_left: bool) -> str:
    """The letter beyond the context, or "" beyond the word."""
    if at_left:
        return example.left[-len(left) - 1 : len(example.left) - len(left)]
    return example.right[len(right) : len(right) + 1]


def _bits(examples: Sequence[Example]) -> float:
    """What it takes to say which examples are of the second sound."""
    total = len(examples)
    counts = Counter(e.second for e in examples).values()
    return -sum(n * math.log2(n / total) for n in counts)


def _rows(node: _Node, usual: bool) -> list[Context]:
    rows: list[Context] = []
    alike: dict[bool, str] = {}
    for letter, branch in node.branches:
        if branch.branches:
            rows += _rows(branch, node.second)
        elif branch.second != node.second:
            alike[branch.second] = alike.get(branch.second, "") + letter
    for second, letters in alike.items():
        some = letters if len(letters) == 1 else f"[{letters}]"
        left, right = node.left, node.right
        if node.at_left:
            left = some + left
        else:
            right += some
        rows.append(Context(left, right, second))
    if node.second != usual:
        rows.append(Context(node.left, node.right, node.second))
    return rows


@dataclass(frozen=True)
class ContextsBuild:
    """What to learn.

    Attributes:
        letters: the pack's letters.json, with a pass :data:`STRESS_PASS`.
        words: a word a line.
        choices: stressed letter → the phones of its second sound; the first of them is written in
            the letter's place, for the passes after it.
        name: of the pass that is written after the one of the stress, or replaced.
    """

    letters: Path
    words: Path
    choices: Mapping[str, str]
    name: str


def build_contexts(build: ContextsBuild, to_phones: Callable[[str], str]) -> int:
    """Learn the contexts and write them into letters.json.

    Args:
        build: what to learn.
        to_phones: phones of a word, with ˈ before its stressed vowel.

    Returns:
        How many rows the pass has.

    Raises:
        ConfigError: letters.json has no pass for the stress.
    """
    data: dict[str, Any] = json.loads(build.letters.read_text(encoding="utf-8"))
    passes = [entry for entry in data.get("passes", ()) if entry.get("name") != build.name]
    place = next((i for i, p in enumerate(passes) if p.get("name") == STRESS_PASS), None)
    if place is None:
        raise ConfigError(f"{build.letters} has no pass {STRESS_PASS!r}; write it first")
    stress = RewritingPass(passes[place]["rules"], data.get("macros", {}))
    words = build.words.read_text(encoding="utf-8").split()
    rows: list[list[str]] = []
    for letter, phones in build.choices.items():
        examples = list(_examples(words, letter, phones, stress, to_phones))
        contexts = learn_contexts(examples)
        log.info("%s: %d words, %d contexts", letter, len(examples), len(contexts))
        rows += [
            [f"{c.left}ˈ", letter, c.right, phones[0] if c.second else "{0}"] for c in contexts
        ]
    passes.insert(place + 1, {"name": build.name, "rules": rows})
    with atomic_file(build.letters) as file:
        file.write(format_letters({**data, "passes": passes}).encode("utf-8"))
    return len(rows)


def _examples(
    words: Iterable[str],
    letter: str,
    phones: str,
    stress: RewritingPass,
    to_phones: Callable[[str], str],
) -> Iterable[Example]:
    """The words in which the letter is stressed, once, by the rules and by the phones."""
    for word in words:
        marked = stress(word)
        before, mark, after = marked.partition("ˈ")
        said = to_phones(word)
        if not mark or "ˈ" in after or after[:1] != letter or said.count("ˈ") != 1:
            continue
        vowel = said.partition("ˈ")[2][:1]
        yield Example(EDGE + before, after[1:] + EDGE, vowel in phones)


def format_letters(data: Mapping[str, Any]) -> str:
    """letters.json as people read it: a rule a line, short ones side by side in long passes."""
    head = [
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},"
        for key, value in data.items()
        if key not in ("macros", "passes")
    ]
    macros = ",\n".join(
        f"  {json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}"
        for k, v in data.get("macros", {}).items()
    )
    passes = ",\n".join(_format_pass(entry) for entry in data.get("passes", ()))
    body = [f'"macros": {{\n{macros}\n}},', f'"passes": [\n{passes}\n]']
    return "\n".join(["{", *head, *body, "}", ""])


def _format_pass(entry: Mapping[str, Any]) -> str:
    keys = ", ".join(
        f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}"
        for k, v in entry.items()
        if k != "rules"
    )
    rows = [json.dumps(row, ensure_ascii=False) for row in entry["rules"]]
    side_by_side = len(rows) > 150
    lines: list[str] = []
    for row in rows:
        if side_by_side and lines and len(lines[-1]) + len(row) < _LINE:
            lines[-1] += f" {row},"
        else:
            lines.append(f"  {row},")
    return f'{{{keys}, "rules": [\n' + "\n".join(lines).rstrip(",") + "\n]}"
