"""`voicelet-export label` and `speak-corpus`: a teacher speaks what a student learns from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_label_command(commands: Any) -> None:
    """Add `label` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser("label", help="have a teacher speak a corpus to learn from")
    parser.add_argument(
        "--teacher", type=Path, required=True, help="a Piper .onnx, Kokoro's, or a model's folder"
    )
    parser.add_argument(
        "--vocoder", type=Path, help="model folder; where the teacher makes mels only"
    )
    parser.add_argument(
        "--texts", type=Path, required=True, help="a corpus folder with phonemes, or a text file"
    )
    parser.add_argument("--speaker-encoder", type=Path, required=True, help="its .onnx")
    parser.add_argument("--out", type=Path, required=True, help="feature cache")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="teacher", help="of a single speaker")
    parser.add_argument("--speakers", nargs="+", help="of Kokoro; all that may be learnt from")
    parser.add_argument(
        "--mixes", type=Path, help="of Kokoro: JSON of {speaker: {voice: weight}}, more speakers"
    )
    parser.set_defaults(run=_run)

    speak = commands.add_parser(
        "speak-corpus", help="have Kokoro speak texts in its languages; resumes, shard by shard"
    )
    speak.add_argument("--teacher", type=Path, required=True, help="Kokoro's folder")
    speak.add_argument(
        "--texts",
        action="append",
        required=True,
        metavar="LANGUAGE=FILE",
        help="en, es, fr, it or pt-br and a file with a sentence a line; may be repeated",
    )
    speak.add_argument("--out", type=Path, required=True, help="packed corpus")
    speak.add_argument(
        "--mixes", type=Path, help="JSON of mixes, or metadata.jsonl of a corpus that names them"
    )
    speak.add_argument("--held-out", type=Path, help="JSON of speakers that don't speak")
    speak.add_argument("--hours", type=float, default=1.5, help="in each language")
    speak.add_argument("--seed", type=int, default=1)
    speak.set_defaults(run=_speak)


def _run(args: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from voicelet_export.teach.kokoro import read_mixes
    from voicelet_export.teach.label import LabelConfig, label_corpus, read_phones
    from voicelet_export.teach.open import open_teacher

    config = LabelConfig(hours=args.hours, seed=args.seed, name=args.name)
    teacher = open_teacher(
        args.teacher, args.vocoder, read_mixes(args.mixes) if args.mixes else None, args.speakers
    )
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("seconds of speech", total=config.hours * 3600)
        label_corpus(
            teacher,
            read_phones(args.texts),
            args.out,
            args.speaker_encoder,
            config,
            lambda said, wanted: progress.update(task, completed=said, total=wanted),
        )


def _speak(args: argparse.Namespace) -> None:
    from voicelet.errors import ConfigError
    from voicelet_export.teach.espeak import EspeakPhones
    from voicelet_export.teach.kokoro import EXCLUDED_VOICES, KokoroTeacher, read_mixes
    from voicelet_export.teach.speech_corpus import (
        SpeechCorpusConfig,
        front_end_phones,
        read_sentences,
        write_speech_corpus,
    )
    from voicelet_export.train.data import read_held_out

    files = []
    for given in args.texts:
        language, found, path = given.partition("=")
        if not found:
            raise ConfigError(f"--texts {given}: write LANGUAGE=FILE, as in es=sentences.txt")
        files.append((language, Path(path)))
    sentences = read_sentences(files)
    phones_of = {
        language: front_end_phones() if language == "en" else EspeakPhones(language)
        for language in sentences
    }
    kept_out = EXCLUDED_VOICES | (read_held_out(args.held_out) if args.held_out else set())
    mixes = read_mixes(args.mixes) if args.mixes else {}
    mixes = {name: mix for name, mix in mixes.items() if not kept_out & {name, *mix}}
    voices = sorted(path.stem for path in (args.teacher / "voices").glob("*.bin"))
    speakers = [*(name for name in voices if name not in kept_out), *mixes]
    teacher = KokoroTeacher(args.teacher, mixes, speakers)
    config = SpeechCorpusConfig(hours=args.hours, seed=args.seed)
    write_speech_corpus(teacher, sentences, phones_of, args.out, config)
