"""Whom a voice speaks as: an enrolled profile, or a preset of the bundle."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.bundle.store import read_data
from voicelet.config import did_you_mean
from voicelet.errors import (
    BundleError,
    ConfigError,
    ProfileError,
    ProfileNotFoundError,
    VoiceProtectedError,
)
from voicelet.files import NPZ_ERRORS, parse_npy
from voicelet.synth.types import Speaker

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile

log = logging.getLogger(__name__)

PRESETS_ROLE = "presets"
F0_INDEX = 256
"""Where a speaker vector holds the mean log f0: behind the d-vector.
`voicelet.speaker.vector` says so, but isn't imported, for it needs all of enrolment."""
_LOG_F0_LIMITS = (3.0, 7.5)

_DAMAGED: tuple[type[Exception], ...] = (*NPZ_ERRORS, IndexError, ProfileError)


class SpeakerBook:
    """Speaker vectors by name, and the way from a profile to one.  Never changed once made.

    Args:
        bundle: its presets are read here.

    Raises:
        BundleError: the presets are damaged.
        VoiceProtectedError: only the caller vouches for the bundle, and one of its presets is a
            protected voice.
    """

    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self._statistics = manifest.statistics
        self._size = manifest.statistics.speaker_size
        decoder = manifest.graphs.get("acoustic_decoder")
        self._decoders = {a.sha256 for a in decoder.alternatives} if decoder else set[str]()
        self._warned = False
        self._vectors: dict[str, FloatArray] = {}
        if not manifest.presets:
            return
        path = bundle.data_path(PRESETS_ROLE)
        try:
            table = parse_npy(read_data(bundle, PRESETS_ROLE))
            for preset in manifest.presets:
                if not 0 <= preset.index < len(table):
                    raise ValueError(f"there is no row {preset.index} for {preset.name!r}")
                self._vectors[preset.name] = self._checked(table[preset.index])
        except _DAMAGED as error:
            raise BundleError(
                f"{path.name}: the presets can't be read ({error}); install the voice again"
            ) from None
        if bundle.trusted_by == "caller":
            _refuse_protected(self._vectors)

    @property
    def names(self) -> tuple[str, ...]:
        """The presets, the default first."""
        return tuple(self._vectors)

    def is_preset(self, vector: npt.NDArray[np.float32]) -> bool:
        """Whether a speaker vector is one that the voice was trained with."""
        return any(np.array_equal(vector, own) for own in self._vectors.values())

    def vector(self, profile: Speaker | None, preset: str | None) -> FloatArray:
        """Return the speaker vector of a profile or a preset; of the first preset without either.

        The numbers of an adaptation follow behind it (`profiles/adaptation.py`).

        Raises:
            ConfigError: both are given, or there is no such preset.
            ProfileError: the profile doesn't fit this voice.
        """
        if profile is not None and preset is not None:
            raise ConfigError("give a profile or a preset, not both")
        if profile is not None:
            statistics = self._statistics
            vector = self._checked(
                type(profile).speaker_vector(
                    profile, np.array(statistics.mel_mean), np.array(statistics.mel_std)
                )
            )
            return self._adapted(vector, getattr(profile, "agreed_adaptation", None))
        if preset is None:
            if not self._vectors:
                raise ConfigError("this voice has no presets; give a profile")
            return next(iter(self._vectors.values()))
        if preset not in self._vectors:
            names = ", ".join(self._vectors) or "none"
            raise ConfigError(
                f"no preset {preset!r}{did_you_mean(str(preset), self._vectors)}; this voice has "
                f"{names}"
            )
        return self._vectors[preset]

    def _adapted(self, vector: FloatArray, adaptation: Any) -> FloatArray:
        """The speaker vector, followed by the profile's adaptation if it is for this model."""
        if adaptation is None:
            return vector
        if adaptation.decoder_sha256 not in self._decoders:
            if not self._warned:
                log.warning(
                    "the profile was adapted to another voice bundle, and speaks unadapted;"
                    " adapt it again (voicelet adapt)"
                )
            self._warned = True
            return vector
        return np.concatenate([vector, adaptation.vector])

    def _checked(self, vector: npt.ArrayLike) -> FloatArray:
        values = np.array(vector, dtype=np.float32)
        if values.shape != (self._size,):
            raise ProfileError(
                f"the speaker vector has shape {list(values.shape)}, this voice takes"
                f" [{self._size}]; enrol the voice again"
            )
        low, high = _LOG_F0_LIMITS
        if not np.isfinite(values).all() or not low < values[F0_INDEX] < high:
            raise ProfileError("the speaker vector is out of range; enrol the voice again")
        values.setflags(write=False)
        return values


def _refuse_protected(presets: Mapping[str, FloatArray]) -> None:
    """Compare presets that only the caller vouches for with this device's protected voices."""
    # Imported here: it needs all of enrolment, and presets of trusted bundles don't.
    from voicelet.profiles.protected import device_lists

    for voices in device_lists():
        for name, vector in presets.items():
            if voices.find(vector[:F0_INDEX]) is not None:
                raise VoiceProtectedError(
                    f"the preset {name!r} is a voice on the list of protected voices"
                    f" {voices.name!r}; use a bundle without it"
                )


def find_voice(name: str | None, presets: Sequence[str]) -> tuple[Profile | None, str | None]:
    """The profile of the user's vault or the preset of that name; a profile comes first.

    Args:
        name: None for neither.
        presets: of the voice that is to speak.

    Raises:
        ProfileNotFoundError: it is neither.
        ProfileLockedError: the vault's key or passphrase is missing or wrong.
    """
    if name is None:
        return None, None
    from voicelet.profiles.vault.vault import (
        Vault,
    )  # imported here: it needs all of enrolment, and presets don't

    vault = Vault()
    if name in vault:
        return vault.load(name), None
    if name in presets:
        return None, name
    names = [*vault.names(), *presets]
    raise ProfileNotFoundError(
        f"no voice {name!r}{did_you_mean(name, names)}; "
        "`voicelet voices` lists them, `voicelet enrol NAME FILE…` makes one"
    )
