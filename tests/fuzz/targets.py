"""Every parser that reads what others wrote: what to call with bytes, and sound inputs.

Whatever the bytes, a parser gives a value or an error of voicelet's own.  `fuzz.py` runs these for
long, `test_targets.py` for a moment.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile

from tests.consenting import someone
from tests.fuzz.packs import FILES, open_with, seeds_of
from tests.piper.tiny import tiny_json
from tests.text.test_document import book
from tests.tiny import tiny_bundle
from voicelet.audio.io import read_audio
from voicelet.bundle.archive import pack as pack_bundle
from voicelet.bundle.archive import unpack as unpack_bundle
from voicelet.bundle.manifest import parse_manifest
from voicelet.errors import VoiceletError
from voicelet.files import NPZ_ERRORS, embedded_bundle, parse_npy
from voicelet.piper.config import parse_config
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import decode_list
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.lock import _parse as parse_lock
from voicelet.text.document import chapters_of, markdown_chapters
from voicelet.text.encoding import decode_text
from voicelet.text.epub import decode_markup, read_epub
from voicelet.text.lexicon import Lexicon, encode_lexicon
from voicelet.text.markup import read_markup
from voicelet.text.sentences import SentenceSplitter
from voicelet.text.ssml import parse as parse_ssml
from voicelet.text.user_lexicon import UserLexicon
from voicelet.trust.audit.export import open_export
from voicelet.trust.audit.record import Head, Record
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.revocations import Revocations
from voicelet.trust.consent.signers import TrustedSigners
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.seal import new_sealing_key, open_sealed, seal
from voicelet.trust.labels import read_label

KEY = bytes(range(32))
SEALING = new_sealing_key()
SEALED = seal(SEALING.public, b"a profile", info=b"fuzz")
PACKED = vault_file.pack(b"the voice of ana", KEY, "ab" * 8, "cd" * 8, "ana", 3)
DEFAULT = embedded_bundle()
_FOLDER = tempfile.TemporaryDirectory(prefix="voicelet-fuzz-")


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        parse: called with any bytes.
        seeds: sound inputs to start from, made when they are asked for.
    """

    parse: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]] = tuple


def one(target: Target, data: bytes) -> None:
    """Parse; only what isn't an error of voicelet's own comes out."""
    try:
        target.parse(data)
    except VoiceletError:
        pass


def a_file(data: bytes, name: str) -> Path:
    """A file of those bytes; the one before is gone."""
    path = Path(_FOLDER.name) / name
    path.write_bytes(data)
    return path


def profile(data: bytes) -> None:
    """With the checksum made right, or the fuzzer would never get past it."""
    Profile.from_bytes(data[:-32] + hashlib.sha256(data[:-32]).digest())


def lock(data: bytes) -> None:
    """The vault's own reader turns these into its error, and takes the copy."""
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

    def end(self, tag: str) -> None:
        """Its end."""

    def data(self, text: str) -> None:
        """Text between tags."""


def markup(data: bytes) -> None:
    """Pages of a book."""
    read_markup(decode_markup(data), Nobody)


def arriving(data: bytes) -> None:
    """Text from a pipe, in three parts; nothing of it may be lost."""
    text = data.decode("utf-8", "replace")
    splitter, third = SentenceSplitter(), len(text) // 3
    pieces = [*splitter.feed(text[:third]), *splitter.feed(text[third:]), *splitter.flush()]
    assert "".join(pieces) == text


def presets(data: bytes) -> None:
    """Speaker vectors of a bundle; their reader turns these into its error."""
    with contextlib.suppress(*NPZ_ERRORS):
        parse_npy(data)


def signers(data: bytes) -> None:
    """Keys that records may be signed with."""
    TrustedSigners(a_file(data, "signers.json")).entries()


def signers_seeds() -> Iterable[bytes]:
    """One key."""
    path = Path(_FOLDER.name) / "seed-signers.json"
    TrustedSigners(path).trust(device_key().public_key().public_bytes_raw().hex(), "a clinic")
    yield path.read_bytes()


def lexicon(data: bytes) -> None:
    """Look words up, and read some."""
    words = Lexicon.open(a_file(data, "lexicon.bin"))
    for word in ("hello", "a", "zürich", ""):
        words.get(word)
    list(islice(words, 200))


def revocations(data: bytes) -> None:
    """All entries, and the look-up that must never be silent."""
    Revocations(a_file(data, "revoked.jsonl")).entries()


