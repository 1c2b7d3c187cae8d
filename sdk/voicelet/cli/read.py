"""`voicelet read`: a book or a long text as an audiobook, a file a chapter."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.labelling import add_label_options, labelling_of
from voicelet.cli.options import (
    add_reading_options,
    add_voice_options,
    speech_options,
    split_voice,
)
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json
from voicelet.cli.text_input import add_encoding_option
from voicelet.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from voicelet.text.chapters import Chapter, Document
    from voicelet.text.language import Language

STATE = ".voicelet-read.json"
FORMATS = ("opus", "mp3", "flac", "wav", "ogg")


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "read",
        help="read a book aloud into files, a file a chapter",
        description="Read a .txt, .md or .epub file into a folder: a file a chapter and a "
        "playlist. Given again, the command goes on after the last chapter that was finished.",
    )
    parser.add_argument("document", metavar="FILE", help="a .txt, .md or .epub file")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="default: named after FILE")
    parser.add_argument("--format", choices=FORMATS, default="opus", help="default: opus")
    parser.add_argument(
        "--chapters", metavar="LIST", help="which ones, for example 1,3-5 (default: all)"
    )
    parser.add_argument("--list", action="store_true", help="list the chapters and read nothing")
    add_encoding_option(parser)
    add_voice_options(parser)
    add_reading_options(parser)
    parser.add_argument("--json", action="store_true", help="a report as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_label_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.text.document import read_document

    document = read_document(args.document, _language(args), encoding=args.encoding)
    indices = select_chapters(args.chapters, len(document.chapters))
    if args.list:
        return _list(document, indices, args.json)
    labelling = labelling_of(args, f"a.{args.format}")

    from voicelet.synth import Voice
    from voicelet.synth.presets import find_voice
    from voicelet.synth.timing import speak

    folder = Path(args.output) if args.output else Path(Path(args.document).stem)
    bundle, name = split_voice(args.bundle, args.voice)
    voice = Voice.load(
        bundle,
        threads=args.threads,
        user_lexicon=args.lexicon,
        user_rules=args.rules,
        trust_bundle=args.trust_bundle,
    )
    manifest = voice.bundle.manifest
    profile, preset = find_voice(name, voice.presets)
    options = replace(speech_options(args), ssml=False)
    # Settings that change a chapter's audio.  Folders of older versions hold hashes of these names.
    shaping = ("speed", "pitch_semitones", "energy", "seed", "style", "purpose")
    settings = [name, manifest.version, {n: getattr(options, n) for n in shaping}, args.lexicon]
    settings += [args.label, args.provider, args.disclaimer, args.credentials, args.signer]
    settings += [options.language] if options.language else []
    spoken = {n: getattr(options, n) for n in ("punctuation", "capitals")}
    settings += [spoken] if set(spoken.values()) != {"none"} else []
    settings += [args.rules] if args.rules else []
    state = _State(folder)
    total = sum(len(document.chapters[i].text) for i in indices)
    done, seconds, skipped = 0, 0.0, 0
    files: list[str] = []
    with Progress("reading", enabled=False if args.quiet or args.json else None) as bar:
        for index in indices:
            chapter = document.chapters[index]
            text = chapter.text
            file = file_name(index, len(document.chapters), chapter, args.format)
            files.append(file)
            key = hashlib.sha256(json.dumps([text, file, settings]).encode()).hexdigest()
            if state.holds(file, key):
                skipped += 1
            else:

                def report(
                    share: float, size: int = len(text), before: int = done, label: str = file
                ) -> None:
                    bar.update((before + share * size) / max(1, total), label)

                with labelling.open(folder / file, voice) as writer:
                    labelling.introduce(
                        voice, writer.write, profile=profile, preset=preset, options=options
                    )
                    timings = speak(
                        voice,
                        text,
                        writer.write,
                        report,
                        profile=profile,
                        preset=preset,
                        options=options,
                    )
                seconds += timings.seconds
                state.add(file, key)
            done += len(text)
    state.playlist(document, files)
    if args.json:
        print_json(
            {"folder": str(folder), "files": files, "already_there": skipped, "seconds": seconds}
        )
    elif not args.quiet:
        skipped_note = f", {skipped} were there already" if skipped else ""
        print(f"{len(files)} chapters in {folder}{skipped_note}", file=sys.stderr)
    return 0


def _language(args: argparse.Namespace) -> Language:
    """What says which lines head a chapter: the language that is asked for, or the voice's own."""
    from voicelet.piper.open import open_voice
    from voicelet.synth.languages import AUTO_LANGUAGE, BundleLanguages
    from voicelet.text.pack.packaged import find_language

    bundle, _ = split_voice(args.bundle, args.voice)
    languages = BundleLanguages(open_voice(bundle, trust_bundle=args.trust_bundle))
    if args.language not in (None, AUTO_LANGUAGE):
        return languages.find(args.language)
    try:
        return languages.first()
    except ConfigError:  # a Piper voice of a language that no pack reads
        return find_language()


