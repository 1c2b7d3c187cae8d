"""voicelet through its public API: enrol a recording, then speak."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import BenchmarkError
from benchmarks.peers.base import SpeakerRefusedError
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.cache import digest, file_digest

SEED = 1


class Voicelet:
    """A bundle; speaks like the reference, or in the bundle's own voice without one.

    Args:
        bundle: a folder or a `.voicelet` file; the one in the package where it is None.
        name: a row's name.
        own_voice: never enrol; use the voice of the bundle.
    """

    def __init__(self, bundle: Path | None, name: str, own_voice: bool = False) -> None:
        self.bundle = bundle
        self.name = name
        self.clones = not own_voice
        self._profiles: dict[str, Any] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the bundle and of the runtime's source, as either changes the audio."""
        import voicelet

        package = Path(voicelet.__file__).parent
        bundle = self.bundle or package / "voices"
        if not bundle.exists():
            raise BenchmarkError(f"there is no bundle at {bundle}")
        sources = (file_digest(p) for p in sorted(package.rglob("*.py")))
        return digest(file_digest(bundle), *sources)

    @cached_property
    def _voice(self) -> Any:
        import voicelet

        return voicelet.Voice.load(self.bundle, threads=1, trust_bundle=True)

    def _profile(self, reference: Path) -> Any:
        import voicelet

        key = file_digest(reference)
        if key not in self._profiles:
            consent = voicelet.Consent.scripted(
                reference.stem, "a reader of a public corpus; the profile isn't kept"
            )
            try:
                made = voicelet.enrol(
                    [reference], consent=consent, name=reference.stem, voice=self._voice
                )
            except voicelet.VoiceletError as error:
                raise SpeakerRefusedError(f"{self.name}: {reference.name}: {error}") from error
            self._profiles[key] = made
        return self._profiles[key]

    def synthesize(self, text: str, reference: Path | None = None) -> tuple[FloatArray, int]:
        """Speak, like the speaker of `reference` if there is one."""
        profile = self._profile(reference) if reference is not None and self.clones else None
        audio = self._voice.synthesize(text, profile=profile, seed=SEED)
        return np.asarray(audio.samples, dtype=np.float32), int(audio.sample_rate_hz)

    def close(self) -> None:
        """Nothing runs on."""
