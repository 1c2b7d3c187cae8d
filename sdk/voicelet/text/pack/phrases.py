"""How the words of a phrase join, weaken and link: weak.json (docs/reference/language-packs.md).

A phrase is a stretch of words without punctuation.  In this order: words that are said as one group
take the group's phones; every other word takes the form of its place; ends of words adapt to the
words after them, and a latent consonant is said where a rule says so; then rewriting passes go over
the whole phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voicelet.config import did_you_mean, from_mapping
from voicelet.errors import ConfigError
from voicelet.text.language import Linked, SpokenWord
from voicelet.text.phones import (
    MODIFIERS,
    MULTILINGUAL_SYMBOLS,
    MULTILINGUAL_VOWELS,
    PAD,
    PUNCTUATION,
    STRESS,
    strengthened,
    unstressed,
    weakened,
)

if TYPE_CHECKING:
    from voicelet.text.pack.letter_rules import LetterRules

FORMAT = 1
PLACES = ("start", "end", "not-start", "not-end")
_NO_CLASSES: frozenset[str] = frozenset()
SPANS = ("phrase", "word", "letters")
"""Where two sounds meet: between the words of a phrase, the parts of a compound word, and the names
of letters."""
_STRESSES: Mapping[str, Callable[[str], str]] = {
    "primary": strengthened,
    "secondary": weakened,
    "none": unstressed,
}
_KINDS = {
    "vowel": frozenset(MULTILINGUAL_VOWELS),
    "consonant": frozenset(MULTILINGUAL_SYMBOLS)
    - frozenset(MULTILINGUAL_VOWELS + MODIFIERS + STRESS + PUNCTUATION + PAD),
}


@dataclass(frozen=True)
class FormConfig:
    """The form that a word takes at its place; the first that fits is taken.

    Word lists are words parted by blanks; `@name` is a set.

    Attributes:
        word: which words.
        at: places that must all hold, parted by blanks: "start", "end", "not-start", "not-end".
        before, after: what must stand next to it, on the left and on the right.
        stressed_after: whether a word with a primary stress must follow in the phrase, or none may.
        say: its phones; or else
        stress: "primary", "secondary" or "none", the stress that its own phones get.
    """

    word: str
    at: str = ""
    before: str | None = None
    after: str | None = None
    stressed_after: bool | None = None
    say: str = ""
    stress: str = ""

    def __post_init__(self) -> None:
        _check_names(self.at, PLACES, "at")
        if bool(self.say) == bool(self.stress):
            raise ValueError(f"the form of {self.word!r} has either `say` or `stress`")
        _check_names(self.stress, _STRESSES, "stress")


@dataclass(frozen=True)
class LinkConfig:
    """What becomes of two sounds that meet; the first that fits is taken.

    Conditions; those that are left out hold:

    Attributes:
        at: where, parted by blanks (:data:`SPANS`); anywhere if empty.
        word, not_word, next_word, not_next_word: word lists, as in :class:`FormConfig`.
        word_class, not_word_class, next_class, not_next_class: classes parted by blanks.
        ends: how the phones before end, alternatives parted by blanks; "vowel" and "consonant" are
            any of these.
        next: how the phones after begin, stress marks aside; likewise.
        say: the word's phones; or
        put: what stands in place of what `ends` matched; and
        add: what is put after them.
        liaison: the word's latent consonant is said.  Without one the rule doesn't fit.
        next_put: what stands in place of what `next` matched.
        join: no space between the two.
    """

    at: str = ""
    word: str | None = None
    not_word: str | None = None
    next_word: str | None = None
    not_next_word: str | None = None
    word_class: str | None = None
    not_word_class: str | None = None
    next_class: str | None = None
    not_next_class: str | None = None
    ends: str = ""
    next: str = ""
    say: str = ""
    put: str | None = None
    add: str = ""
    liaison: bool = False
    next_put: str | None = None
    join: bool = False

    def __post_init__(self) -> None:
        _check_names(self.at, SPANS, "at")
        if self.put is not None and not self.ends:
            raise ValueError("`put` stands in place of what `ends` matched: give `ends`")
        if self.next_put is not None and not self.next:
            raise ValueError("`next_put` stands in place of what `next` matched: give `next`")
        if self.say and self.put is not None:
            raise ValueError("a link has `say` or `put`, not both")


@dataclass(frozen=True)
class PhrasesConfig:
    """weak.json.

    Attributes:
        format: :data:`FORMAT`.
        sets: name → words, parted by blanks, for `@name` in word lists.
        classes: class → word list; beside the classes that a lexicon gives its words.
        clitics: words → their phones as one group: "|" where they are joined, " " where they are
            apart.  Empty phones undo a group of the pack that is inherited.
        strong_at_end: a group is no group where one of these ends it and the phrase.
        joined: pairs of word lists; a word of the second is said in one group with one of the
            first before it.
        forms, links: see there.
        macros, passes: rewriting of the whole phrase, as in letters.json; the space between words
            is a sign that rules may look at and must keep.
    """

    format: int
    sets: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    clitics: dict[str, str] = field(default_factory=dict)
    strong_at_end: str = ""
    joined: tuple[tuple[str, ...], ...] = ()
    forms: tuple[FormConfig, ...] = ()
    links: tuple[LinkConfig, ...] = ()
    macros: dict[str, str] = field(default_factory=dict)
    passes: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"format {self.format}: this voicelet reads format {FORMAT}; update voicelet"
            )
        if any(len(pair) != 2 for pair in self.joined):
            raise ValueError("`joined` holds pairs of word lists")
        for words, phones in self.clitics.items():
            count = len(phones.replace("|", " ").split())
            if phones and (count < 2 or count != len(words.split())):
                raise ValueError(f"clitics: {words!r} has other words than its phones {phones!r}")


class Phrases:
    """The rules of weak.json, ready to be asked.  Safe to share between threads.

    Args:
        config: its content.
        where: its name for messages.

    Raises:
        ConfigError: a set isn't there, or a rewriting pass is wrong.
    """

    def __init__(self, config: PhrasesConfig, where: str = "weak.json") -> None:
        words = _WordLists(config.sets, where)
        self.clitics: Mapping[tuple[str, ...], tuple[tuple[str, bool], ...]] = {
            tuple(group.split()): _clitic(phones)
            for group, phones in config.clitics.items()
            if phones
        }
        self.strong_at_end = words.of(config.strong_at_end)
        self._joined: dict[str, set[str]] = {}
        """Word → those that it is joined to where they stand before it."""
        for first, second in config.joined:
            for word in words.of(second):
                self._joined.setdefault(word, set()).update(words.of(first))
        self._forms: dict[str, list[_Form]] = {}
        for form in config.forms:
            made = _Form.of(form, words)
            for word in made.words:
                self._forms.setdefault(word, []).append(made)
        self._links = tuple(_Link.of(link, words) for link in config.links)
        self._candidates: dict[tuple[str, str, str], tuple[_Link, ...]] = {}
        """Links that may fit, by where two sounds meet and which they are."""
        self._classes: dict[str, frozenset[str]] = {}
        for name, listed in config.classes.items():
            for word in words.of(listed):
                self._classes[word] = self._classes.get(word, _NO_CLASSES) | {name}
        self._passes: LetterRules | None = None
        if config.passes:
            from voicelet.text.pack.letter_rules import LetterRules  # few languages have any

            self._passes = LetterRules(
                {"format": 1, "macros": config.macros, "passes": config.passes}
            )

    def check(self) -> None:
        """Check the patterns of the rewriting passes.

        Raises:
            PackError: one is wrong, isn't portable or could take too long.
        """
        if self._passes is not None:
            self._passes.check()

    def classes_of(self, word: str) -> frozenset[str]:
        """The classes that weak.json gives a word."""
        return self._classes.get(word, _NO_CLASSES)

    def joined(self, before: str, word: str) -> bool:
        """Whether `word` is said in one group with the word before it."""
        return before in self._joined.get(word, ())

    def in_phrase(self, words: Sequence[SpokenWord], place: int, stressed_after: bool) -> str:
        """The phones of a word at its place in the phrase.

        Args:
            words: of the phrase.
            place: which of them.
            stressed_after: whether a word with a primary stress follows.
        """
        word = words[place]
        for form in self._forms.get(word.key, ()):
            if form.fits(words, place, stressed_after):
                return form.change(word.phones)
        return word.phones

    def linked(self, before: SpokenWord, after: SpokenWord, span: str = "phrase") -> Linked:
        """How two sounds that meet change each other.

        Args:
            before, after: with the classes of :meth:`classes_of` and of the lexicon.
            span: one of :data:`SPANS`.
        """
        last, first = before.phones[-1:], after.phones.lstrip(STRESS)[:1]
        candidates = self._candidates.get((span, last, first))
        if candidates is None:
            candidates = tuple(link for link in self._links if link.may_fit(span, last, first))
            self._candidates[span, last, first] = candidates
        for link in candidates:
            if (changed := link.apply(before, after)) is not None:
                return changed
        return Linked(before.phones, after.phones)

    def rewritten(self, phones: Sequence[str]) -> list[str]:
        """The words' phones after the passes over the whole phrase."""
        if self._passes is None or not phones:
            return list(phones)
        said = self._passes.phones(" ".join(phones)).split(" ")
        return said if len(said) == len(phones) else list(phones)


