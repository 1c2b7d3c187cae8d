"""What a device holds: speech, a model, an identity, and the keys of those it trusts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet.config import from_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet.files import atomic_file, make_private, read_own
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.record import ConsentRecord
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_export.train.checkpoint import RunInfo, load_acoustic
from voicelet_export.train.data import Item, load_items, read_held_out
from voicelet_export.train.utterances import UtteranceSampler
from voicelet_federated.app.config import Places, is_simulation
from voicelet_federated.app.protocol import device_id
from voicelet_federated.errors import MaskingError
from voicelet_federated.privacy.masking import identity_from_pem

_BASE_FILES = ("config.json", "statistics.json", "weights.safetensors", "checkpoint.pt")
_MAX_FRAMES = 4800
PURPOSE = "federation"
"""What a voice's consent must cover (`voicelet.trust.consent.record.PURPOSES`)."""


@dataclass(frozen=True)
class BaseModel:
    """The model that a federation adapts.

    Attributes:
        model: frozen.
        info: statistics of its features.
        sha256: of its files; both sides must hold the same.
    """

    model: AcousticModel
    info: RunInfo
    sha256: str


def load_base(folder: Path) -> BaseModel:
    """Read the base model, once a process and again when its files change.

    Raises:
        BundleError: it isn't one.
    """
    return _load_base(folder, _stamp(folder))


def base_sha256(folder: Path) -> str:
    """One hash over the files of a base model."""
    return _base_sha256(folder, _stamp(folder))


def base_config(folder: Path) -> AcousticConfig:
    """How a base model is built; its weights aren't opened.

    Raises:
        BundleError: the folder tells nothing of it.
    """
    try:
        fields = json.loads(read_own(folder / "config.json", follow=True))["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder}: not the folder of a training run ({error!r})") from None
    return from_mapping(AcousticConfig, fields, str(folder))


_Stamp = tuple[tuple[str, int, int], ...]


def _stamp(folder: Path) -> _Stamp:
    files = [(name, folder / name) for name in _BASE_FILES if (folder / name).exists()]
    return tuple((name, p.stat().st_size, p.stat().st_mtime_ns) for name, p in files)


@lru_cache(maxsize=2)
def _load_base(folder: Path, stamp: _Stamp) -> BaseModel:
    model, info = load_acoustic(folder)
    return BaseModel(model, info, _base_sha256(folder, stamp))


