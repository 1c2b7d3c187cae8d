"""What English's pack says of words: readings of homographs, names, endings, groups."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voicelet.text.front_end import TextFrontEnd
from voicelet.text.g2p import NeuralG2P
from voicelet.text.lexicon import Lexicon
from voicelet.text.pack.entry import parse_entry
from voicelet.text.pack.lexicon import read_words
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import CONSONANTS, STRESS, VOWELS, PhoneInventory

ROOT = Path(__file__).parents[3]
PACK = ROOT / "sdk/voicelet/languages/en"
VOICE = ROOT / "sdk/voicelet/voices/default"

HOMOGRAPHS = """
abstract abuse abuses addict advocate affect affiliate aged aggregate alternate analyses animate
appropriate approximate articulate associate attribute august:3 axes bass blessed bologna bow buffet
celtic close combine compact compound compress conduct confines conflict conglomerate conjugate
conscript console consort construct consummate content contest contract contrast converse convert
convict coordinate correlate decrease defect degenerate delegate deliberate desert deviate diagnoses
diffuse discard discharge discount document dove duplicate elaborate entrance escort estimate excuse
expatriate exploit export expose extract fragment frequent graduate house impact implant implement
import incense incline increase increment initiate insert instrument insult interchange intimate
intrigue invalid invert invite isolate jesus job laminate lead learned live lives mate minute misuse
mobile:3 moderate moped mouth nestle object ornament overthrow pasty perfect perfume permit pervert
pigment polish postulate precipitate predicate present produce progress project protest ravel
reading read rebel record recount refund refuse reject rerelease resume retard rodeo row sake
separate sow subject subordinate supplement suspect syndicate tear transform transplant transport
upset uses use wind winds wound
"""
"""The homographs of WikipediaHomographData; how many readings, where not two."""


@pytest.fixture(scope="module")
def phonemizer() -> Phonemizer:
    lexicon = Lexicon.open(VOICE / "lexicon.bin")
    return Phonemizer(lexicon, NeuralG2P(VOICE / "g2p.onnx"), PhoneInventory())


@pytest.fixture(scope="module")
def readings() -> dict[str, set[str]]:
    """Word → its pronunciations in the pack and the bundle, in whatever sense."""
    found: dict[str, set[str]] = {}
    bundle = dict(Lexicon.open(VOICE / "lexicon.bin"))
    for key, phones in {**bundle, **read_words(PACK / "lexicon.tsv")}.items():
        found.setdefault(key.partition("|")[0], set()).add(phones)
    return found


def test_every_homograph_has_all_its_readings(readings: dict[str, set[str]]) -> None:
    lacking = []
    total = 0
    for item in HOMOGRAPHS.split():
        word, _, count = item.partition(":")
        total += int(count or 2)
        if len(readings.get(word, ())) < int(count or 2):
            lacking.append(word)
    assert (total, lacking) == (326, [])


@pytest.mark.parametrize(
    ("key", "phones"),
    [
        ("abuses|noun", "əbjˈusᵻz"),
        ("abuses|verb", "əbjˈuzᵻz"),
        ("aggregate|noun", "ˈæɡɹɪɡət"),
        ("aggregate|verb", "ˈæɡɹɪɡˌAt"),
        ("degenerate|adj", "dᵻʤˈɛnəɹɹət"),
        ("degenerate|verb", "dᵻʤˈɛnəɹɹˌAt"),
        ("row|quarrel", "ɹˈW"),
        ("celtic|sport", "sˈɛltɪk"),
        ("grace", "ɡɹˈAs"),
    ],
)
def test_faults_of_the_lexicon_are_mended(phonemizer: Phonemizer, key: str, phones: str) -> None:
    assert phonemizer.look_up(key) == phones


def test_word_lists_are_sound(readings: dict[str, set[str]]) -> None:
    symbols = frozenset(STRESS + CONSONANTS + VOWELS)
    hand, names = read_words(PACK / "lexicon.tsv"), read_words(PACK / "names.tsv")
    assert len(names) > 3_800 and len(hand) > 500
    assert not set(hand) & set(names)
    for key, phones in (hand | names).items():
        entry = parse_entry(phones)
        assert not set(entry.phones) - symbols and not entry.latent, key
        assert entry.phones.count("ˈ") <= 1, key
        assert not re.search(f"[{STRESS}](?![{VOWELS}])", entry.phones), key
        assert entry.classes == ({"name"} if key in names else set()), key
        assert re.fullmatch(r"[^\W\d_]+(?:['’][^\W\d_]+)*(?:\|[a-z]+)?", key), key


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Siobhan", "ʃᵻvˈɔn"), ("Siobhán", "ʃᵻvˈɔn"), ("Joaquin", "wɑkˈin"),
        ("Nguyen's", "wˈɪnz"), ("Des Moines", "dəmˈYn"), ("San Jose", "sˌæn hOzˈA"),
        ("Garcia", "ɡɑɹsˈiə"), ("Juan", "wˈɑn"), ("José", "hOzˈA"), ("Jose", "hOzˈA"),
        ("Sean", "ʃˈɔn"), ("Niamh", "nˈiv"), ("résumé", "ɹˈɛzumˌA"), ("Kevin", "kˈɛvɪn"),
        ("Nicole's", "nɪkˈOlz"),
        ("Simon", "sˈImən"), ("canoed", "kænˈud"), ("to resume", "tə ɹᵻzˈum"),
        ("exposé", "ˌɛkspOzˈA"), ("expose", "ɛkspˈOz"), ("Nestlé", "nˈɛsli"),
        ("coup de grâce", "kˌudə ɡɹˈɑ"), ("Coleman", "kˈOlmən"), ("McCormick", "məkˈɔɹmɪk"),
        ("abused", "əbjˈuzd"), ("objected", "əbʤˈɛktᵻd"), ("housing", "hˈWzɪŋ"),
        ("Herrera's", "əɹɹˈɛɹəz"),
    ],
)  # fmt: skip
def test_names_and_accents(phonemizer: Phonemizer, text: str, phones: str) -> None:
    front = TextFrontEnd(phonemizer, ssml=False, known=phonemizer.knows)
    (clause,) = front.clauses(text)
    assert clause.phones.rstrip(".") == phones


def test_the_pack_is_read_only_where_the_voice_can_say_it(phonemizer: Phonemizer) -> None:
    symbols = "".join(c for c in PhoneInventory().symbols if c != "ʃ")
    bundle = Lexicon.open(VOICE / "lexicon.bin")
    assert phonemizer.look_up("siobhan") == "ʃᵻvˈɔn"
    lexicon = Lexicon((VOICE / "lexicon.bin").read_bytes())
    lexicon.symbols = lexicon.symbols.replace("ʃ", "s")
    narrow = Phonemizer(lexicon, None, PhoneInventory(symbols))
    assert narrow.look_up("siobhan") is None
    assert narrow.look_up("garcia") == "ɡɑɹsˈiə" and bundle.get("garcia") is None


@pytest.mark.parametrize(
    ("word", "phones"),
    [("dogs'", "dˈɔɡz"), ("boss'", "bˈɔs"), ("recording", "ɹᵻkˈɔɹdɪŋ"), ("wˈ", None), ("'s", None)],
)
def test_endings(word: str, phones: str | None) -> None:
    stems = {"dog": "dˈɔɡ", "boss": "bˈɔs", "record": "ɹˈɛkəɹd", "record|verb": "ɹᵻkˈɔɹd"}
    assert find_language("en").pronunciation.inflected(word, stems.get, ()) == phones


def test_an_ending_takes_the_sense_that_is_asked_for() -> None:
    inflected = find_language("en").pronunciation.inflected
    stems = {"permit": "pəɹmˈɪt", "permit|noun": "pˈɜɹmɪt"}
    assert inflected("permits", stems.get, ("noun",)) == "pˈɜɹmɪts"
    assert inflected("permits", stems.get, ("verb",)) == "pəɹmˈɪts"
    assert inflected("permits", stems.get, ()) == "pəɹmˈɪts"
