"""Homographs with rules of their own: noun or verb alone doesn't decide how they are said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True)
class WordContext:
    """A word among the words of its clause.

    Attributes:
        keys: the clause's words, lower case.
        place: which of them.
        texts: the same words as written.
    """

    keys: Sequence[str]
    place: int
    texts: Sequence[str]

    @property
    def word(self) -> str:
        return self.keys[self.place]

    def at(self, offset: int) -> str:
        """The word so many places away; "" beyond the clause."""
        index = self.place + offset
        return self.keys[index] if 0 <= index < len(self.keys) else ""

    def before(self, count: int = 1) -> frozenset[str]:
        """The words up to so many places before."""
        return frozenset(self.keys[max(0, self.place - count) : self.place])

    def after(self) -> str:
        return self.at(1)

    def any_of(self, words: frozenset[str]) -> bool:
        """Whether the clause holds one of `words`."""
        return any(key in words for key in self.keys)

    def before_adverbs(self, adverbs: frozenset[str]) -> tuple[str, str]:
        """The word before, adverbs skipped, and the one before that."""
        at = self.place - 1
        while at >= 0 and (
            self.keys[at] in adverbs or (self.keys[at].endswith("ly") and len(self.keys[at]) > 4)
        ):
            at -= 1
        return (
            self.keys[at] if at >= 0 else "",
            self.keys[at - 1] if at >= 1 else "",
        )

    def verb_in_parallel(self, cues: frozenset[str]) -> bool:
        """Whether, in "to buy and …", a verb's cue stands two or three words before the "and"."""
        return bool({self.at(-3), self.at(-4)} & cues)

    def capital(self) -> bool:
        """Whether it is written as a name: a capital, though no sentence begins with it."""
        return self.place > 0 and self.texts[self.place][:1].isupper()


Rule = Callable[[WordContext], "str | None"]

_AUXILIARIES = _words(
    "have has had having i've you've we've they've he's she's it's was were been is are be being"
    " hadn't haven't hasn't wasn't weren't isn't well"
)
_BARE = _words(
    "to will would can could shall should may might must cannot don't doesn't didn't won't wouldn't"
    " can't couldn't shouldn't did do does let's please i'll you'll we'll they'll he'll she'll i'd"
    " you'd we'd they'd help"
)
_ADVERBS = _words(
    "not never always also often even just still then only really ever usually already all once"
)
_PAST = _words("yesterday ago last once earlier previously then")
_DETERMINERS = _words(
    "a an the this that these those my your his her its our their no any some every each another"
)
_DEGREE = _words(
    "so very too how as quite rather pretty fairly really more most is was are were be been being"
    " am feel felt seems seem seemed get got getting came come coming keep kept stay stayed stand"
    " stood it's that's they're we're you're i'm he's she's remain remained not drew draw"
)
_LIVE_THINGS = _words(
    "music show shows broadcast broadcasts concert concerts performance performances audience"
    " audiences stream streams streaming television tv wire wires ammunition coverage event events"
    " band bands recording recordings album animals bait action feed chat updates video radio"
    " version entertainment"
)
_METALS = _words(
    "pipe pipes paint poisoning pencil pencils acid-batteries battery batteries weights weight shot"
    " bullet bullets roof free mine mines ore shielding sheet foil crystal"
)
_PARTICLES = _words("up down back through around round")
_OWNERS = _words("my your his her its our their the a an")


def _read(context: WordContext) -> str | None:
    before, earlier = context.before_adverbs(_ADVERBS)
    if earlier in ("have", "has", "had") and before not in _DETERMINERS:
        return "past"  # "has anyone read"
    if before in _BARE or before in _DETERMINERS:
        return None
    if before in _AUXILIARIES or context.at(-1) in ("well", "widely"):
        return "past"
    if before in ("he", "she", "it"):
        return "past"
    if context.any_of(_words("every often usually always tomorrow")):
        return None
    if before and context.any_of(_PAST):
        return "past"
    if before in ("and", "then") and any(k.endswith("ed") for k in context.keys[: context.place]):
        return "past"
    return None


def _lead(context: WordContext) -> str | None:
    metals = _words("iron copper zinc tin silver mercury gold arsenic steel metal molten")
    if context.after() in _METALS or context.before(2) & metals:
        return "metal"
    if context.at(-1) == "of" and context.after() in ("", "and", "or", "is", "in", "was"):
        return "metal"
    return "metal" if context.after() == "and" and context.at(2) in metals else None