def open_phrases(data: Mapping[str, Any], where: str = "weak.json") -> Phrases:
    """The rules of a weak.json.

    Raises:
        ConfigError: it is wrong; the message says where.
    """
    return Phrases(from_mapping(PhrasesConfig, data, where), where)


class _WordLists:
    """Word lists with `@name` for a set of weak.json."""

    def __init__(self, sets: Mapping[str, str], where: str) -> None:
        self._sets = sets
        self._where = where

    def of(self, text: str) -> frozenset[str]:
        words: set[str] = set()
        for word in text.split():
            if not word.startswith("@"):
                words.add(word)
                continue
            if word[1:] not in self._sets:
                raise ConfigError(
                    f"{self._where}: there is no set {word[1:]!r}"
                    f"{did_you_mean(word[1:], self._sets)}; add it to `sets`"
                )
            words.update(self._sets[word[1:]].split())
        return frozenset(words)

    def maybe(self, text: str | None) -> frozenset[str] | None:
        return None if text is None else self.of(text)


@dataclass(frozen=True)
class _Form:
    words: frozenset[str]
    config: FormConfig
    before: frozenset[str] | None
    after: frozenset[str] | None

    @classmethod
    def of(cls, config: FormConfig, lists: _WordLists) -> _Form:
        return cls(
            lists.of(config.word), config, lists.maybe(config.before), lists.maybe(config.after)
        )

    def fits(self, words: Sequence[SpokenWord], place: int, stressed_after: bool) -> bool:
        config = self.config
        if config.stressed_after is not None and config.stressed_after != stressed_after:
            return False
        at_start, at_end = place == 0, place == len(words) - 1
        holds = {"start": at_start, "end": at_end, "not-start": not at_start, "not-end": not at_end}
        if not all(holds[name] for name in config.at.split()):
            return False
        if self.before is not None and (at_start or words[place - 1].key not in self.before):
            return False
        return self.after is None or (not at_end and words[place + 1].key in self.after)

    def change(self, phones: str) -> str:
        return self.config.say or _STRESSES[self.config.stress](phones)


