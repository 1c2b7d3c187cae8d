"""The recording gate: is this good enough to take a voice from?

Recordings are decoded, trimmed to speech and measured.  What can't give a good voice is refused
with every reason and what to do about each; what is merely worse than it could be is warned about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from voicelet.audio.consistency import speaker_consistency
from voicelet.audio.features import FloatArray
from voicelet.audio.gate_report import DEFAULT_GATE, GateConfig, GateReport
from voicelet.audio.level import active_level_dbfs
from voicelet.audio.quality import (
    bandwidth_hz,
    pitch_range,
    snr_db,
    speech_and_noise_power,
)
from voicelet.audio.resample import resample
from voicelet.audio.source import Recording, load_recording, name_of
from voicelet.audio.vad import speech_segments
from voicelet.audio.verdict import find_reasons, find_warnings
from voicelet.errors import AudioError, RecordingRejected

__all__ = [
    "Embed",
    "GateConfig",
    "GateReport",
    "GatedSpeech",
    "Progress",
    "Recording",
    "check_recordings",
    "require_accepted",
]

RATE_HZ = 24000
VAD_RATE_HZ = 16000

Embed = Callable[[FloatArray], FloatArray]
"""Speech at 16 kHz [n] → unit embeddings of its windows, float32 [windows, size]."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class GatedSpeech:
    """Speech that the gate kept.

    Attributes:
        report: its figures.
        speech_24k, speech_16k: float32 [n], pauses removed, level untouched.
        windows: embeddings [windows, size] of `speech_16k`, None without an encoder.
    """

    report: GateReport
    speech_24k: FloatArray = field(repr=False)
    speech_16k: FloatArray = field(repr=False)
    windows: FloatArray | None = field(repr=False)


@dataclass
class _Kept:
    """What has been gathered from the recordings so far."""

    speech_24k: list[FloatArray] = field(default_factory=list)
    speech_16k: list[FloatArray] = field(default_factory=list)
    loudest_dbfs: float = float("-inf")
    total_s: float = 0.0
    speech_s: float = 0.0
    clipped_samples: float = 0.0
    speech_power: float = 0.0  # sums, weighted by seconds
    noise_power: float = 0.0
    weight_s: float = 0.0
    cut: bool = False


def check_recordings(
    recordings: Sequence[Recording],
    config: GateConfig = DEFAULT_GATE,
    embed: Embed | None = None,
    progress: Progress | None = None,
) -> GatedSpeech:
    """Decode, trim and measure recordings of one person.

    Args:
        recordings: files or (samples, rate) pairs, joined in this order.
        embed: a speaker encoder; without one, whether it is one person isn't checked.
        progress: called with the fraction done, 0..1.

    Returns:
        The speech with its report; the report's `reasons` are filled where it isn't good enough
        (:func:`require_accepted` raises them).

    Raises:
        RecordingRejected: a recording isn't audio at all; every such recording is named.
    """
    if isinstance(recordings, (str, bytes)) or not isinstance(recordings, Sequence):
        raise AudioError("give a list of recordings, even for one: enrol([path])")
    if not recordings:
        raise RecordingRejected(["no recording was given: name at least one audio file"])
    tell = progress or (lambda fraction: None)
    kept, broken = _Kept(), []
    for index, recording in enumerate(recordings):
        try:
            _gather(recording, kept, config)
        except AudioError as error:
            name = name_of(recording, index)
            text = str(error).replace("the recording", name, 1)
            broken.append(text if name in text else f"{name}: {text}")
        tell(0.6 * (index + 1) / len(recordings))
        if kept.cut:
            break
    if broken:
        raise RecordingRejected(broken)
    return _measure(len(recordings), kept, config, embed, tell)


def require_accepted(report: GateReport) -> None:
    """Raise RecordingRejected with every reason unless the report is accepted."""
    if not report.accepted:
        raise RecordingRejected(list(report.reasons))


def _gather(recording: Recording, kept: _Kept, config: GateConfig) -> None:
    audio = load_recording(recording, RATE_HZ, config.max_recording_s)
    wave = audio.samples
    low = resample(wave, RATE_HZ, VAD_RATE_HZ)
    kept.total_s += audio.seconds
    kept.loudest_dbfs = max(kept.loudest_dbfs, active_level_dbfs(wave, RATE_HZ))
    kept.clipped_samples += audio.clipped_fraction * len(wave)
    segments = speech_segments(_audible(low), config.vad)
    speech, noise, seconds = speech_and_noise_power(low, VAD_RATE_HZ, segments)
    kept.speech_power += speech * seconds
    kept.noise_power += noise * seconds
    kept.weight_s += seconds
    for start_s, end_s in segments:
        room_s = config.max_speech_s - kept.speech_s
        if room_s <= 0.0:
            break
        end_s = min(end_s, start_s + room_s)
        kept.cut = kept.cut or end_s - start_s >= room_s
        kept.speech_24k.append(wave[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)])
        kept.speech_16k.append(low[int(start_s * VAD_RATE_HZ) : int(end_s * VAD_RATE_HZ)])
        kept.speech_s += end_s - start_s


def _audible(wave: FloatArray) -> FloatArray:
    """Bring a quiet recording up to where the voice activity model was trained."""
    level = active_level_dbfs(wave, VAD_RATE_HZ)
    if not -80.0 < level < -30.0:
        return wave
    return (wave * np.float32(10.0 ** ((-26.0 - level) / 20.0))).astype(np.float32)


def _measure(
    count: int, kept: _Kept, config: GateConfig, embed: Embed | None, tell: Progress
) -> GatedSpeech:
    empty = np.zeros(0, dtype=np.float32)
    speech_24k = np.concatenate([empty, *kept.speech_24k])
    speech_16k = np.concatenate([empty, *kept.speech_16k])
    enough = kept.speech_s >= config.min_speech_s
    windows = embed(speech_16k) if embed is not None and enough else None
    tell(0.9)
    consistency = speaker_consistency(windows).cosine if windows is not None else None
    weight_s = max(kept.weight_s, 1e-9)
    report = GateReport(
        recordings=count,
        total_s=kept.total_s,
        speech_s=kept.speech_s,
        snr_db=snr_db(kept.speech_power / weight_s, kept.noise_power / weight_s),
        clipped_fraction=min(1.0, kept.clipped_samples / (weight_s * RATE_HZ))
        if kept.weight_s
        else 0.0,
        level_dbfs=active_level_dbfs(speech_24k, RATE_HZ) if len(speech_24k) else -np.inf,
        pitch=pitch_range(speech_24k, RATE_HZ) if enough else None,
        bandwidth_hz=bandwidth_hz(speech_24k, RATE_HZ),
        speaker_consistency=consistency,
    )
    report = replace(
        report,
        reasons=tuple(find_reasons(report, config, kept.loudest_dbfs)),
        warnings=tuple(find_warnings(report, config, kept.cut)),
    )
    tell(1.0)
    return GatedSpeech(report, speech_24k, speech_16k, windows)
