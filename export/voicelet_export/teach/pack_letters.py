"""The letter-to-sound graph and the lexicon of a language pack, from words that a phonemizer says.

The words are a plain list; their phones are the teacher's, as the development-time phonemizer gives
them.  Words that it takes for another language's, or spells, are left out: their sounds aren't the
language's.  Whole families of words (those that begin alike) are held out for the test.  The
lexicon then holds the words of the list that the graph says otherwise.
"""

from __future__ import annotations

import json
import logging
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet.text.g2p import FINAL, SCORED, NeuralG2P
from voicelet.text.lexicon import encode_lexicon
from voicelet.text.phones import STRESS
from voicelet_export.convert.g2p import to_onnx
from voicelet_export.corpus.phone_mapping import is_vowel, units
from voicelet_export.models.g2p import G2PConfig
from voicelet_export.train.g2p import G2PTraining, score, train_g2p

log = logging.getLogger(__name__)

LONGEST_WORD = 24
_FAMILY_LETTERS = 6
_NO_STRESS = str.maketrans("", "", STRESS)


@dataclass(frozen=True)
class Sounds:
    """What words of a language are written with, and what they are said with.

    Attributes:
        letters: the alphabet, in lower case.
        units: phones with what belongs to them ("ɑ̃", "tː"), parted by blanks, without stress.
        stress: where it falls, one of `voicelet.text.g2p.STRESSES`.
    """

    letters: str
    units: str
    stress: str = SCORED

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the graph, the blank first; vowels in each form of stress."""
        said = self.units.split()
        if self.stress == FINAL:
            return ("", *said)
        stressed = [f"ˈ{unit}" for unit in said if is_vowel(unit[:1])]
        return ("", *said, *stressed)


SOUNDS = {
    "fr": Sounds(
        "abcdefghijklmnopqrstuvwxyzàâæçèéêëîïôùûüÿœ",
        "a e i o u y ɛ ɔ ə ø œ ɑ̃ ɔ̃ ɛ̃ œ̃ aː oː yː øː b d f j k l m n p s t v w z ŋ ɡ ʁ ʃ ʒ ɲ ʤ ʧ h",
        FINAL,
    ),
    "it": Sounds(
        "abcdefghijklmnopqrstuvwxyzàèéìíîòóùú",
        "b d f h j k l m n p r s t v w z ŋ ɡ ɾ ʃ ʤ ʧ ʦ ʣ ɲ ʎ ʒ bː dː kː pː tː ɡː ʤː ʧː ʦː ʣː vː mː"
        " fː a e i o u ɛ ɔ ɪ ʊ I A W aː eː iː oː uː ɛː ɔː",
    ),
}
"""Language → its sounds, in the phones of `voicelet_export.teach.espeak`."""


@dataclass(frozen=True)
class PackLettersBuild:
    """Everything a build needs.

    Attributes:
        language: one of :data:`SOUNDS`.
        words: text file of words, the most frequent first; what follows a tab is passed over.
        run: folder for checkpoints; an interrupted build goes on from there.
        out: folder for `g2p.onnx`, `lexicon.bin`, `held_out.tsv` and `scores.json`.
        lexicon_words: so many words of the list are looked at for the lexicon.
        held_out: one family in so many is held out.
        training: the first run; its model is replaced by one of the language's letters and sounds.
        refinement: a second run from its averaged weights; without one the first is final.
    """

    language: str
    words: Path
    run: Path
    out: Path
    lexicon_words: int = 60_000
    held_out: int = 20
    training: G2PTraining = field(
        default_factory=lambda: G2PTraining(
            model=G2PConfig(channels=120), steps=2800, learning_rate=2.5e-3
        )
    )
    refinement: G2PTraining | None = field(
        default_factory=lambda: G2PTraining(
            steps=1000, learning_rate=1.5e-3, warmup=50, average=0.996, seed=2
        )
    )


def build_pack_letters(
    build: PackLettersBuild, phones: Callable[[str], str], sounds: Sounds | None = None
) -> dict[str, Any]:
    """Say the words, train on them, test on the held-out ones, and write the files.

    Args:
        phones: of a word alone, in the teacher's convention.
        sounds: of the language, where it isn't one of :data:`SOUNDS`.

    Returns:
        The scores, as written to `scores.json`.

    Raises:
        ConfigError: the language isn't known, or the list of words can't be read.
    """
    sounds = sounds or SOUNDS.get(build.language)
    if sounds is None:
        raise ConfigError(f"no letters of {build.language!r}; there are {', '.join(SOUNDS)}")
    listed = read_list(build.words, sounds.letters)
    said = {word: phones(word) for word in listed}
    usable = {word: p for word, p in said.items() if is_usable(p, word, sounds)}
    log.info("%d words, %d of them in the language's own sounds", len(said), len(usable))
    training, testing = split_families(usable, build.held_out)
    shape = replace(
        build.training.model,
        letters=sounds.letters,
        units=sounds.classes,
        stress=sounds.stress,
    )
    spoken = [(word, _target(p, sounds)) for word, p in training]
    model = train_g2p(spoken, build.run / "first", replace(build.training, model=shape))
    if build.refinement is not None:
        second = replace(build.refinement, model=shape)
        model = train_g2p(spoken, build.run / "second", second, model.state_dict())
    build.out.mkdir(parents=True, exist_ok=True)
    size = to_onnx(model, build.out / "g2p.onnx")
    graph = NeuralG2P(build.out / "g2p.onnx")
    result = asdict(score([(graph.phones(word), p) for word, p in testing]))
    kept = exceptions(listed[: build.lexicon_words], said, graph.phones)
    data = encode_lexicon(kept, "".join(sorted(set("".join(kept.values())))))
    (build.out / "lexicon.bin").write_bytes(data)
    (build.out / "held_out.tsv").write_text(
        "".join(f"{word}\t{p}\n" for word, p in testing), encoding="utf-8"
    )
    scores = {
        "held_out": result,
        "words": len(said),
        "own_sounds": len(usable),
        "graph_bytes": size,
        "lexicon_words": len(kept),
        "lexicon_bytes": len(data),
    }
    (build.out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    return scores


def read_list(path: Path, letters: str) -> list[str]:
    """The words of a list that are written in `letters` alone, each once, in order.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the list of words {path} can't be read: {error}") from None
    words = (unicodedata.normalize("NFC", line.split("\t")[0]) for line in text.splitlines())
    known = frozenset(letters)
    return list(
        dict.fromkeys(w for w in words if 2 <= len(w) <= LONGEST_WORD and known.issuperset(w))
    )


