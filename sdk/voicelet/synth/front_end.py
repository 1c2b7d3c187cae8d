"""The text front end of a bundle."""

from __future__ import annotations

from voicelet.bundle import Bundle
from voicelet.text.frontend import Pronunciations, TextFrontEnd
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemise import LetterToSound, Phonemiser
from voicelet.text.phones import PhoneInventory


def open_front_end(
    bundle: Bundle, letter_to_sound: LetterToSound | None, user_lexicon: Pronunciations = None
) -> TextFrontEnd:
    """Open a bundle's lexicon and build the front end on it.

    Args:
        letter_to_sound: for words that the lexicon lacks; without it they are spelled.
        user_lexicon: the caller's pronunciations, which go before the bundle's.

    Raises:
        BundleError: the bundle has no lexicon.
        LexiconError: the user lexicon can't be read.
    """
    lexicon = Lexicon.open(bundle.data_path("lexicon"))
    inventory = PhoneInventory(bundle.manifest.phones)
    return TextFrontEnd(
        Phonemiser(lexicon, letter_to_sound, inventory),
        user_lexicon=user_lexicon,
        known=lambda word: lexicon.get(word) is not None,
    )
