"""Homographs as data: which sense of a word the lexicon is asked for.

`homographs.json` of a language pack holds, in this order of authority:

1. `words`: decision lists.  The first rule whose `when` all hold gives the sense; a rule with the
   sense null, or none that holds, leaves the word to 2.
2. `part_of_speech`: points for the listed words.  Of every chain the first case whose `when` all
   hold adds its points; a sum above zero asks for the senses `above`, one below for those `below`.
3. `model`: a linear model over the words around (`voicelet.text.pack.linear`), for words with
   `senses`.  It overrules the rules only where it prefers another reading by so many points:
   `over_rules` where a decision list spoke, `over_points` where the points did, `alone` where
   nothing did.  What it prefers is the sense with the highest score; the first of the word's
   senses scores 0.

What a `when` may ask is in `voicelet.text.pack.word_context`.  Nothing here knows a language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError
from voicelet.text.pack.linear import LinearModel, feature_numbers, features, tag_of
from voicelet.text.pack.word_context import Predicate, WordContext, all_of, word_class, word_classes


@dataclass(frozen=True)
class SenseRule:
    """A line of a decision list; `sense` null ends the list without one."""

    sense: str | None
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class PointsRule:
    """A line of a chain: the points it adds."""

    add: int
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class SensesRule:
    """The senses to ask the lexicon for, in turn."""

    senses: tuple[str, ...]
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupRule:
    """Which shared weights a word uses that has none of its own."""

    group: str
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class Homograph:
    """A word: its rules and, for the model, its senses.

    Attributes:
        rules: the decision list.
        adverbs: words that `skip-1` passes over for this word; "" for the pack's.
        senses: what the model chooses from, its reference first.
        shared: a name for the weights that the second sense shares with other words'; "" for none.
    """

    rules: tuple[SenseRule, ...] = ()
    adverbs: str = ""
    senses: tuple[str, ...] = ()
    shared: str = ""

    def prefixes(self, word: str) -> list[tuple[str, ...]]:
        """For each sense but the first, the prefixes under which its weights are."""
        own: list[tuple[str, ...]] = [(f"{word}|{sense}",) for sense in self.senses[1:]]
        return [(*own[0], f"|{self.shared}"), *own[1:]] if self.shared else own


@dataclass(frozen=True)
class Adverbs:
    """What `skip-1` passes over: words, and words of so many letters with one of the endings."""

    words: str = ""
    endings: str = ""
    letters: int = 1


@dataclass(frozen=True)
class PartOfSpeech:
    """Points that tell two parts of speech apart.

    Attributes:
        words: what they are counted for.
        chains: of each, the first case that holds adds its points.
        above, below: the senses to ask for where the sum is above or below zero.
        groups: the model's shared weights for those of the words that have no senses of their own
            under `words` of the file; the first case that holds.  Empty: the model isn't asked.
    """

    words: str
    chains: tuple[tuple[PointsRule, ...], ...]
    above: tuple[SensesRule, ...]
    below: tuple[SensesRule, ...]
    groups: tuple[GroupRule, ...] = ()


@dataclass(frozen=True)
class ModelUse:
    """How the linear model is asked.

    Attributes:
        weights: the file beside this one.
        classes: names of the classes that are tags, in order.
        endings: that are tags, in order.
        over_rules, over_points, alone: by how many points it must prefer another reading.
    """

    weights: str
    classes: tuple[str, ...]
    endings: tuple[str, ...]
    over_rules: int
    over_points: int
    alone: int


@dataclass(frozen=True)
class HomographData:
    """The whole of `homographs.json`."""

    words: dict[str, Homograph] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    adverbs: Adverbs = Adverbs()
    part_of_speech: PartOfSpeech | None = None
    model: ModelUse | None = None


@dataclass(frozen=True)
class RulesChoice:
    """What the rules say, before the model is asked.

    Attributes:
        senses: to ask the lexicon for, in turn.
        points: of the parts of speech.
        by_list: whether a decision list gave the sense.
    """

    senses: tuple[str, ...]
    points: int
    by_list: bool


_NOTHING: tuple[str, ...] = ()
_Case = tuple[tuple[Predicate, ...], Any]


class Homographs:
    """The senses of words in their clauses.  Threads may share one.

    Args:
        data: of `homographs.json`.
        model: the weights that `data.model` names; None leaves the model out.
        where: the file, for messages.
        check: make the rules of all words now, so that what is wrong shows at once; without, those
            of a word are made when it first comes.

    Raises:
        ConfigError: a rule isn't one, or names what isn't there.
    """

    def __init__(
        self,
        data: HomographData,
        model: LinearModel | None = None,
        where: str = "homographs.json",
        *,
        check: bool = True,
    ) -> None:
        self._where = where
        self._classes = word_classes(data.classes, where)
        self._data = data
        self._adverbs = self._words(data.adverbs.words, "adverbs")
        self._endings = tuple(data.adverbs.endings.split())
        self._own_adverbs: dict[str, frozenset[str]] = {}
        self._rules: dict[str, list[_Case]] = {}
        for word, entry in data.words.items():
            if check:
                self._rules_of(word)
            if entry.adverbs:
                self._own_adverbs[word] = self._words(entry.adverbs, f"words.{word}")
            if len(entry.senses) == 1 or (entry.shared and not entry.senses):
                raise ConfigError(
                    f"{where}: words.{word}: the model needs two senses or more to choose from"
                )
        self._scored: frozenset[str] = frozenset()
        self._chains: list[list[_Case]] = []
        self._above: list[_Case] = []
        self._below: list[_Case] = []
        self._groups: list[_Case] = []
        if (part := data.part_of_speech) is not None:
            self._scored = self._words(part.words, "part_of_speech.words")
            place = "part_of_speech"
            self._chains = [[(self._when(r.when, place), r.add) for r in c] for c in part.chains]
            self._above = [(self._when(r.when, place), r.senses) for r in part.above]
            self._below = [(self._when(r.when, place), r.senses) for r in part.below]
            self._groups = [(self._when(r.when, place), r.group) for r in part.groups]
        self._model = model if data.model is not None else None
        self._tags: list[tuple[str, frozenset[str]]] = []
        self._tag_endings: tuple[str, ...] = ()
        if data.model is not None:
            self._tags = [(n, self._words("@" + n, "model.classes")) for n in data.model.classes]
            self._tag_endings = data.model.endings
        self.tag = lru_cache(4096)(self._tag)
        self._known = frozenset(self._scored | set(data.words))

    @classmethod
    def from_mapping(
        cls,
        data: Mapping[str, Any],
        weights: bytes | None = None,
        where: str = "homographs.json",
        *,
        check: bool = True,
    ) -> Homographs:
        """From the JSON's content.

        Args:
            data: the object that the file holds.
            weights: bytes of the file that its `model` names; None leaves the model out.
            where: the file, for messages.
            check: see the class.

        Raises:
            ConfigError: an unknown key, a missing one, or a rule that isn't one.
            PackError: the weights are damaged.
        """
        model = LinearModel(weights) if weights is not None else None
        return cls(from_mapping(HomographData, data, where), model, where, check=check)

    @property
    def data(self) -> HomographData:
        """What the file said."""
        return self._data

    def __call__(self, keys: Sequence[str], place: int, texts: Sequence[str]) -> tuple[str, ...]:
        """Senses of the word at `place` to ask the lexicon for, in turn; none for its usual one.

        Args:
            keys: the clause's words in lower case.
            place: which of them.
            texts: the same words as they were written, for capitals.
        """
        word = keys[place]
        if word not in self._known:
            return _NOTHING
        context = self._context(keys, place, texts)
        choice = self._choose(context)
        if self._model is None:
            return choice.senses
        entry = self.entry(context)
        return self._with_model(self._model, context, entry, choice) if entry else choice.senses

    def entry(self, context: WordContext) -> Homograph | None:
        """What the model chooses from; None where it isn't asked."""
        word = context.keys[context.place]
        entry = self._data.words.get(word)
        if entry is not None and entry.senses:
            return entry
        if not self._groups or word not in self._scored or (entry is not None and entry.rules):
            return None
        group = _first(self._groups, context)
        below, above = _first(self._below, context), _first(self._above, context)
        if group is None or not below or not above:
            return None
        return Homograph(senses=(below[0], above[0]), shared=group)

    def rules_choice(self, keys: Sequence[str], place: int, texts: Sequence[str]) -> RulesChoice:
        """What the rules alone say of a word; for training and measuring."""
        return self._choose(self._context(keys, place, texts))

    def features(
        self, keys: Sequence[str], place: int, texts: Sequence[str]
    ) -> tuple[Homograph | None, list[str]]:
        """What the model chooses from, and the features it would see; for training."""
        context = self._context(keys, place, texts)
        entry = self.entry(context)
        if entry is None:
            return None, []
        return entry, self._features(context, entry, self._choose(context))

    def _context(self, keys: Sequence[str], place: int, texts: Sequence[str]) -> WordContext:
        adverbs = self._own_adverbs.get(keys[place], self._adverbs)
        letters, endings = self._data.adverbs.letters, self._endings
        return WordContext(
            keys,
            place,
            texts,
            lambda word: word in adverbs or (len(word) >= letters and word.endswith(endings)),
        )

    def _choose(self, context: WordContext) -> RulesChoice:
        word = context.keys[context.place]
        points = self._points(context) if word in self._scored else 0
        sense = _first(self._rules_of(word), context)
        if sense is not None:
            return RulesChoice((sense,), points, True)
        senses: tuple[str, ...] | None = None
        if points:
            senses = _first(self._above if points > 0 else self._below, context)
        return RulesChoice(senses or _NOTHING, points, False)

    def _rules_of(self, word: str) -> list[_Case]:
        """The decision list of a word, made at the first call."""
        made = self._rules.get(word)
        if made is None:
            entry = self._data.words.get(word)
            made = [
                (self._when(rule.when, f"words.{word}"), rule.sense)
                for rule in (entry.rules if entry else ())
            ]
            self._rules[word] = made
        return made

    def _points(self, context: WordContext) -> int:
        context.score = 0
        for chain in self._chains:
            context.score += _first(chain, context) or 0
        return context.score

    def _with_model(
        self, model: LinearModel, context: WordContext, entry: Homograph, choice: RulesChoice
    ) -> tuple[str, ...]:
        use = self._data.model
        assert use is not None
        word = context.keys[context.place]
        by_rules = _known_sense(choice, entry)
        strings = [f.encode() for f in self._features(context, entry, choice)]
        scores = [0]
        for prefixes in entry.prefixes(word):
            scores.append(
                model.score([n for prefix in prefixes for n in feature_numbers(prefix, strings)])
            )
        best = max(range(len(scores)), key=lambda i: (scores[i], -i))
        if entry.senses[best] == by_rules:
            return choice.senses
        lead = scores[best] - max(s for i, s in enumerate(scores) if i != best)
        margin = use.over_rules if choice.by_list else use.over_points if by_rules else use.alone
        if lead < margin:
            return choice.senses
        if best == 0 and word in self._scored:  # the lexicon may name it otherwise: noun or adj
            return (entry.senses[0], *(_first(self._below, context) or ()))
        return (entry.senses[best],)

    def _features(self, context: WordContext, entry: Homograph, choice: RulesChoice) -> list[str]:
        return features(
            context.keys,
            context.place,
            context.texts,
            self.tag,
            context.past_adverbs(1),
            _known_sense(choice, entry),
            choice.points,
        )

    def _tag(self, word: str) -> str:
        return tag_of(word, self._tags, self._tag_endings)

    def _words(self, text: str, place: str) -> frozenset[str]:
        return word_class(text, self._classes, f"{self._where}: {place}")

    def _when(self, lines: Sequence[str], place: str) -> tuple[Predicate, ...]:
        return all_of(lines, self._classes, f"{self._where}: {place}")


def _known_sense(choice: RulesChoice, entry: Homograph) -> str:
    """Which of the model's senses the rules chose; "" for none of them."""
    return next((sense for sense in choice.senses if sense in entry.senses), "")


def _first(cases: Sequence[_Case], context: WordContext) -> Any:
    for predicates, outcome in cases:
        if all(predicate(context) for predicate in predicates):
            return outcome
    return None