def archive(data: bytes) -> None:
    """Unpack a bundle."""
    with tempfile.TemporaryDirectory(dir=_FOLDER.name) as folder:
        unpack_bundle(a_file(data, "bundle.voicelet"), Path(folder))


def exported_log(data: bytes) -> None:
    """A log that was sealed for this key, whatever is in it."""
    sealed = seal(SEALING.public, data, info=b"voicelet-audit-export-1")
    with tempfile.TemporaryDirectory(dir=_FOLDER.name) as folder:
        open_export(sealed, SEALING, Path(folder))


def audio_seeds() -> Iterable[bytes]:
    """A short tone in each format."""
    tone = np.sin(np.arange(8000) / 20).astype(np.float32) * 0.3
    for kind, subtype in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        file = io.BytesIO()
        soundfile.write(file, tone, 16000, format=kind, subtype=subtype)
        yield file.getvalue()


def label_seeds() -> Iterable[bytes]:
    """A WAV with a label in it."""
    tone = np.zeros(800, np.float32)
    path = Path(_FOLDER.name) / "label.wav"
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        file.comment = json.dumps({"synthetic": True})
        file.write(tone)
    yield path.read_bytes()


def archive_seeds() -> Iterable[bytes]:
    """A tiny bundle's archive."""
    folder = tiny_bundle(Path(_FOLDER.name) / "tiny", name="tiny")
    yield pack_bundle(folder, Path(_FOLDER.name) / "tiny.voicelet").read_bytes()


def profile_seeds() -> Iterable[bytes]:
    """With a consent record and without."""
    person = someone()
    return person.to_bytes(), dataclasses.replace(person, consent=None).to_bytes()


def consent_seeds() -> Iterable[bytes]:
    """A record as it is shown."""
    record = someone().consent
    assert record is not None
    return (record.to_bytes(),)


TARGETS: dict[str, Target] = {
    "profile": Target(profile, profile_seeds),
    "vault": Target(lambda data: vault_file.unpack(data, KEY), lambda: [PACKED]),
    "lock": Target(lock),
    "consent": Target(ConsentRecord.from_bytes, consent_seeds),
    "revocations": Target(revocations),
    "record": Target(Record.parse),
    "head": Target(Head.parse),
    "exported-log": Target(exported_log),
    "protected": Target(decode_list),
    "manifest": Target(parse_manifest, lambda: [(DEFAULT / "manifest.json").read_bytes()]),
    "archive": Target(archive, archive_seeds),
    "lexicon": Target(lexicon, lambda: [encode_lexicon({"hello": "həlˈO", "a": "ɐ"}, "həlˈOɐ")]),
    "user-lexicon": Target(
        lambda data: UserLexicon.from_file(a_file(data, "words.txt")),
        lambda: ["Nguyen\t[[wˈɪn]]\nSQL\tsequel\n".encode(), b'{"SQL": "sequel"}'],
    ),
    "piper": Target(
        lambda data: parse_config(data, "voice.onnx.json"),
        lambda: [json.dumps(tiny_json()).encode()],
    ),
    "sealed": Target(lambda data: open_sealed(SEALING, data, info=b"fuzz"), lambda: [SEALED]),
    "epub": Target(lambda data: read_epub(data, "x.epub"), lambda: [book()]),
    "markup": Target(markup, lambda: [b"<p a='b'>&nbsp;<![CDATA[x]]><!-- y --><br/></p>"]),
    "arriving": Target(arriving, lambda: [b"Dr. Smith: <speak>3.14?</speak> Yes.\n\nNo"]),
    "presets": Target(presets, lambda: [(DEFAULT / "presets.npy").read_bytes()]),
    "signers": Target(signers, signers_seeds),
    "documents": Target(documents, lambda: [b"# One\n\nA *word*.\n\n## Two\n\n- a\n- b\n"]),
    "ssml": Target(
        lambda data: parse_ssml(decode_text(data, "x.ssml")),
        lambda: [b"<speak>a <break time='1s'/></speak>"],
    ),
    "audio": Target(lambda data: read_audio(io.BytesIO(data), max_seconds=5.0), audio_seeds),
    "label": Target(lambda data: read_label(a_file(data, "x.wav")), label_seeds),
    **{
        f"pack-{Path(name).stem}": Target(partial(open_with, name), partial(seeds_of, name))
        for name in FILES
    },
}
