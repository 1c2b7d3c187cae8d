"""Which system says what, for whom, into which folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.common import BenchmarkError, write_wav
from benchmarks.peers.base import SpeakerRefusedError, System
from benchmarks.peers.kokoro import Kokoro
from benchmarks.peers.piper import Piper
from benchmarks.peers.piper import model as piper_model
from benchmarks.peers.voicelet_system import Voicelet
from benchmarks.people import Reference
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.cache import Cache, digest
from voicelet_export.metrics.folder import write_texts

logger = logging.getLogger(__name__)

DATA = Path(__file__).parent / "data"
TEACHER_VOICES = ("af_heart", "am_michael")


def read_sentences(path: Path) -> list[str]:
    """Lines of a file of sentences, without comments and empty lines."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def make_systems(spec: str) -> list[System]:
    """Systems from `voicelet,voicelet:BUNDLE,voicelet-default,piper,teacher,teacher:VOICE`.

    `voicelet-piper` is voicelet speaking with Piper's voice.
    `voicelet=NAME:BUNDLE` gives a bundle a name; "recordings" is left to the caller.

    Raises:
        BenchmarkError: a system that isn't known.
    """
    systems: list[System] = []
    for item in filter(None, (part.strip() for part in spec.split(","))):
        kind, _, detail = item.partition(":")
        kind, _, name = kind.partition("=")
        bundle = Path(detail) if detail else None
        if kind in ("voicelet", "voicelet-default"):
            label = name or (f"{kind}-{bundle.stem}" if bundle else kind)
            systems.append(Voicelet(bundle, label, own_voice=kind == "voicelet-default"))
        elif kind == "piper":
            systems.append(Piper())
        elif kind == "voicelet-piper":
            systems.append(Voicelet(bundle or piper_model(), name or kind, own_voice=True))
        elif kind == "teacher":
            systems += [Kokoro(voice) for voice in ((detail,) if detail else TEACHER_VOICES)]
        elif kind != "recordings":
            raise BenchmarkError(
                f"unknown system {item!r}; there are recordings, voicelet, voicelet-default, "
                "voicelet-piper, piper, teacher"
            )
    names = [s.name for s in systems]
    if len(set(names)) != len(names):
        raise BenchmarkError(f"two systems have one name in {names}; write voicelet=NAME:BUNDLE")
    return systems


def plan(
    sentences: Sequence[str], references: Sequence[Reference], per_person: int
) -> list[tuple[str, Reference]]:
    """Who says which sentence: each person some, each sentence about equally often."""
    out: list[tuple[str, Reference]] = []
    for number, reference in enumerate(references):
        for turn in range(per_person):
            out.append((sentences[(number * per_person + turn) % len(sentences)], reference))
    return out


def speak(
    system: System,
    sentences: Sequence[str],
    references: Sequence[Reference],
    per_person: int,
    folder: Path,
    cache: Cache,
    progress: Callable[[int, int], None],
) -> Path:
    """Let a system speak into a folder of wavs with `texts.tsv`.

    A person the system refuses is left out, with a warning.
    """
    jobs: list[tuple[str, Reference | None]] = [(s, None) for s in sentences]
    if system.clones:
        jobs = [*plan(sentences, references, per_person)]
    rows: list[tuple[str, str, str]] = []
    for index, (text, reference) in enumerate(jobs):
        path = reference.path if reference else None
        key = digest("speech", system.fingerprint, text, path.read_bytes() if path else b"")

        def make(text: str = text, path: Path | None = path) -> tuple[FloatArray, int]:
            return system.synthesize(text, path)

        try:
            samples, rate = cache.speech_or(key, make)
        except SpeakerRefusedError as error:
            logger.warning("left out: %s", error)
            continue
        name = f"{index:03d}-{reference.speaker if reference else 'own'}.wav"
        write_wav(folder / name, samples, rate)
        target = f"../references/{reference.path.name}" if reference else ""
        rows.append((name, text, target))
        progress(index + 1, len(jobs))
    system.close()
    write_texts(folder, rows)
    return folder
