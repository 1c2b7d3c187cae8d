"""Lists of protected voices: people who never want to be cloned, without their voiceprints.

A template is the signs of a d-vector's random projections (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002), drawn anew from a salt for each list, with some signs
flipped at random (randomized response, Warner 1965).  That is enough to recognize the voice, not
enough to rebuild the voiceprint exactly or to link two lists by their bytes.  Whoever holds a list
can still test whether a recording matches it: a list protects voices, it doesn't hide them.

A file is JSON, signed by the device that made it: any change to it is noticed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.products import product
from voicelet.errors import ProfileError, ProfileNotFoundError, SealError
from voicelet.files import atomic_file, make_private, read_own
from voicelet.profiles.names import check_name, default_folder, file_stem
from voicelet.speaker.vector import D_VECTOR_SIZE
from voicelet.speaker.voice_match import NEAREST, voice_scale
from voicelet.trust.keys.seal import from_hex, sign, verify

BITS = 1024
FLIP = 0.1
"""Probability that a sign is flipped."""

_MATCH_ONE = 2.45
_MATCH_TENFOLD = 0.65
"""Of 1 % false alarms a list: what that takes for one voice, and for each ten times as many."""

SALT_BYTES = 16


@dataclass(frozen=True)
class Listed:
    """A voice found on a list: its place (from 0), its label, and how well it agrees."""

    index: int
    label: str
    score: float


@dataclass(frozen=True)
class ProtectedVoices:
    """A list of protected voices.

    Attributes:
        name: of the list.
        salt: 16 bytes, its own.
        labels: what its keeper calls each voice; may be empty.
        templates: bool [voices, bits].
        encoder_id: whose d-vectors were projected.
        public_key: Ed25519 key of the device that signed it, 32 bytes; empty before it is signed.
    """

    name: str
    salt: bytes = field(repr=False)
    labels: tuple[str, ...]
    templates: npt.NDArray[np.bool_] = field(repr=False)
    encoder_id: str
    public_key: bytes = b""

    def find(self, d_vector: npt.ArrayLike) -> Listed | None:
        """The listed voice that a d-vector [256] is, the best match; None if it is none."""
        if not len(self.templates):
            return None
        scores = self.scores(d_vector)
        best = int(scores.argmax())
        if scores[best] < self.threshold:
            return None
        return Listed(best, self.labels[best], float(scores[best]))

    @property
    def threshold(self) -> float:
        """Score from which a voice is a listed one; higher for a longer list."""
        return _MATCH_ONE + _MATCH_TENFOLD * math.log10(max(1, len(self.templates)))

    def scores(self, d_vector: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Agreement with every template [voices], by AS-norm against the packaged cohort."""
        cohort = _signs(voice_scale().cohort, self.salt)
        own = _signs(np.asarray(d_vector, dtype=np.float32)[None], self.salt)
        likeness = _agreement(own, self.templates)[0]
        mean, deviation = _nearest(_agreement(own, cohort))
        means, deviations = _nearest(_agreement(self.templates, cohort))
        scores: npt.NDArray[np.float64] = 0.5 * (
            (likeness - mean[0]) / deviation[0] + (likeness - means) / deviations
        )
        return scores


def protect(
    name: str,
    voices: Mapping[str, npt.ArrayLike],
    encoder_id: str,
    *,
    salt: bytes | None = None,
    rng: np.random.Generator | None = None,
) -> ProtectedVoices:
    """Make a list of d-vectors.

    Args:
        voices: label → d-vector [256].
        salt, rng: only for tests; fresh randomness without them.
    """
    salt = salt or secrets.token_bytes(SALT_BYTES)
    generator = rng or np.random.default_rng(secrets.randbits(256))
    vectors = np.stack([np.asarray(v, dtype=np.float32) for v in voices.values()])
    signs = _signs(vectors, salt)
    flipped = signs ^ (generator.random(signs.shape) < FLIP)
    return ProtectedVoices(name, salt, tuple(voices), flipped, encoder_id)


def _signs(vectors: FloatArray, salt: bytes) -> npt.NDArray[np.bool_]:
    """Signs of the projections [n, bits]; what all voices share is taken out first."""
    seed = int.from_bytes(hashlib.sha256(b"voicelet protected" + salt).digest(), "big")
    planes = np.random.Generator(np.random.PCG64(seed)).standard_normal((D_VECTOR_SIZE, BITS))
    centred = np.asarray(vectors, dtype=np.float64) - voice_scale().cohort.mean(axis=0)
    signs: npt.NDArray[np.bool_] = product(centred, planes) > 0.0
    return signs