def _live(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    if after in _LIVE_THINGS or (before in _DETERMINERS and before not in ("that", "these")):
        return "adj"
    if before in _words("broadcast go going went goes streamed streaming performed sing shown is"):
        return "adj"
    if before in _words("was were be being are it's we're are") and after not in ("in", "at"):
        return "adj"
    if before in ("perform", "play", "played", "playing", "recorded", "aired", "reporting"):
        return "adj"
    return "verb"


def _lives(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    verb = before in _words("he she it who that which one everyone nobody she's he's still now")
    places = _words("in at with on here there near alone under by next across down nearby")
    if verb or (after in places and before not in _OWNERS and not before.endswith("s")):
        return "verb"
    return "noun"


def _close(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    if before in ("the", "a") and after in ("of",):
        return "verb"  # "the close of play" sounds like the verb
    if before in _BARE or before in ("i", "you", "we", "they"):
        return "adj" if after == "to" and before not in _BARE else "verb"
    if after in _words("to by enough friend friends together at behind attention range call up"):
        return "adj"
    if before in _DEGREE or before in _DETERMINERS:
        return "adj"
    if after in _DETERMINERS or after in ("it", "them", "down", "off", "your"):
        return "verb"
    return "adj" if before else "verb"


def _wind(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    if before in _DETERMINERS or before in _words("of by strong cold high north south"):
        return None
    if after in _PARTICLES or (after in _OWNERS and before):
        return "verb"
    return "verb" if before in _BARE and after not in ("power", "energy", "farms") else None


def _wound(context: WordContext) -> str | None:
    if context.after() in _PARTICLES or context.at(-1) in ("he", "she", "they", "road", "path"):
        return "past" if context.after() not in ("him", "her", "them") else None
    return "past" if context.at(-1) in ("tightly", "river") else None


def _tear(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    particles = _words("down up apart off out away it them open through into")
    if after in particles or before in _BARE or (before == "and" and context.at(-2) == "wear"):
        return "verb"
    if before == "a" and after in ("in", "on"):
        return "verb"
    if before in ("he", "she", "it", "i", "you", "we", "they"):
        return "verb"
    return None


def _bow(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    if before in _BARE or before in ("i", "you", "we", "they", "he", "she"):
        return "verb"
    if after in ("to", "down", "out") or context.before(2) & _words("take took takes taking deep"):
        return "verb"
    ships = _words("ship ship's boat boat's vessel stern")
    if after == "of" or context.any_of(ships):
        return "verb"
    return None


def _minute(context: WordContext) -> str | None:
    details = _words(
        "detail details amount amounts quantity quantities particles particle difference"
        " differences traces trace changes fraction organisms examination inspection"
    )
    return "adj" if context.after() in details else None


def _content(context: WordContext) -> str | None:
    before, after = context.at(-1), context.after()
    if before in _DETERMINERS or (before in ("of", "and") and after not in ("with", "to")):
        return None
    if before in _DEGREE or before in _words("perfectly quite feeling look looked myself himself"):
        return "adj"
    return "adj" if after in ("with", "to") and before != "" else None


def _bass(context: WordContext) -> str | None:
    fishing = _words("fish fishing fished caught catch lake river striped sea grilled boat")
    return "fish" if context.any_of(fishing) else None


def _dove(context: WordContext) -> str | None:
    if context.after() in _words("into in off under down for headfirst straight deep behind"):
        return "verb"
    return "verb" if context.at(-1) in ("he", "she", "they", "i", "we", "it") else None


def _polish(context: WordContext) -> str | None:
    things = _words("your the my his her it off up this that shoes them")
    return (
        "name"
        if context.texts[context.place][:1].isupper() and (context.after() not in things)
        else None
    )


def _resume(context: WordContext) -> str | None:
    return "noun" if context.at(-1) in _words("my your his her their a the of updated") else None


def _does(context: WordContext) -> str | None:
    return (
        "noun"
        if context.at(-1) in ("and", "the")
        and context.before(3) & _words("bucks stags deer two three")
        else None
    )


def _adjective_before_noun(context: WordContext) -> str | None:
    before = context.at(-1)
    noun = context.after() not in _words(" to the a an that how of from it his her my in by about")
    return "adj" if before in _DETERMINERS | {"most", "more", "very"} and noun else None


def _sow(context: WordContext) -> str | None:
    return "noun" if context.at(-1) in _DETERMINERS and context.at(-1) != "that" else None


def _name_after_place_word(context: WordContext) -> str | None:
    place = context.at(-1) in _words("in at from near to via through")
    return "name" if context.capital() and place else None


def _invalid(context: WordContext) -> str | None:
    return (
        "noun"
        if context.at(-1) in ("an", "the")
        and context.after()
        in (
            "",
            "was",
            "who",
            "and",
            "in",
            "for",
            "had",
        )
        else "adj"
    )


RULES: dict[str, Rule] = {
    "read": _read,
    "lead": _lead,
    "live": _live,
    "lives": _lives,
    "close": _close,
    "wind": _wind,
    "winds": _wind,
    "wound": _wound,
    "tear": _tear,
    "tears": _tear,
    "bow": _bow,
    "bows": _bow,
    "minute": _minute,
    "content": _content,
    "bass": _bass,
    "dove": _dove,
    "polish": _polish,
    "resume": _resume,
    "does": _does,
    "learned": _adjective_before_noun,
    "aged": _adjective_before_noun,
    "blessed": _adjective_before_noun,
    "sow": _sow,
    "reading": _name_after_place_word,
    "nice": _name_after_place_word,
    "invalid": _invalid,
}
"""Word → its rule; a rule returns a sense of the lexicon, or None to leave it to noun and verb."""