def is_usable(phones: str, word: str, sounds: Sounds) -> bool:
    """Whether a word is said as one, with one stress, in the language's own sounds."""
    classes = frozenset(sounds.classes)
    said = units(phones)
    return (
        phones.count("ˈ") == 1
        and "ˌ" not in phones
        and len(said) <= 2 * len(word) + 2
        and all((unit.lstrip(STRESS) in classes) for unit in said)
    )


def family(word: str) -> str:
    """How a word begins, accents aside: the same for a word and most of its relatives."""
    plain = unicodedata.normalize("NFD", word)
    return "".join(c for c in plain if not unicodedata.combining(c))[:_FAMILY_LETTERS]


def split_families(
    entries: Mapping[str, str], held_out: int
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Words for training and for testing, no family in both."""
    training: list[tuple[str, str]] = []
    testing: list[tuple[str, str]] = []
    for word, phones in sorted(entries.items()):
        held = zlib.crc32(family(word).encode()) % held_out == 0
        (testing if held else training).append((word, phones))
    return training, testing


def exceptions(
    words: Iterable[str], said: Mapping[str, str], guess: Callable[[str], str]
) -> dict[str, str]:
    """The words that `guess` says otherwise; those without a stressed sound are left out."""
    return {
        word: said[word]
        for word in words
        if "ˈ" in said[word] and " " not in said[word] and guess(word) != said[word]
    }


def _target(phones: str, sounds: Sounds) -> str:
    return phones.translate(_NO_STRESS) if sounds.stress == FINAL else phones
