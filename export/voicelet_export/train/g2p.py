"""Training of the letter-to-sound model, and its export.

Words of one length make a batch, so that no padding reaches a convolution.  Whole families of words
(`lemma`) are held out, so that "nationalise" isn't tested after "nationalised" was learnt.  A run
is resumed to the bit: batches depend on the seed and the step alone.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import zlib
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from voicelet.text.g2p import decode_units, encode_letters
from voicelet.text.pack.packaged import find_language
from voicelet.text.phones import STRESS
from voicelet_export.corpus.phone_mapping import units as split_units
from voicelet_export.models.g2p import G2P, UNITS, G2PConfig, ctc_loss

log = logging.getLogger(__name__)

_ENDINGS = re.compile(
    r"(?:'s|s'|s|es|ies|ed|ied|ing|ings|er|ers|or|ors|ly|ness|nesses|less|ful|able|ably|ability|y"
    r"|al|ally|ation|ations|ion|ions|ional|ionally|ist|ists|ism|isms|ize|izes|ized|izing|ity"
    r"|ities|ive|e)$"
)
_BEGINNINGS = re.compile(r"^(?:un|re|non|over|under|anti|pre|mis|dis|in|out)(?=.{5})")


@dataclass(frozen=True)
class G2PTraining:
    """A training run.

    Attributes:
        model: shape of the network.
        steps: optimizer steps.
        batch: words a step.
        learning_rate: at its height, after `warmup` steps; a cosine brings it to a hundredth.
        clip: largest norm of a gradient.
        weight_decay: AdamW's.
        average: decay of the weights' moving average, which is what is tested and exported.
        held_out: one word family in so many is held out.
        save_every: steps between checkpoints.
        seed: of the weights and of the order of the words.
        threads: CPU threads.
    """

    model: G2PConfig = field(default_factory=G2PConfig)
    steps: int = 4500
    batch: int = 128
    learning_rate: float = 2e-3
    warmup: int = 200
    clip: float = 1.0
    weight_decay: float = 0.01
    average: float = 0.998
    held_out: int = 20
    save_every: int = 200
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True)
class G2PScore:
    """How well words are pronounced.

    Attributes:
        words: how many were tested.
        phone_error: edit distance over symbols, stress marks among them, by the reference's length.
        phone_error_no_stress: the same with stress marks left out.
        word_error: share of words not said exactly so.
    """

    words: int
    phone_error: float
    phone_error_no_stress: float
    word_error: float


def lemma(word: str) -> str:
    """A crude stem, the same for a word and its relatives."""
    stem = _BEGINNINGS.sub("", word)
    for _ in range(3):
        shorter = _ENDINGS.sub("", stem)
        if len(shorter) < 3 or shorter == stem:
            break
        stem = shorter
    return stem


def training_words(
    entries: Mapping[str, str],
    usual: Mapping[str, str],
    certain: Container[str],
    *,
    regular_share: float = 0.2,
    uncertain_share: float = 0.55,
    seed: int = 7,
) -> dict[str, str]:
    """The words of a lexicon worth training on.

    Args:
        entries: the whole lexicon, in the corpus' convention; senses are passed over.
        usual: the corpus' own readings; its function words, which have no stress, are passed over.
        certain: words of the better source.
        regular_share: how many of the words a regular ending gives anyway.
        uncertain_share: how many of the worse source's words.
    """
    order = random.Random(seed)
    inflected = find_language("en").pronunciation.inflected
    chosen: dict[str, str] = {}
    for word, phones in entries.items():
        if "|" in word or not word.isascii():
            continue
        regular = inflected(word, entries.get, ()) == phones
        if word in usual:
            if "ˈ" in phones:
                chosen[word] = phones
        elif regular:
            if order.random() < regular_share:
                chosen[word] = phones
        elif word in certain or order.random() < uncertain_share:
            chosen[word] = phones
    return chosen


def split(
    entries: Mapping[str, str], held_out: int
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Words for training and for testing, no lemma in both; too short to align are left out."""
    training: list[tuple[str, str]] = []
    testing: list[tuple[str, str]] = []
    for word, phones in sorted(entries.items()):
        if "|" in word or len(split_units(phones)) > 2 * len(word) or len(word) < 2:
            continue
        held = zlib.crc32(lemma(word).encode()) % held_out == 0
        (testing if held else training).append((word, phones))
    return training, testing


@lru_cache(maxsize=8)
def _unit_index(units: tuple[str, ...]) -> dict[str, int]:
    return {unit: place for place, unit in enumerate(units)}


def encode_units(phones: str, units: Sequence[str] = UNITS) -> list[int]:
    """Class of each unit of `phones`.

    Raises:
        ValueError: a unit isn't one of `units`.
    """
    index = _unit_index(tuple(units))
    try:
        return [index[unit] for unit in split_units(phones)]
    except KeyError as error:
        raise ValueError(f"{phones!r} holds {error.args[0]!r}, which the model can't say") from None


