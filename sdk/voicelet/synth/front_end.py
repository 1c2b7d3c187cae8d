"""The text front end of a bundle."""

from __future__ import annotations

from voicelet.bundle import Bundle
from voicelet.text.frontend import Pronunciations, TextFrontEnd
from voicelet.text.g2p import NeuralG2P
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemise import Phonemiser
from voicelet.text.phones import PhoneInventory


def open_front_end(bundle: Bundle, user_lexicon: Pronunciations = None) -> TextFrontEnd:
    """Open a bundle's lexicon and build the front end on it.

    The letter-to-sound graph is opened at the first word that the lexicon lacks; without one in the
    bundle such words are spelled.

    Args:
        user_lexicon: the caller's pronunciations, which go before the bundle's.

    Raises:
        BundleError: the bundle has no lexicon.
        LexiconError: the user lexicon can't be read.
    """
    lexicon = Lexicon.open(bundle.data_path("lexicon"))
    inventory = PhoneInventory(bundle.manifest.phones)
    g2p = NeuralG2P(bundle.graph_path("g2p")[0]) if "g2p" in bundle.manifest.graphs else None
    phonemiser = Phonemiser(lexicon, g2p, inventory)
    return TextFrontEnd(phonemiser, user_lexicon=user_lexicon, known=phonemiser.knows)
