"""The phonemes of a voice as its callers write them, when voicelet's own front end doesn't."""

from __future__ import annotations

import unicodedata

import numpy as np

from voicelet.errors import PhoneError
from voicelet.piper.config import PiperConfig
from voicelet.piper.phones import BEGIN, END, PAD, PiperIds, PiperPhones
from voicelet.text.phones import ENGLISH_SYMBOLS


class EnglishSymbols:
    """voicelet's phones, and the voice's own IPA where a caller writes it.

    Args:
        config: of an English voice.
    """

    def __init__(self, config: PiperConfig) -> None:
        self._phones = PiperPhones(config.id_map)
        self._known = set(ENGLISH_SYMBOLS[1:]) | set(config.id_map)

    def encode(self, phones: str) -> PiperIds:
        """Map phones; see `voicelet.piper.phones.PiperPhones.encode`.

        Raises:
            PhoneError: a symbol is neither voicelet's nor the voice's.
        """
        for phone in phones:
            if phone not in self._known:
                raise PhoneError(
                    f"{phone!r} is not a phone of this voice; it knows {ENGLISH_SYMBOLS[1:]}"
                )
        return self._phones.encode(phones)


class OwnSymbols:
    """The voice's phonemes, one code point each: IPA as eSpeak writes it, or characters.

    Args:
        config: of any voice.
    """

    def __init__(self, config: PiperConfig) -> None:
        self._ids = config.id_map
        self._is_text = config.phoneme_type == "text"
        PiperPhones(config.id_map)  # checks that the map has begin, end and pad

    def encode(self, phones: str) -> PiperIds:
        """Map phonemes; a character that a "text" voice lacks is tried in lower case.

        Raises:
            PhoneError: the voice lacks a phoneme.
        """
        pad = self._ids[PAD]
        ids, owner = [*self._ids[BEGIN], *pad], [0] * (len(self._ids[BEGIN]) + len(pad))
        for token, written in enumerate(phones, start=1):
            # Characters are separated from their accents, as in the voice's training.
            for symbol in unicodedata.normalize("NFD", written) if self._is_text else written:
                id_list = self._ids.get(symbol) or self._ids.get(symbol.lower())
                if id_list is None:
                    if self._is_text:
                        continue
                    known = "".join(s for s in self._ids if s not in (PAD, BEGIN, END))
                    raise PhoneError(f"{symbol!r} is not a phoneme of this voice; it knows {known}")
                ids += [*id_list, *pad]
                owner += [token] * (len(id_list) + len(pad))
        ids += self._ids[END]
        owner += [len(phones) + 1] * len(self._ids[END])
        return PiperIds(np.array(ids, np.int64), np.array(owner, np.int64))


def open_symbols(config: PiperConfig) -> EnglishSymbols | OwnSymbols:
    """How phones of a voice become ids.

    Raises:
        PhoneError: the voice's map lacks pad, begin or end.
    """
    return EnglishSymbols(config) if config.is_english else OwnSymbols(config)
