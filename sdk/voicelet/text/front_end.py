"""The whole text front end: text or SSML in, clauses of words or of phones out, lazily."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from voicelet.errors import ConfigError, TextError
from voicelet.text.foreign import ClausePhonemizer, clause_language, phonemize
from voicelet.text.items import FindOther, Known, OtherLanguage, TextOptions, text_items
from voicelet.text.language import Language
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.segment import MAX_CLAUSE_CHARS, Segmenter
from voicelet.text.ssml import looks_like_ssml
from voicelet.text.tune import Tunes
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import Clause, PhoneClause, Tone

if TYPE_CHECKING:
    from voicelet.text.detection import LanguageDetector

Ssml: TypeAlias = Literal["auto"] | bool
Pronunciations: TypeAlias = UserLexicon | Mapping[str, str] | str | Path | None

log = logging.getLogger(__name__)


class Languages(Protocol):
    """The languages that a voice speaks, as packs read them."""

    def find(self, tag: str) -> Language:
        """The language of a BCP 47 tag.

        Raises:
            ConfigError: the voice doesn't speak it, or no pack reads it.
        """
        ...

    def readable(self) -> Sequence[Language]:
        """All that the voice speaks and that can be read, the first first."""
        ...


def load_user_lexicon(source: Pronunciations) -> UserLexicon | None:
    """A user lexicon from a mapping or a file; None and lexicons pass through.

    Raises:
        LexiconError: it can't be read.
    """
    if source is None or isinstance(source, UserLexicon):
        return source
    return UserLexicon(source) if isinstance(source, Mapping) else UserLexicon.from_file(source)


def clauses(
    text: str,
    *,
    ssml: Ssml = "auto",
    user_lexicon: Pronunciations = None,
    max_clause_chars: int = MAX_CLAUSE_CHARS,
    known: Known | None = None,
    inline_phones: bool = True,
    language: Language | None = None,
    reading: Reading = PLAIN,
    find: FindOther | None = None,
    detector: LanguageDetector | None = None,
) -> Iterator[Clause]:
    """Turn text into clauses of words, lazily: the first comes in milliseconds, however long it is.

    Text that holds nothing to say (empty, white space) gives no clauses; one of a few marks alone
    is spoken by their names.

    Args:
        text: any string at all.
        ssml: read it as SSML; "auto" does so if it opens with <speak>.
        user_lexicon: the caller's pronunciations (mapping, file or UserLexicon).
        max_clause_chars: soft limit of a clause in spoken characters, at least 40.
        known: tells whether a lower-case word is in the lexicon; helps to tell a shouted word from
            an acronym.
        inline_phones: read `[[…]]` as phones; turn it off for text from elsewhere, in which such
            brackets mean something else.
        language: that the text is in; None is the default one.
        reading: what a screen reader asks for.
        find: the languages of stretches that SSML marks; without it, `language` reads them.
        detector: tells which language each sentence is in that SSML doesn't say of.

    Raises:
        TextError: `text` isn't a string.
        SsmlError: the SSML is wrong (raised before the first clause).
        PhoneError: phones given inline aren't phones.
        LexiconError: the user lexicon can't be read.
    """
    if not isinstance(text, str):
        raise TextError(f"the text must be a str, not {type(text).__name__}; decode it first")
    language = language or find_language()
    options = TextOptions(
        load_user_lexicon(user_lexicon), known, inline_phones, language, reading, find
    )
    is_ssml = ssml is True or (ssml == "auto" and looks_like_ssml(text))
    items = text_items(text, options, ssml=is_ssml, detector=detector)
    return Segmenter(max_clause_chars, language.conjunctions, language.pauses).clauses(items)


class TextFrontEnd:
    """Text or SSML → clauses of phones, ready for the acoustic model.

    Holds no state between calls: threads may share one.

    Args:
        phonemizer: gives every clause its phones.
        ssml, user_lexicon, max_clause_chars, known, inline_phones, language: as in
            :func:`clauses`.
        languages: those that stretches inside a text may be in; without them, `language` reads
            all of it.

    Raises:
        LexiconError: the user lexicon can't be read.
    """

    def __init__(
        self,
        phonemizer: ClausePhonemizer,
        *,
        ssml: Ssml = "auto",
        user_lexicon: Pronunciations = None,
        max_clause_chars: int = MAX_CLAUSE_CHARS,
        known: Known | None = None,
        inline_phones: bool = True,
        language: Language | None = None,
        languages: Languages | None = None,
    ) -> None:
        self._language = language or find_language()
        self._languages = languages
        self._detector: LanguageDetector | None = None
        self._root = self
        self._unread: set[str] = set()
        self._phonemizer = phonemizer
        self._ssml: Ssml = ssml
        self._lexicon = load_user_lexicon(user_lexicon)
        self._max_clause_chars = max_clause_chars
        self._in_lexicon = known
        self._inline_phones = inline_phones
        self._others: dict[str, TextFrontEnd] = {}

    def clauses(
        self,
        text: str,
        *,
        ssml: Ssml | None = None,
        reading: Reading = PLAIN,
        detect: bool = False,
        strict: bool = False,
    ) -> Iterator[PhoneClause]:
        """Yield the clauses of `text` as phones, lazily.

        A clause whose `phones` are empty is only a pause or a place for SSML marks.

        Args:
            text: any string at all.
            ssml: overrides the setting of the front end.
            reading: what a screen reader asks for.
            detect: find out which of the voice's languages each sentence is in.
            strict: raise where SSML names a language that the voice doesn't speak; else such a
                stretch is read in the language of the text, with one warning in the log.

        Raises:
            TextError, SsmlError, PhoneError: as in :func:`clauses`.
            ConfigError: with `strict`, a language is missing.
        """
        found = self.with_words(text, ssml=ssml, reading=reading, detect=detect, strict=strict)
        return (phone_clause for _, phone_clause in found)

    def with_words(
        self,
        text: str,
        *,
        ssml: Ssml | None = None,
        reading: Reading = PLAIN,
        detect: bool = False,
        strict: bool = False,
    ) -> Iterator[tuple[Clause, PhoneClause]]:
        """As :meth:`clauses`, each with the words that it was made of."""
        word_clauses = clauses(
            text,
            ssml=self._ssml if ssml is None else ssml,
            user_lexicon=self._lexicon,
            max_clause_chars=self._max_clause_chars,
            known=self._in_lexicon,
            inline_phones=self._inline_phones,
            language=self._language,
            reading=reading,
            find=None if self._languages is None else partial(self._find_other, strict),
            detector=self._detecting() if detect else None,
        )
        return self._phonemized_all(word_clauses, reading)

    def _phonemized_all(
        self, word_clauses: Iterator[Clause], reading: Reading
    ) -> Iterator[tuple[Clause, PhoneClause]]:
        tunes: dict[str, Tunes] = {}
        for clause in word_clauses:
            tag = clause_language(clause)
            if tag not in tunes:
                tunes[tag] = Tunes(self.reader_of(tag).language.melody)
            phone_clause = tunes[tag](clause, self._phonemized(clause))
            if reading.capitals == "pitch":
                raised = (Tone("capital", w.start, w.end) for w in phone_clause.words if w.capital)
                phone_clause = replace(phone_clause, tones=(*phone_clause.tones, *raised))
            yield clause, phone_clause

    def in_language(self, tag: str) -> TextFrontEnd:
        """One that reads another language, or another variety of this one ("en-GB" for "en").

        Made once; this one where it reads that itself, or its phonemizer knows one language only.

        Args:
            tag: BCP 47.

        Raises:
            ConfigError: voicelet can't read the language.
        """
        root = self._root
        find = find_language if self._languages is None else self._languages.find
        language = find(tag)
        if language.tag == root.language.tag or not isinstance(root.phonemizer, Phonemizer):
            return root
        if language.tag not in root._others:
            phonemizer = root.phonemizer.in_language(language)
            other = TextFrontEnd(
                phonemizer,
                ssml=self._ssml,
                user_lexicon=self._lexicon,
                max_clause_chars=self._max_clause_chars,
                known=None if root._in_lexicon is None else phonemizer.knows,
                inline_phones=self._inline_phones,
                language=language,
                languages=self._languages,
            )
            other._root = root
            root._others[language.tag] = other
        return root._others[language.tag]

    def reader_of(self, tag: str) -> TextFrontEnd:
        """The front end of a word's language (`Word.language`)."""
        return self._root._others.get(tag, self._root) if tag else self

    def _find_other(self, strict: bool, tag: str) -> OtherLanguage | None:
        """The language of a stretch; None where it is that of the text, or is missing."""
        own, wanted = self._language.tag.lower(), tag.lower()
        if own == wanted or own.startswith(f"{wanted}-"):
            return None
        try:
            other = self.in_language(tag)
        except ConfigError as error:
            if strict:
                raise
            if wanted not in self._unread:
                self._unread.add(wanted)
                log.warning("%s; it is read as %r instead", error, self._language.tag)
            return None
        if other is self:
            return None
        return OtherLanguage(other.language, other._in_lexicon)

    def _detecting(self) -> LanguageDetector:
        if self._detector is None:
            from voicelet.text.detection import LanguageDetector  # few texts ask for it

            own = self._language
            known = () if self._languages is None else self._languages.readable()
            others = {x.tag: x for x in known if x.tag.split("-")[0] != own.tag.split("-")[0]}
            self._detector = LanguageDetector({own.tag: own, **others})
        return self._detector

    @property
    def language(self) -> Language:
        """What it reads."""
        return self._language

    @property
    def phonemizer(self) -> ClausePhonemizer:
        """What gives clauses their phones."""
        return self._phonemizer

    @property
    def user_lexicon(self) -> UserLexicon | None:
        """The caller's pronunciations."""
        return self._lexicon

    def _phonemized(self, clause: Clause) -> PhoneClause:
        if clause.tokens:
            return phonemize(clause, self._phonemizer, lambda tag: self.reader_of(tag).phonemizer)
        return PhoneClause(
            "",
            pause_after_ms=clause.pause_after_ms,
            prosody=clause.prosody,
            marks=clause.marks,
            sentence_end=clause.sentence_end,
            pause_is_fixed=clause.pause_is_fixed,
        )