def _agreement(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """1 where all signs agree, 0 for half of them: [first, second]."""
    a, b = first * 2.0 - 1.0, second * 2.0 - 1.0
    agreement: npt.NDArray[np.float64] = product(a, b.T) / BITS
    return agreement


def _nearest(
    likeness: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    nearest = np.sort(likeness, axis=1)[:, -NEAREST:]
    return nearest.mean(axis=1), np.maximum(nearest.std(axis=1), 1e-3)


# Files of protected voices, and which of them this device uses.


FORMAT = "voicelet-protected-voices"
VERSION = 1
SUFFIX = ".protected.json"
MAX_BYTES = 8 << 20
_CONTEXT = "protected-voices.1"
_REMEDY = "load the list again from whoever keeps it"


def encode_list(voices: ProtectedVoices, key: Any) -> bytes:
    """A list as the contents of a file, signed.

    Args:
        key: Ed25519 private key of the device that keeps the list.
    """
    body = _body(voices, key.public_key().public_bytes_raw())
    return _spelled(body, sign(key, _CONTEXT, _canonical(body)))


def _body(voices: ProtectedVoices, public_key: bytes) -> dict[str, Any]:
    """What is signed."""
    rows = [base64.b64encode(np.packbits(t).tobytes()).decode() for t in voices.templates]
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": voices.name,
        "encoder_id": voices.encoder_id,
        "salt": voices.salt.hex(),
        "bits": BITS,
        "flip": FLIP,
        "voices": [{"label": a, "bits": b} for a, b in zip(voices.labels, rows)],
        "public_key": public_key.hex(),
    }


def _spelled(body: Mapping[str, Any], signature: bytes) -> bytes:
    return json.dumps({**body, "signature": signature.hex()}, indent=1).encode()


def decode_list(data: bytes) -> ProtectedVoices:
    """Inverse of :func:`encode_list`.

    Raises:
        ProfileError: it is no such list, or a newer one.
        SealError: it was changed since it was signed.
    """
    if len(data) > MAX_BYTES:
        raise ProfileError(f"the list of protected voices is far too large; {_REMEDY}")
    try:
        body = json.loads(data)
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise ProfileError(f"this is not a list of protected voices; {_REMEDY}")
        if body["version"] != VERSION:
            raise ProfileError(
                f"the list has version {body['version']!r} and this voicelet reads {VERSION};"
                " update voicelet"
            )
        signature = from_hex(body.pop("signature"), 64)
        public_key = from_hex(body["public_key"], 32)
        verify(public_key, _CONTEXT, _canonical(body), signature)
        voices = _decoded(body, public_key)
        if _spelled(_body(voices, public_key), signature) != data:
            raise ValueError("not spelled as it was signed")
        return voices
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProfileError(
            f"the list of protected voices is damaged ({error}); {_REMEDY}"
        ) from error


def _decoded(body: dict[str, Any], public_key: bytes) -> ProtectedVoices:
    salt = from_hex(body["salt"], SALT_BYTES)
    rows = [_template(voice["bits"]) for voice in body["voices"]]
    labels = tuple(str(voice["label"]) for voice in body["voices"])
    if body["bits"] != BITS:
        raise ProfileError(f"the list's sizes don't fit; {_REMEDY}")
    table = np.stack(rows) if rows else np.zeros((0, BITS), dtype=bool)
    return ProtectedVoices(
        str(body["name"]), salt, labels, table, str(body["encoder_id"]), public_key
    )


def _template(text: str) -> npt.NDArray[np.bool_]:
    try:
        raw = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except binascii.Error as error:
        raise ValueError("a template isn't base64") from error
    if len(raw) * 8 != BITS:
        raise ValueError(f"a template has {len(raw) * 8} bits instead of {BITS}")
    return np.unpackbits(raw).astype(bool)


def _canonical(body: Mapping[str, Any]) -> bytes:
    unsigned = {key: value for key, value in body.items() if key != "signature"}
    return json.dumps(unsigned, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def device_lists(folder: Path | None = None) -> Sequence[ProtectedVoices]:
    """Every list that was loaded on this device (or is in `folder`).

    Raises:
        ProfileError: one of them is damaged: a guard without its list must let no voice pass.
    """
    directory = folder or lists_folder()
    lists = []
    for file in sorted(directory.glob(f"*{SUFFIX}")):
        try:
            lists.append(decode_list(read_own(file, MAX_BYTES)))
        except (OSError, ProfileError, SealError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ProfileError(f"{file.name}: {reason}") from error
    return lists


def lists_folder() -> Path:
    """Where lists are kept: `$XDG_DATA_HOME/voicelet/protected`, beside the profiles."""
    return default_folder().parent / "protected"


def load_list(source: Path) -> ProtectedVoices:
    """Copy a list onto this device, where enrolment uses it from now on.

    A list of the same name is replaced if the same device signed it.

    Raises:
        ProfileError: it isn't a list, can't be stored, or another keeper's has that name.
        SealError: it was changed since it was signed.
    """
    try:
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        voices = decode_list(data)
        folder = lists_folder()
        target = folder / f"{file_stem(check_name(voices.name))}{SUFFIX}"
        if (
            target.exists()
            and decode_list(read_own(target, MAX_BYTES)).public_key != voices.public_key
        ):
            raise ProfileError(
                f"there is a list {voices.name!r} of another keeper; remove that one first"
            )
        make_private(folder)
        with atomic_file(target, 0o600, follow=False) as stream:
            stream.write(data)
    except OSError as error:
        raise ProfileError(f"{source}: {error.strerror or error}") from error
    return voices


def remove_list(name: str) -> None:
    """Take a list off this device.

    Raises:
        ProfileNotFoundError: there is none of that name.
        ProfileError: it can't be removed.
    """
    target = lists_folder() / f"{file_stem(check_name(name))}{SUFFIX}"
    try:
        target.unlink()
    except FileNotFoundError:
        raise ProfileNotFoundError(f"there is no list of protected voices {name!r}") from None
    except OSError as error:
        raise ProfileError(f"can't remove the list {name!r}: {error.strerror or error}") from error