@lru_cache(maxsize=2)
def _base_sha256(folder: Path, stamp: _Stamp) -> str:
    digest = hashlib.sha256()
    for name, _, _ in stamp:
        digest.update(name.encode() + hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


@lru_cache(maxsize=2)
def _cache(folder: Path) -> tuple[FeatureCache, Mapping[str, tuple[Item, ...]]]:
    try:
        cache = FeatureCache(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder} is no feature cache ({error})") from None
    by_speaker: dict[str, list[Item]] = {}
    for entry in cache.entries:
        if entry.n_phones and cache.durations(entry).sum() == entry.n_frames:
            by_speaker.setdefault(entry.speaker, []).append(Item(cache, entry))
    return cache, {speaker: tuple(items) for speaker, items in by_speaker.items()}


class DeviceData:
    """The aligned utterances of one speaker of a feature cache.

    Args:
        cache: folder.
        speaker: whose; may be "" where the cache holds one alone.

    Raises:
        ConfigError: there is no such cache, or no speaker is named and it holds several.
    """

    def __init__(self, cache: Path, speaker: str = "") -> None:
        _, speakers = _cache(cache)
        if not speaker:
            if len(speakers) != 1:
                raise ConfigError(f"{cache} holds {len(speakers)} speakers; name the device's own")
            speaker = next(iter(speakers))
        self.speaker = speaker
        self.items = speakers.get(speaker, ())

    def sampler(self, info: RunInfo) -> UtteranceSampler:
        """For `training.train_locally`; without speech it has no items."""
        return UtteranceSampler(self.items, info.mel_mean, info.mel_std, _MAX_FRAMES)


def speakers_of(cache: Path, held_out: Path | None, accent: str = "") -> list[str]:
    """Names of aligned speakers that aren't held out, those with most speech first."""
    _, speakers = _cache(cache)
    excluded = read_held_out(held_out) if held_out else set()
    frames = {
        name: sum(i.entry.n_frames for i in items)
        for name, items in speakers.items()
        if name.startswith(accent) and name not in excluded
    }
    return sorted(frames, key=lambda name: (-frames[name], name))


def held_out_items(cache: Path, held_out: Path, accent: str = "") -> list[Item]:
    """Aligned utterances of held-out speakers, which no device trains on."""
    _, valid = load_items([_cache(cache)[0]], read_held_out(held_out), aligned=True)
    return [i for i in valid if i.entry.speaker.startswith(accent)]


def device_of(places: Places, partition: int | None) -> Places:
    """The places of one device: those of a simulated one follow from its partition.

    Raises:
        ConfigError: there are fewer simulated devices.
    """
    if not places.devices or not is_simulation():
        return places
    names = json.loads(read_own(places.devices, follow=True))
    if partition is None or not 0 <= partition < len(names):
        raise ConfigError(f"there are {len(names)} simulated devices, none is number {partition}")
    name = str(names[partition])
    return replace(
        places,
        speaker=name,
        devices="",
        state=str(Path(places.state) / "devices" / name),
        server_key=places.server_key + ".pub" if places.server_key else "",
    )


def federation_consent(profile: str) -> ConsentRecord:
    """The consent record of a profile in this device's vault, if it covers federated learning.

    Read from the disk each time: a consent that was withdrawn, renewed or erased counts at once.

    Raises:
        ConsentError: it doesn't cover `federation`, has ended, was withdrawn or isn't genuine.
        ProfileError: there is no such profile, or the vault can't be opened.
    """
    found = Vault().load(profile)
    found.check_consent(PURPOSE)
    return found.check_record()


def load_identity(state: Path) -> ec.EllipticCurvePrivateKey:
    """The device's identity key, made (SECP384R1, mode 0600) if it has none yet.

    Raises:
        MaskingError: the file holds no such key.
    """
    file = state / "identity.pem"
    if not file.exists():
        make_private(state)
        key = ec.generate_private_key(ec.SECP384R1())
        with atomic_file(file, 0o600, follow=False) as stream:
            stream.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
    return private_key(file)


def private_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private elliptic-curve key (PEM, or OpenSSH's format as Flower's guide makes them).

    Raises:
        MaskingError: the file holds none.
    """
    try:
        data = read_own(file, follow=True)
        load = (
            serialization.load_ssh_private_key
            if data.startswith(b"-----BEGIN OPENSSH")
            else serialization.load_pem_private_key
        )
        key = load(data, password=None)
    except (OSError, ValueError, TypeError) as error:
        raise MaskingError(f"{file}: not a private key ({error}); restore or renew it") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise MaskingError(f"{file}: an identity key must be an elliptic-curve key")
    return key


def add_to_roster(roster: Path, key: ec.EllipticCurvePublicKey) -> int:
    """Put a device's public key where others find it; returns its number."""
    make_private(roster)
    number = device_id(key)
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with atomic_file(roster / f"{number:016x}.pem") as stream:
        stream.write(pem)
    return number


def load_operator(file: Path) -> ec.EllipticCurvePublicKey:
    """The operator's public key, which assignments and floors must be signed with.

    Raises:
        ConfigError: the file can't be read.
        MaskingError: it holds no such key.
    """
    try:
        data = read_own(file, follow=True)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{file}: the operator's key can't be read ({reason})") from None
    return identity_from_pem(data)


@lru_cache(maxsize=8)
def _roster(folder: Path, _changed: int) -> Mapping[int, ec.EllipticCurvePublicKey]:
    keys = [identity_from_pem(read_own(file, follow=True)) for file in sorted(folder.glob("*.pem"))]
    return {device_id(key): key for key in keys}


def load_roster(folder: Path) -> Mapping[int, ec.EllipticCurvePublicKey]:
    """Public identity keys of the devices of a federation, by device number.

    A device that trusts a roster trusts that each key in it belongs to a different user: with
    devices of its own in the cohort a server would see less noise than was promised.

    Raises:
        MaskingError: a file isn't a key.
        ConfigError: there is no such folder, or it can't be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no roster of public keys; the operator hands it out")
    try:
        return _roster(folder, os.stat(folder).st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"{folder}: the roster can't be read ({error.strerror})") from None
