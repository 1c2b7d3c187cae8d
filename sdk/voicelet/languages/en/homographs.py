"""Words that are spelled alike but pronounced in two ways; the words around them decide which.

Most English homographs are a noun or adjective said one way and a verb said another (REcord,
reCORD; CLOSE, cloZe): their lexicon entries carry senses (`record|verb`), and the words around tell
which is meant, much as a bigram tagger would.  The few whose readings differ otherwise (read, lead,
wind, bass) have their own rules in `voicelet.languages.en.homograph_rules`.
Nothing here knows a pronunciation.
"""

from __future__ import annotations

from collections.abc import Sequence

from voicelet.languages.en.homograph_rules import RULES, WordContext


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODALS = _words(
    "will would can could shall should may might must cannot don't doesn't didn't won't wouldn't"
    " can't couldn't shouldn't mustn't needn't shan't let's please i'll you'll he'll she'll it'll"
    " we'll they'll i'd you'd we'd they'd did do does help helps let lets make makes made"
)
SUBJECTS = _words("i you we they who people")
SINGULAR_SUBJECTS = _words("he she it who which someone everyone everybody somebody nobody one")
DETERMINERS = _words(
    "a an the this that these those my your his her its our their whose no any some every each"
    " another both either neither all several many few most more such what which one two three four"
    " five six seven eight nine ten hundred thousand first second third last next other same new"
    " old good bad great big small long short high low full whole own only main early late young"
    " strong clear recent free public private political daily weekly monthly annual world criminal"
    " broken blank dry hot cold fresh heavy light modern lost formal direct"
)
PREPOSITIONS = _words(
    "of in on at by for with from under without per into about between against during after before"
    " over through than like as via upon within off beyond"
)
BE = _words(
    "is are was were be been being am i'm he's she's it's that's we're they're you're isn't aren't"
    " wasn't weren't feel feels felt seem seems seemed look looks looked become became remain"
    " remains remained"
)
HAVE = _words("have has had having i've you've we've they've hadn't haven't hasn't")
OBJECTS = _words(
    "the a an my your his her its our their it them him us me this these those everything something"
    " anything anyone someone everyone yourself myself himself herself itself themselves ourselves"
)
FINITE = _words("is are was were has had have will would can could should may might must do does")
ADVERBS = _words(
    "not never always also often even just still then only really ever usually soon now already"
    " further sometimes rarely seldom again better quickly"
)
NOUN_AFTER_TO = _words(
    "according due access thanks next addition response opposed relation back went goes came moved"
    " travelled traveled returned led leads"
)
PLURAL_MODIFIERS = _words("sports sales news arms goods customs savings this his its us was is as")
ADJECTIVE_ENDINGS = ("al", "ous", "ful", "ive", "ic", "able", "ible", "ary", "less", "ish")
DETERMINERS_THEN_VERB = _words("that which who what all")


def sense_of(keys: Sequence[str], place: int, texts: Sequence[str]) -> tuple[str, ...]:
    """Senses of the word at `place` to ask the lexicon for, in turn; none to take its usual one.

    Args:
        keys: the clause's words in lower case.
        place: which of them.
        texts: the same words as they were written, for capitals.
    """
    word = keys[place]
    context = WordContext(keys, place, texts)
    rule = RULES.get(word)
    if rule is not None and (sense := rule(context)) is not None:
        return (sense,)
    if len(word) < 3:
        return ()
    score = verb_score(context)
    if score > 0:
        return ("verb",)
    if score < 0:
        # Words in -ate are adjectives where they aren't verbs, and sound like the noun.
        return ("noun", "adj") if word.endswith(("ate", "ates", "use")) else ("noun",)
    return ()


def _plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us")) and word not in PLURAL_MODIFIERS


def verb_score(context: WordContext) -> int:
    """Above zero where the word is likely a verb, below where it is likely a noun or adjective."""
    before, earlier = context.before_adverbs(ADVERBS)
    after = context.after()
    singular = context.word.endswith("s") and not context.word.endswith("ss")
    score = 0
    if before == "to":
        score += -2 if earlier in NOUN_AFTER_TO and after not in OBJECTS else 4
    elif before in MODALS and not (before in ("made", "make", "makes") and after not in OBJECTS):
        score += 4 if before not in ("do", "does", "did") or after in OBJECTS else 2
    elif before in BE or before in HAVE:
        score -= 3
    elif before in DETERMINERS or before.endswith("'s") or before.endswith(ADJECTIVE_ENDINGS):
        score -= 1 if before in DETERMINERS_THEN_VERB else 4
    elif before in PREPOSITIONS:
        score -= 3
    elif before in (SINGULAR_SUBJECTS if singular else SUBJECTS):
        score += 3
    elif before in ("and", "or", "but") and context.verb_in_parallel(MODALS | {"to"} | SUBJECTS):
        score += 2
    elif not before and after in OBJECTS and not singular:
        score += 3  # a command
    elif _plural(before) and not singular and earlier not in SINGULAR_SUBJECTS:
        score += 1  # "the machines produce a", "banks close early"
    if after in OBJECTS:
        score += 2
    elif after == "of" or after in FINITE:
        score -= 2
    elif not after and score == 0:
        score -= 1
    return score
