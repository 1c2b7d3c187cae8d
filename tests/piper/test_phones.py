from __future__ import annotations

import numpy as np
import pytest

from voicelet.errors import PhoneError
from voicelet.piper.phones import PiperPhones
from voicelet.text.phones import ENGLISH_SYMBOLS

_SYMBOLS = "_^$ !,.:;?abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒθᵻˈˌː"
ID_MAP = {symbol: [index] for index, symbol in enumerate(_SYMBOLS)}


def spelled(phones: str) -> str:
    ids = PiperPhones(ID_MAP).encode(phones).ids
    return "".join(_SYMBOLS[i] for i in ids if i != 0)


@pytest.mark.parametrize(
    ("ours", "piper"),
    [
        ("həlˈO wˈɜɹld.", "^həlˈoʊ wˈɜːld.$"),
        ("bˈɛTəɹ", "^bˈɛɾɚ$"),
        ("bˈɛTəɹ ˈɪf", "^bˈɛɾɚ ˈɪf$"),
        ("əɹˈWnd", "^əɹˈaʊnd$"),
        ("ʧˈɜɹʧ, ʤˈʌʤ", "^tʃˈɜːtʃ, dʒˈʌdʒ$"),
        ("sˈi fˈɑðəɹ kˈɔt jˈu hˈæpi", "^sˈiː fˈɑːðɚ kˈɔːt jˈuː hˈæpi$"),
        ("bˈY (nˈW)", "^bˈɔɪ nˈaʊ$"),
        ("hˈɜɹi, bˈɜɹd", "^hˈɜːɹi, bˈɜːd$"),
        ("ə ʃi ən hi ju θɹu", "^ɐ ʃiː ɐn hiː juː θɹuː$"),
        ("lˈɔŋ ˌɔn sˈɔlt lˈɔ wˈɔTəɹ mˈɔɹ", "^lˈɔŋ ˌɔn sˈɔlt lˈɔː wˈɔːɾɚ mˈɔːɹ$"),
        ("jˈuʒuəli θˈiəTəɹ hˈæpi", "^jˈuːʒuːəli θˈiəɾɚ hˈæpi$"),
    ],
)
def test_phones_become_the_ipa_piper_voices_know(ours: str, piper: str) -> None:
    assert spelled(ours) == piper


def test_every_id_has_an_owner_and_owners_never_go_back() -> None:
    phones = "ðə bˈɜɹd sˈɛd: ˈI nˈO…"
    given = PiperPhones(ID_MAP).encode(phones)
    assert given.ids.dtype == given.owner.dtype == np.int64
    assert len(given.ids) == len(given.owner)
    assert (np.diff(given.owner) >= 0).all()
    assert given.owner[0] == 0
    assert given.owner[-1] == len(phones) + 1
    # The diphthong of "no" owns two phonemes, each with the pad behind it.
    diphthong = phones.rindex("O") + 1
    assert [_SYMBOLS[i] for i in given.ids[given.owner == diphthong]] == ["o", "_", "ʊ", "_"]
    assert (given.ids[1:-1:2] == 0).all()


def test_every_symbol_of_the_inventory_is_taken() -> None:
    spoken = PiperPhones(ID_MAP).encode(ENGLISH_SYMBOLS[1:])
    assert spoken.owner[-1] == len(ENGLISH_SYMBOLS)


def test_a_map_without_its_marks_is_refused() -> None:
    with pytest.raises(PhoneError, match=r"\^"):
        PiperPhones({"_": [0], "$": [2]})
