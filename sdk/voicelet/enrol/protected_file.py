"""Files of protected voices, and which of them this device heeds.

A file is JSON, signed by the device that made it: any change to it is noticed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.atomic import atomic_file
from voicelet.enrol.names import check_name, default_folder, file_stem
from voicelet.enrol.protected import BITS, FLIP, SALT_BYTES, ProtectedVoices
from voicelet.errors import ProfileError, ProfileNotFound, SealError
from voicelet.trust.seal import sign, verify

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
    rows = [base64.b64encode(np.packbits(t).tobytes()).decode() for t in voices.templates]
    body = {
        "format": FORMAT,
        "version": VERSION,
        "name": voices.name,
        "encoder_id": voices.encoder_id,
        "salt": voices.salt.hex(),
        "bits": BITS,
        "flip": FLIP,
        "voices": [{"label": a, "bits": b} for a, b in zip(voices.labels, rows)],
        "public_key": key.public_key().public_bytes_raw().hex(),
    }
    body["signature"] = sign(key, _CONTEXT, _canonical(body)).hex()
    return json.dumps(body, indent=1).encode()


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
        signature = bytes.fromhex(body.pop("signature"))
        public_key = bytes.fromhex(body["public_key"])
        verify(public_key, _CONTEXT, _canonical(body), signature)
        return _decoded(body, public_key)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProfileError(
            f"the list of protected voices is damaged ({error}); {_REMEDY}"
        ) from error


def _decoded(body: dict[str, Any], public_key: bytes) -> ProtectedVoices:
    salt = bytes.fromhex(body["salt"])
    rows = [_template(voice["bits"]) for voice in body["voices"]]
    labels = tuple(str(voice["label"]) for voice in body["voices"])
    if len(salt) != SALT_BYTES or body["bits"] != BITS:
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
    rest = {key: value for key, value in body.items() if key != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def device_lists(folder: Path | None = None) -> Sequence[ProtectedVoices]:
    """Every list that was loaded on this device (or is in `folder`).

    Raises:
        ProfileError: one of them is damaged; a guard that can't read its list must not pass.
    """
    where = folder or lists_folder()
    found = []
    for file in sorted(where.glob(f"*{SUFFIX}")):
        try:
            found.append(decode_list(file.read_bytes()))
        except (OSError, ProfileError, SealError) as error:
            raise ProfileError(f"{file.name}: {error}") from error
    return found


def lists_folder() -> Path:
    """Where lists are kept: `$XDG_DATA_HOME/voicelet/protected`, beside the profiles."""
    return default_folder().parent / "protected"


def load_list(source: Path) -> ProtectedVoices:
    """Copy a list onto this device, where enrolment heeds it from now on.

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
        if target.exists() and decode_list(target.read_bytes()).public_key != voices.public_key:
            raise ProfileError(
                f"there is a list {voices.name!r} of another keeper; remove that one first"
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_file(target, 0o600) as out:
            out.write(data)
    except OSError as error:
        raise ProfileError(f"{source}: {error.strerror or error}") from error
    return voices


def remove_list(name: str) -> None:
    """Take a list off this device.

    Raises:
        ProfileNotFound: there is none of that name.
        ProfileError: it can't be removed.
    """
    target = lists_folder() / f"{file_stem(check_name(name))}{SUFFIX}"
    try:
        target.unlink()
    except FileNotFoundError:
        raise ProfileNotFound(f"there is no list of protected voices {name!r}") from None
    except OSError as error:
        raise ProfileError(f"can't remove the list {name!r}: {error.strerror or error}") from error
