"""How English function words join, weaken and strengthen inside a phrase.

The rules and tables are those the training corpus follows (measured over its 3,195 different
texts), for the acoustic model learnt its rhythm from them: "of the" is one group, "to" is tʊ before
a vowel, "on" carries the phrase stress only at its end.
"""

from __future__ import annotations

from voicelet.text.phones import starts_with_vowel, strengthened


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG_AT_TAIL = _words(
    "about above across became become behind before beneath besides between beyond do doing done"
    " down get gets getting go goes going gone got have made make makes making near on onto over so"
    " there through up within without"
)
"""Take a full stress where no stressed word follows in the phrase ("get it", "go on")."""

STRONG_AT_END = _words(
    "a be by can could couldn't did does has how i isn't might mightn't must not shall should that"
    " these this those what when where which who whose why will would wouldn't"
)
"""Take a full stress as the last word of a phrase."""

AT_END = {"had": "hˌæd", "has": "hˈæz", "to": "tu", "one": "wˌʌn", "a": "ˈA"}
"""Forms at the end of a phrase that no rule gives."""

CLITICS: dict[tuple[str, ...], str] = {
    tuple(words.split()): phones
    for words, phones in {
        "of the": "ʌv|ðə",
        "of a": "əv|ə",
        "of an": "əv|ən",
        "of which": "ʌv|wˈɪʧ",
        "in the": "ɪn|ðə",
        "in which": "ɪn|wˌɪʧ",
        "for the": "fəɹ|ðə",
        "for a": "fəɹɹ|ə",
        "for an": "fəɹɹ|ən",
        "for one": "fɔɹ|wˈʌn",
        "on the": "ɔn|ðə",
        "with the": "wɪð|ðə",
        "from the": "fɹʌm|ðə",
        "that the": "ðæt|ðə",
        "that it": "ðˌəT|ɪt",
        "that a": "ðˌæT|ə",
        "than a": "ðˌæn|ə",
        "than an": "ðˌæn|ən",
        "to be": "tə|bi",
        "i am": "I|əm",
        "was a": "wʌz|ə",
        "was the": "wʌz|ðə",
        "had been": "həd|bɪn",
        "has been": "hˈæz|bin",
        "have been": "həv|bɪn",
        "had to": "hæd|tə",
        "did not": "dɪd|nˌɑt",
        "do not": "du|nˌɑt",
        "does not": "dʌz|nˌɑt",
        "have not": "həv|nˌɑt",
        "has not": "həz|nɑt",
        "not a": "nˌɑT|ə",
        "not have to": "nˌɑt|hæv|tə",
        "not have": "nˌɑT|əv",
        "there was": "ðɛɹ|wˌʌz",
        "there are": "ðɛɹ|ˌɑɹ",
        "there were": "ðɛɹ|wˌɜɹ",
        "at a": "æT|ə",
        "at once": "ət|wˈʌns",
        "out of": "ˌWT|əv",
        "many of": "mˈɛni|əv",
        "would have to": "wʊd|hˌæv|tə",
        "would have": "wʊd|həv",
        "could have": "kˌʊd|əv",
        "should have": "ʃˌʊd|əv",
        "may have": "mˌA|həv",
        "might have": "mˌIt|həv",
        "must have": "mˈʌst|əv",
        "can't have": "kˈænt|əv",
        "couldn't have": "kˌʊdənt|əv",
        "wouldn't have": "wˌʊdənt|əv",
        "shouldn't have": "ʃˌʊdənt|əv",
        "i've had": "Iv|hˌæd",
        "we've had": "wiv|hˌæd",
        "you've had": "juv|hˌæd",
        "they've had": "ðAv|hˌæd",
        "no one": "nˈO|wˈʌn",
        "no more": "nˈO|mˌɔɹ",
        "far more": "fˈɑɹ|mˌɔɹ",
        "this one": "ðˈɪs|wˌʌn",
    }.items()
}
"""Words that the corpus says as one group, without a space; a bar parts the words."""

LONGEST_CLITIC = max(len(words) for words in CLITICS)

TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
UNITS = _words(
    "one two three four five six seven eight nine first second third fourth fifth sixth seventh"
    " eighth ninth"
)
"""A ten and its unit are one group: sˈɪkstiθɹˈi."""


def in_phrase(words: list[str], position: int, phones: str, stressed_after: bool) -> str:
    """The form a single word takes at its place in a phrase (a stretch without punctuation).

    Args:
        words: the phrase's words, lower case.
        position: which of them.
        phones: its form in the lexicon.
        stressed_after: whether a word with a primary stress follows in the phrase.
    """
    word = words[position]
    before = words[position - 1] if position else ""
    if position == len(words) - 1:
        if word in AT_END and (word != "one" or position):
            return AT_END[word]
        if word in STRONG_AT_END or word in STRONG_AT_TAIL:
            return strengthened(phones)
    elif not stressed_after and word in STRONG_AT_TAIL:
        return strengthened(phones)
    if before == "such" and word == "as":
        return "əz"
    if word == "much" and before in ("so", "too"):
        return "mˌʌʧ" if before == "so" else "mʌʧ"
    if word == "so" and words[position + 1 : position + 2] in (["far"], ["much"]):
        return "sˈO"
    if word in ("when", "what") and position:
        return phones.replace("ˌ", "")
    if before == "twenty" and word == "one":
        return "wˌʌn"
    return phones


def joined(before: str, word: str) -> bool:
    """Whether `word` is the unit of the ten before it."""
    return word in UNITS and before in TENS


def linked(word: str, phones: str, following: str) -> str:
    """How a word's end adapts to the phones of the next word of its phrase."""
    if not starts_with_vowel(following):
        return phones
    if word == "to":
        return "tʊ"
    if phones.endswith("ðə"):
        return phones[:-1] + "ɪ"
    if word in ("it", "at"):
        return phones[:-1] + "T" if phones.endswith("t") else phones
    return phones + "ɹ" if phones.endswith("əɹ") else phones