def select_chapters(selection: str | None, count: int) -> list[int]:
    """`1,3-5` → indices from 0.

    Raises:
        ConfigError: it isn't such a list, or names a chapter that isn't there.
    """
    from voicelet.errors import ConfigError

    if selection is None:
        return list(range(count))
    indices: set[int] = set()
    for part in selection.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?", part)
        if match is None:
            raise ConfigError(f"--chapters {selection!r}: write numbers, for example 1,3-5")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise ConfigError(f"--chapters {selection!r}: there are chapters 1 to {count}")
        indices |= set(range(first - 1, last))
    return sorted(indices)


def file_name(index: int, count: int, chapter: Chapter, suffix: str) -> str:
    """`03 The Letter.opus`: of letters, digits and spaces that every file system takes."""
    plain = unicodedata.normalize("NFKD", chapter.title).encode("ascii", "ignore").decode()
    words = " ".join(re.sub(r"[^A-Za-z0-9' -]+", " ", plain).split())[:60].strip(" '-")
    number = str(index + 1).zfill(max(2, len(str(count))))
    return f"{number} {words}.{suffix}" if words else f"{number}.{suffix}"


def _list(document: Document, indices: list[int], as_json: bool) -> int:
    rows = [
        {"chapter": i + 1, "title": document.chapters[i].title, "characters": len(text)}
        for i, text in ((i, document.chapters[i].text) for i in indices)
    ]
    if as_json:
        print_json({"title": document.title, "author": document.author, "chapters": rows})
    else:
        for row in rows:
            print(f"{row['chapter']:>4}  {row['characters']:>7}  {row['title']}")
    return 0


class _State:
    """Which chapters of a folder are finished, and a hash of the text and settings of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        from voicelet.files import make_private, read_own

        try:
            make_private(folder)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"can't make the folder {str(folder)!r}: {reason}") from None
        try:
            finished = json.loads(read_own(folder / STATE))
        except (OSError, ValueError, RecursionError):
            finished = {}  # then every chapter is spoken again, which costs only time
        self._finished: dict[str, Any] = finished if isinstance(finished, dict) else {}

    def holds(self, file: str, key: str) -> bool:
        """Whether the file exists and was made of the text and settings that `key` hashes."""
        return self._finished.get(file) == key and (self._folder / file).is_file()

    def add(self, file: str, key: str) -> None:
        """Record that a chapter is finished."""
        self._finished[file] = key
        self._write(STATE, json.dumps(self._finished, indent=1, sort_keys=True))

    def playlist(self, document: Document, files: list[str]) -> None:
        """Write `playlist.m3u8` for players."""
        titles = [c.title for c in document.chapters]
        lines = ["#EXTM3U", *([f"#PLAYLIST:{document.title}"] if document.title else [])]
        for file in files:
            title = " ".join(titles[int(file.split(".")[0].split(" ")[0]) - 1].split())
            lines += [f"#EXTINF:-1,{title or Path(file).stem}", file]
        self._write("playlist.m3u8", "\n".join(lines) + "\n")

    def _write(self, name: str, text: str) -> None:
        from voicelet.files import atomic_file

        try:
            with atomic_file(self._folder / name) as stream:
                stream.write(text.encode("utf-8"))
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"can't write {name!r} in {str(self._folder)!r}: {reason}") from None
