"""Coverage-guided fuzzing of every parser that reads what others wrote, with atheris.

    pip install atheris
    python tests/fuzz/parsers.py profile -max_total_time=60

Whatever the bytes, a parser gives a value or an error of voicelet's own; anything else ends the run
with the input that did it.  Targets: see TARGETS.  Not part of the test run, for it never ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / p) for p in ("sdk", ".")]

with atheris.instrument_imports(include=["voicelet"]):
    from voicelet.bundle.manifest import parse_manifest
    from voicelet.errors import VoiceletError
    from voicelet.profiles.profile import Profile
    from voicelet.profiles.vault import disk as vault_file
    from voicelet.profiles.vault.keys import _parse as parse_lock
    from voicelet.text.document import chapters_of, markdown_chapters
    from voicelet.text.encoding import decode_text
    from voicelet.text.epub import decode_markup, read_epub
    from voicelet.text.markup import read_markup
    from voicelet.text.ssml import parse as parse_ssml
    from voicelet.trust.audit.record import Head, Record
    from voicelet.trust.consent.record import ConsentRecord
    from voicelet.trust.keys.seal import new_sealing_key, open_sealed, seal

KEY = bytes(range(32))
SEALING = new_sealing_key()
SEALED = seal(SEALING.public, b"a profile", info=b"fuzz")
PACKED = vault_file.pack(b"the voice of ana", KEY, "ab" * 8, "cd" * 8, "ana", 3)


def profile(data: bytes) -> None:
    """With the checksum made right, or the fuzzer would never get past it."""
    Profile.from_bytes(data[:-32] + hashlib.sha256(data[:-32]).digest())


def lock(data: bytes) -> None:
    """The vault's own reader turns these three into its error, and takes the copy."""
    try:
        parse_lock(data)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass


def documents(data: bytes) -> None:
    """Plain text and Markdown."""
    text = decode_text(data, "x.txt")
    list(chapters_of(text))
    list(markdown_chapters(text))


class Nobody:
    """Reads markup and keeps nothing."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag."""

    end = data = lambda self, text: None


def markup(data: bytes) -> None:
    """Pages of a book."""
    read_markup(decode_markup(data), Nobody)


TARGETS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "profile": (profile, []),
    "vault": (lambda data: vault_file.unpack(data, KEY), [PACKED]),
    "lock": (lock, []),
    "consent": (ConsentRecord.from_bytes, []),
    "record": (Record.parse, []),
    "head": (Head.parse, []),
    "manifest": (parse_manifest, []),
    "sealed": (lambda data: open_sealed(SEALING, data, info=b"fuzz"), [SEALED]),
    "epub": (lambda data: read_epub(data, "x.epub"), []),
    "markup": (markup, [b"<p a='b'>&nbsp;<![CDATA[x]]><!-- y --><br/></p>"]),
    "documents": (documents, []),
    "ssml": (
        lambda data: parse_ssml(decode_text(data, "x.ssml")),
        [b"<speak>a <break time='1s'/></speak>"],
    ),
}


def seeds(name: str) -> list[bytes]:
    """Sound inputs to start from."""
    from tests.consenting import someone

    person = someone()
    found = list(TARGETS[name][1])
    if name == "profile":
        found += [person.to_bytes(), dataclasses.replace(person, consent=None).to_bytes()]
    if name == "consent" and person.consent is not None:
        found.append(person.consent.to_bytes())
    if name == "manifest":
        default = Path(vault_file.__file__).parents[1] / "voices" / "default" / "manifest.json"
        found.append(default.read_bytes())
    if name == "epub":
        from tests.text.test_document import book

        found.append(book())
    return found


def main() -> None:
    """Fuzz the target that the command line names."""
    name = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        raise SystemExit(f"name a target: {', '.join(TARGETS)}")
    target = TARGETS[name][0]

    def one(data: bytes) -> None:
        try:
            target(data)
        except VoiceletError:
            pass

    corpus = Path(sys.argv.pop()) if len(sys.argv) > 1 and sys.argv[-1][0] != "-" else None
    if corpus is not None:
        corpus.mkdir(parents=True, exist_ok=True)
        for i, seed in enumerate(seeds(name)):
            (corpus / f"seed-{i}").write_bytes(seed)
        sys.argv.append(str(corpus))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
