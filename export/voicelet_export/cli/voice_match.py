"""The arguments of `voicelet-export voice-match`."""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

DEFAULT_OUT = Path("sdk/voicelet/speaker/voice_match.npz")


def add_voice_match_command(commands: Any) -> None:
    """Add `voice-match` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "voice-match", help="make the runtime's cohort and calibration of voice verification"
    )
    parser.add_argument(
        "--cache", type=Path, required=True, help="feature cache of recordings of many people"
    )
    parser.add_argument("--held-out", type=Path, required=True, help="people who are tested with")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.set_defaults(run=_run)


def held_out_speakers(path: Path) -> frozenset[str]:
    """Speakers of a list of held-out people.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        people = json.loads(path.read_text(encoding="utf-8"))["people"]
        return frozenset(str(person["speaker"]) for person in people)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not a list of held-out people ({error})") from error


def _run(args: argparse.Namespace) -> None:
    from voicelet.speaker.voice_match import encode_scale
    from voicelet_export.corpus.cache import FeatureCache
    from voicelet_export.train.voice_match import SpokenClip, is_test_person, make_scale

    held_out = held_out_speakers(args.held_out)
    cache = FeatureCache(args.cache)
    people: dict[str, list[SpokenClip]] = defaultdict(list)
    for entry in sorted(cache.entries, key=lambda e: e.id):
        if not is_test_person(entry.speaker, held_out):
            seconds = entry.n_frames / cache.features.frames_per_second
            people[entry.speaker].append(SpokenClip(np.array(entry.d_vector, np.float32), seconds))
    if not people:
        raise CorpusError(f"{args.cache} holds nobody to train with")
    scale = make_scale(people)
    with atomic_file(args.out) as file:
        file.write(encode_scale(scale))
    log.info(
        "%s: %d people in a cohort of %d, weights %s",
        args.out,
        len(people),
        len(scale.cohort),
        ", ".join(f"{w:.4f}" for w in scale.weights),
    )