@dataclass(frozen=True)
class _Link:
    config: LinkConfig
    spans: frozenset[str]
    words: tuple[tuple[frozenset[str] | None, bool], ...]
    classes: tuple[tuple[frozenset[str] | None, bool], ...]
    ends: tuple[str, ...]
    next: tuple[str, ...]

    @classmethod
    def of(cls, config: LinkConfig, lists: _WordLists) -> _Link:
        c = config
        return cls(
            config=c,
            spans=frozenset(c.at.split() or SPANS),
            words=(
                (lists.maybe(c.word), True),
                (lists.maybe(c.not_word), False),
                (lists.maybe(c.next_word), True),
                (lists.maybe(c.not_next_word), False),
            ),
            classes=(
                (_names(c.word_class), True),
                (_names(c.not_word_class), False),
                (_names(c.next_class), True),
                (_names(c.not_next_class), False),
            ),
            ends=tuple(c.ends.split()),
            next=tuple(c.next.split()),
        )

    def may_fit(self, span: str, last: str, first: str) -> bool:
        """Whether it may fit between these sounds, whatever else is asked for."""
        return (
            span in self.spans
            and (not self.ends or any(_may_be_edge(last, p, p[-1:]) for p in self.ends))
            and (not self.next or any(_may_be_edge(first, p, p[:1]) for p in self.next))
        )

    def apply(self, before: SpokenWord, after: SpokenWord) -> Linked | None:
        if self.config.liaison and not before.latent:
            return None
        keys = (before.key, before.key, after.key, after.key)
        for key, (listed, wanted) in zip(keys, self.words, strict=True):
            if listed is not None and (key in listed) != wanted:
                return None
        classes = (before.classes, before.classes, after.classes, after.classes)
        for found, (names, wanted) in zip(classes, self.classes, strict=True):
            if names is not None and bool(found & names) != wanted:
                return None
        ending = _edge(before.phones, self.ends, last=True)
        bare = after.phones.lstrip(STRESS)
        opening = _edge(bare, self.next, last=False)
        if ending is None or opening is None:
            return None
        return self._changed(before, after, ending, len(after.phones) - len(bare), opening)

    def _changed(
        self, before: SpokenWord, after: SpokenWord, ending: int, marks: int, opening: int
    ) -> Linked:
        config, phones, following = self.config, before.phones, after.phones
        if config.say:
            phones = config.say
        elif config.put is not None:
            phones = phones[: len(phones) - ending] + config.put
        phones += config.add
        if config.liaison:
            phones += before.latent
        if config.next_put is not None:
            following = following[:marks] + config.next_put + following[marks + opening :]
        return Linked(phones, following, config.join)


def _edge(phones: str, patterns: Sequence[str], *, last: bool) -> int | None:
    """How many symbols of an edge of `phones` one of the patterns matches; None for no match."""
    if not patterns:
        return 0
    for pattern in patterns:
        if pattern in _KINDS:
            size = 2 if last and phones[-1:] in tuple(MODIFIERS) else 1
            symbol = phones[-size:][:1] if last else phones[:1]
            if symbol in _KINDS[pattern]:
                return size
        elif phones.endswith(pattern) if last else phones.startswith(pattern):
            return len(pattern)
    return None


def _may_be_edge(symbol: str, pattern: str, edge: str) -> bool:
    if pattern in _KINDS:
        return symbol in _KINDS[pattern] or symbol in tuple(MODIFIERS)
    return symbol == edge


def _clitic(phones: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a group, and whether each is joined to the one before."""
    parts: list[tuple[str, bool]] = []
    for apart in phones.split():
        for number, part in enumerate(apart.split("|")):
            parts.append((part, number > 0))
    return tuple(parts)


def _names(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(text.split())


def _check_names(text: str, known: Iterable[str], key: str) -> None:
    for name in text.split():
        if name not in known:
            raise ValueError(f"{key}: {name!r}{did_you_mean(name, known)} is none of its values")
