"""The letter-to-sound model of the bundle: decoding, hostile words, errors."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from voicelet.errors import BundleError
from voicelet.text.g2p import (
    FINAL,
    G2PLabels,
    NeuralG2P,
    decode_units,
    encode_letters,
    known_letters,
)
from voicelet.text.phones import VOWELS, PhoneInventory

SHIPPED = Path(__file__).parents[2] / "sdk/voicelet/voices/default/g2p.onnx"


@pytest.fixture(scope="module")
def g2p() -> NeuralG2P:
    return NeuralG2P(SHIPPED)


def test_letters() -> None:
    assert encode_letters("ab'z").tolist() == [0, 1, 2, 27, 26, 0]
    assert encode_letters("é!").tolist() == [0, 0]


def test_greedy_ctc_merges_repeats_and_drops_blanks() -> None:
    units = ("", "k", "ˈæ", "ˈi", "t", "ˌi", "i")
    frames = [1, 1, 0, 2, 2, 4, 0, 4, 6]
    logits = np.eye(7, dtype=np.float32)[frames]
    assert decode_units(logits, units) == "kˈætti"
    assert decode_units(np.zeros((0, 7), np.float32), units) == ""


@pytest.mark.parametrize(
    ("a", "i", "expected"),
    [
        # scores of (plain, primary, secondary) for each vowel
        ((0, 9, 0), (0, 8, 5), "kˈætˌi"),
        ((0, 8, 5), (0, 9, 0), "kˌætˈi"),
        ((5, 1, 0), (5, 3, 0), "kætˈi"),
        ((0, 1, 5), (5, 0, 0), "kˈæti"),
    ],
)
def test_a_word_has_one_primary_stress(
    a: tuple[int, ...], i: tuple[int, ...], expected: str
) -> None:
    units = ("", "k", "t", "æ", "ˈæ", "ˌæ", "i", "ˈi", "ˌi")
    logits = np.full((4, len(units)), -9.0, np.float32)
    logits[0, 1] = logits[2, 2] = 9
    logits[1, 3:6], logits[3, 6:9] = a, i
    assert decode_units(logits, units) == expected


def test_a_nasal_or_long_vowel_is_one_unit() -> None:
    units = ("", "b", "ɑ\u0303", "ˈɑ\u0303", "ˌɑ\u0303", "aː", "ˈaː", "ˌaː", "tː")
    logits = np.full((4, len(units)), -9.0, np.float32)
    logits[0, 1] = logits[2, 8] = 9
    logits[1, 2:5], logits[3, 5:8] = (0, 9, 0), (0, 8, 5)
    assert decode_units(logits, units) == "bˈɑ\u0303tːˌaː"


@pytest.mark.parametrize(
    ("frames", "expected"),
    [("pəti", "pətˈi"), ("tablə", "tˈablə"), ("lə", "lˈə"), ("ps", "ps"), ("mamɛ", "mamˈɛ")],
)
def test_stress_on_the_last_full_vowel(frames: str, expected: str) -> None:
    units = ("", *dict.fromkeys("pətiablsmɛ"), "ˈi")
    logits = np.eye(len(units), dtype=np.float32)[[units.index(phone) for phone in frames]]
    assert decode_units(logits, units, FINAL) == expected


def test_a_graph_may_name_its_letters() -> None:
    labels = G2PLabels(("", "e", "ɛ"), "aeéèç", FINAL)
    assert G2PLabels.of_metadata(labels.metadata()) == labels
    assert G2PLabels.of_metadata({"units": '["", "a"]'}) == G2PLabels(("", "a"))
    assert set(G2PLabels(("", "a")).metadata()) == {"units"}
    assert encode_letters("éçe", labels.letters).tolist() == [0, 3, 5, 2, 0]
    assert known_letters("E\u0301ê-ñÇ", labels.letters) == "éeç"
    for letters, stress in (("", FINAL), ("aa", FINAL), ("ab", "first")):
        with pytest.raises(BundleError, match="letter-to-sound"):
            G2PLabels(("", "a"), letters, stress)


def test_words_no_dictionary_has(g2p: NeuralG2P) -> None:
    """Regular made-up words; a share, for a model may be wrong about any one."""
    expected = {
        "blick": "blˈɪk",
        "snarfing": "snˈɑɹfɪŋ",
        "plimmer": "plˈɪməɹ",
        "gaddle": "ɡˈædəl",
        "trobe": "tɹˈOb",
        "frazelation": "fɹˌæzəlˈAʃən",
        "dreeming": "dɹˈimɪŋ",
        "stappy": "stˈæpi",
    }
    right = sum(g2p.phones(word) == phones for word, phones in expected.items())
    assert right >= 6, {word: g2p.phones(word) for word in expected}


def test_any_word_gives_inventory_phones(g2p: NeuralG2P) -> None:
    inventory = PhoneInventory()
    words = ["a", "zzz", "x" * 39, "qqqqqqqaqqqq", "'", "don't", "supercalifragilistic", "AEIOU"]
    for word in [*words, "antidisestablishment" * 20, "ab" * 500]:
        phones = g2p.phones(word)
        inventory.encode(phones)
        assert phones.count("ˈ") <= len(word) // 40 + 1
        if any(phone in VOWELS for phone in phones):
            assert "ˈ" in phones
    assert g2p.phones("漢字") == ""
    assert g2p.phones("") == ""


def test_threads_share_one_model() -> None:
    g2p = NeuralG2P(SHIPPED)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(g2p.phones("plimmer"))) for _ in "1234"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4 and len(set(said)) == 1


def test_a_broken_graph_is_told(tmp_path: Path) -> None:
    whole = SHIPPED.read_bytes()
    for name, data in {"cut": whole[: len(whole) // 2], "junk": b"junk", "none": b""}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(BundleError, match="install the voice again"):
            NeuralG2P(path).phones("word")
    with pytest.raises(BundleError):
        NeuralG2P(tmp_path / "missing").phones("word")