def batches(
    words: Sequence[tuple[str, str]], size: int, seed: int, config: G2PConfig | None = None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches without end, words of one length each: letters [B, L], targets [sum], lengths [B]."""
    config = config or G2PConfig()
    by_length: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for word, phones in words:
        by_length[len(word)].append((word, phones))
    epoch = 0
    while True:
        order = random.Random(f"{seed}/{epoch}")
        plan: list[list[tuple[str, str]]] = []
        for _, group in sorted(by_length.items()):
            shuffled = order.sample(group, len(group))
            plan += [shuffled[at : at + size] for at in range(0, len(shuffled), size)]
        order.shuffle(plan)
        for chosen in plan:
            targets = [encode_units(phones, config.units) for _, phones in chosen]
            letters = [encode_letters(word, config.letters) for word, _ in chosen]
            yield (
                torch.from_numpy(np.stack(letters)),
                torch.tensor([unit for target in targets for unit in target], dtype=torch.int64),
                torch.tensor([len(target) for target in targets], dtype=torch.int64),
            )
        epoch += 1


def learning_rate_at(step: int, config: G2PTraining) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def train_g2p(
    words: Sequence[tuple[str, str]],
    run: Path,
    config: G2PTraining,
    start: Mapping[str, Tensor] | None = None,
) -> G2P:
    """Train on `(word, phones)`, or go on where the checkpoint in `run` left off.

    Args:
        words: may hold a word more than once, to weigh it.
        run: folder of the checkpoint.
        config: of the run.
        start: weights of an earlier run to begin from, in place of random ones.

    Returns:
        The model with its averaged weights, ready to test or export.

    Raises:
        ValueError: the checkpoint was made with another configuration.
    """
    run.mkdir(parents=True, exist_ok=True)
    checkpoint = run / "g2p.pt"
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    model = G2P(config.model)
    if start is not None:
        model.load_state_dict(dict(start))
    averaged = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["config"] != json.dumps(asdict(config), sort_keys=True):
            raise ValueError(f"{checkpoint} is of another configuration; use another run folder")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimiser"])
        averaged, first = state["averaged"], state["step"]
    source = batches(words, config.batch, config.seed, config.model)
    smoothed = 0.0
    for step in range(config.steps):
        letters, targets, lengths = next(source)
        if step < first:
            continue
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, config)
        loss = ctc_loss(model(letters), targets, lengths)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        decay = min(config.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                averaged[name].lerp_(value, 1 - decay)
        smoothed = loss.item() if step == first else 0.98 * smoothed + 0.02 * loss.item()
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            log.info("g2p step %d: loss %.4f", step + 1, smoothed)
            partial = checkpoint.with_suffix(".partial")
            torch.save(
                {
                    "config": json.dumps(asdict(config), sort_keys=True),
                    "model": model.state_dict(),
                    "optimiser": optimizer.state_dict(),
                    "averaged": averaged,
                    "step": step + 1,
                },
                partial,
            )
            partial.replace(checkpoint)
    model.load_state_dict(averaged)
    return model.eval()


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and substitutions between two strings."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            new.append(min(row[j] + 1, new[-1] + 1, row[j - 1] + (x != y)))
        row = new
    return row[-1]


def score(pairs: Sequence[tuple[str, str]]) -> G2PScore:
    """Errors of `(said, reference)` pronunciations."""
    bare = str.maketrans("", "", STRESS)
    symbols = sum(len(reference) for _, reference in pairs) or 1
    sounds = sum(len(reference.translate(bare)) for _, reference in pairs) or 1
    return G2PScore(
        words=len(pairs),
        phone_error=sum(edit_distance(a, b) for a, b in pairs) / symbols,
        phone_error_no_stress=sum(
            edit_distance(a.translate(bare), b.translate(bare)) for a, b in pairs
        )
        / sounds,
        word_error=sum(a != b for a, b in pairs) / max(1, len(pairs)),
    )


@torch.no_grad()
def pronounce(model: G2P, words: Sequence[str], batch: int = 256) -> dict[str, str]:
    """What the model says, word by word, as the device decodes it."""
    labels = model.config.labels
    by_length: dict[int, list[str]] = defaultdict(list)
    for word in words:
        by_length[len(word)].append(word)
    said: dict[str, str] = {}
    for _, group in sorted(by_length.items()):
        for at in range(0, len(group), batch):
            chosen = group[at : at + batch]
            encoded = [encode_letters(word, labels.letters) for word in chosen]
            batch_logits = model(torch.from_numpy(np.stack(encoded))).numpy()
            for word, logits in zip(chosen, batch_logits, strict=True):
                said[word] = decode_units(logits, labels.units, labels.stress)
    return said
