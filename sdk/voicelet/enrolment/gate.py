"""The recording gate: is this good enough to take a voice from?

Recordings are decoded, trimmed to speech and measured.  What can't give a good voice is refused
with every reason and what to do about each; what is merely worse than it could be is warned about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.audio.io import Faults
from voicelet.audio.level import active_level_dbfs
from voicelet.audio.quality import (
    bandwidth_hz,
    pitch_range,
    rounded_down,
    snr_db,
    speech_and_noise_power,
)
from voicelet.audio.resample import resample
from voicelet.audio.source import Recording, load_recording, name_of
from voicelet.audio.vad import VadConfig, speech_segments
from voicelet.errors import AudioError, ConfigError, RecordingRejectedError
from voicelet.profiles.quality import GateReport
from voicelet.speaker.consistency import speaker_consistency

MAX_REFERENCE_S = 180.0
"""No more of anybody's speech is ever used for a profile, whatever a caller asks for: a voice
needs less than a minute, and whoever has hours of a person's speech probably isn't that person."""


@dataclass(frozen=True)
class GateConfig:
    """Where the gate refuses and where it warns; `docs/research/enrolment.md` has the reasons.

    Attributes:
        min_speech_s: less speech is refused.
        warn_speech_s: less speech is warned about.
        max_speech_s: at most this much speech is used; 180 at most.
        max_recording_s: at most this much of each file is read.
        max_clipped_fraction, warn_clipped_fraction: clipped samples per sample of speech.
        min_snr_db, warn_snr_db: speech over background noise.
        silence_dbfs: a recording whose loud frames stay below this level is empty.
        warn_level_dbfs: active level below which a recording is called quiet.
        warn_bandwidth_hz: bandwidth below which a recording is called dull.
        min_consistency: cosine between the two most different parts of the speech below which
            they are taken for two people; from 12 s of speech on.
        min_consistency_short: the same for recordings of up to 6 s; in between, in proportion.
        vad: how speech is found.
        warn_hum_db, warn_rumble_db: hum of mains, and what else lies below 60 Hz, over the speech;
            both are taken out, so nothing is refused for them.
        warn_clicks_per_s: clicks in a second.
    """

    min_speech_s: float = 3.0
    warn_speech_s: float = 15.0
    max_speech_s: float = MAX_REFERENCE_S
    max_recording_s: float = 900.0
    max_clipped_fraction: float = 0.005
    warn_clipped_fraction: float = 0.0005
    min_snr_db: float = 10.0
    warn_snr_db: float = 18.0
    silence_dbfs: float = -65.0
    warn_level_dbfs: float = -42.0
    warn_bandwidth_hz: float = 6500.0
    min_consistency: float = 0.74
    min_consistency_short: float = 0.73
    vad: VadConfig = field(default_factory=VadConfig)
    warn_hum_db: float = -30.0
    warn_rumble_db: float = -10.0
    warn_clicks_per_s: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.min_speech_s <= self.max_speech_s:
            raise ConfigError("GateConfig: need 0 < min_speech_s <= max_speech_s")
        if not self.max_speech_s <= MAX_REFERENCE_S:
            raise ConfigError(
                f"GateConfig: max_speech_s may be {MAX_REFERENCE_S:g} at most; no more of a"
                " person's speech is used"
            )
        if not self.max_recording_s > 0.0:
            raise ConfigError("GateConfig: max_recording_s must be positive")

    def consistency_threshold(self, speech_s: float) -> float:
        """Cosine below which `speech_s` seconds of speech are taken for two people's."""
        weight = float(np.clip((speech_s - 6.0) / 6.0, 0.0, 1.0))
        return self.min_consistency_short + weight * (
            self.min_consistency - self.min_consistency_short
        )


DEFAULT_GATE = GateConfig()


# Messages of the gate: why a recording is refused or could be better, and what to do about it.


def find_reasons(report: GateReport, config: GateConfig, loudest_dbfs: float) -> Iterator[str]:
    """Yield every reason to refuse, each with its remedy.

    Args:
        loudest_dbfs: active level of the loudest recording, speech or not.
    """
    if report.speech_s <= 0.0 and loudest_dbfs < config.silence_dbfs:
        yield (
            "the recording is silent; check that the right microphone is chosen and not muted,"
            " then record again"
        )
        return
    if report.speech_s <= 0.0:
        yield "nobody speaks in it; record 30 to 60 seconds of one person reading aloud"
        return
    if report.speech_s < config.min_speech_s:
        yield (
            f"it holds {rounded_down(report.speech_s)} s of speech and at least"
            f" {config.min_speech_s:g} s are needed; 30 to 60 s make a good voice"
        )
    if report.clipped_fraction > config.max_clipped_fraction:
        yield (
            f"it is clipped ({100.0 * report.clipped_fraction:.1f} % of the speech is cut off at"
            " the top); turn the input level down or move away from the microphone, and record"
            " again"
        )
    if report.snr_db < config.min_snr_db:
        yield (
            f"it is too noisy (speech only {rounded_down(report.snr_db)} dB above the background,"
            f" {config.min_snr_db:g} dB are needed); record in a quiet room, close to the"
            " microphone"
        )
    cosine = report.speaker_consistency
    if cosine is not None and cosine < config.consistency_threshold(report.speech_s):
        yield (
            "more than one person seems to speak (or the voice changes a lot on the way); give"
            " recordings of one person in one manner of speaking"
        )


def find_warnings(report: GateReport, config: GateConfig, cut: bool) -> Iterator[str]:
    """Yield what would make the voice better.

    Args:
        cut: whether speech was left out because there was enough.
    """
    if config.min_speech_s <= report.speech_s < config.warn_speech_s:
        yield (
            f"only {report.speech_s:.0f} s of speech: the voice will be less alike than from 30 to"
            " 60 s"
        )
    if cut:
        yield f"only the first {config.max_speech_s:g} s of speech were used"
    if config.warn_clipped_fraction < report.clipped_fraction <= config.max_clipped_fraction:
        yield "a few peaks are clipped: turn the input level down a little next time"
    if config.min_snr_db <= report.snr_db < config.warn_snr_db:
        yield (
            f"there is noise behind the speech (it is {report.snr_db:.0f} dB below it): a quieter"
            " room makes a clearer voice"
        )
    if config.silence_dbfs <= report.level_dbfs < config.warn_level_dbfs:
        yield (
            f"the recording is quiet ({report.level_dbfs:.0f} dBFS): turn the input level up or"
            " move closer"
        )
    if 0.0 < report.bandwidth_hz < config.warn_bandwidth_hz:
        yield (
            f"nothing is heard above {report.bandwidth_hz / 1000.0:.1f} kHz, as over a telephone:"
            " a recording at 16 kHz or more sounds brighter"
        )
    if report.hum_db is not None and report.hum_db >= config.warn_hum_db:
        yield (
            f"the mains hum in it ({report.hum_hz:.0f} Hz, {-report.hum_db:.0f} dB below the"
            " speech): it was taken out; next time keep the microphone and its cable away from"
            " power supplies, or run the computer on its battery"
        )
    if report.rumble_db is not None and report.rumble_db >= config.warn_rumble_db:
        yield (
            "there is a rumble below the voice, as of wind, traffic or a touched microphone: it was"
            " taken out; put the microphone on something soft, away from the wind"
        )
    if report.clicks_per_s > config.warn_clicks_per_s:
        yield (
            f"it clicks ({report.clicks_per_s:.0f} times a second): look for a loose plug, and"
            " close programs that keep the computer busy"
        )
    if report.pitch is None and report.speech_s >= config.min_speech_s:
        yield "no pitch was found, as in a whisper: the voice will get an average one"


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

Listen = Callable[[str, FloatArray], None]
"""Called with the name of a recording and its samples, float32 [n] at 24 kHz, as they were
recorded: with pauses, and before offset, hum and rumble were taken out."""


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
class _Gathered:
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
    hum_hz: float | None = None
    hum_db: float = float("-inf")
    rumble_db: float = float("-inf")
    offset: float = 0.0
    clicks: int = 0
    cut: bool = False

    def note_faults(self, faults: Faults | None, level_dbfs: float) -> None:
        """Take the worst of each recording; `level_dbfs` is its voice's."""
        if faults is None or not np.isfinite(level_dbfs):
            return
        hum_db = faults.hum.level_dbfs - level_dbfs if faults.hum else float("-inf")
        if faults.hum is not None and hum_db > self.hum_db:
            self.hum_hz, self.hum_db = faults.hum.mains_hz, hum_db
        self.rumble_db = max(self.rumble_db, faults.rumble_dbfs - level_dbfs)
        self.offset = max(self.offset, faults.offset, key=abs)
        self.clicks += faults.clicks


def check_recordings(
    recordings: Sequence[Recording],
    config: GateConfig = DEFAULT_GATE,
    embed: Embed | None = None,
    progress: Progress | None = None,
    listen: Listen | None = None,
) -> GatedSpeech:
    """Decode, trim and measure recordings of one person.

    Args:
        recordings: files or (samples, rate) pairs, joined in this order.
        embed: a speaker encoder; without one, whether it is one person isn't checked.
        progress: called with the fraction done, 0..1.
        listen: called with every recording that is used, so that nobody need decode it again.

    Returns:
        The speech with its report; the report's `reasons` are filled where it isn't good enough
        (:func:`require_accepted` raises them).

    Raises:
        RecordingRejectedError: a recording isn't audio at all; every such recording is named.
    """
    if isinstance(recordings, (str, bytes)) or not isinstance(recordings, Sequence):
        raise AudioError("give a list of recordings, even for one: enrol([path])")
    if not recordings:
        raise RecordingRejectedError(["no recording was given: name at least one audio file"])
    on_progress = progress or (lambda fraction: None)
    gathered, problems = _Gathered(), []
    for index, recording in enumerate(recordings):
        name = name_of(recording, index)
        try:
            wave = _gather(recording, gathered, config)
            if listen is not None:
                listen(name, wave)
        except AudioError as error:
            text = str(error).replace("the recording", name, 1)
            problems.append(text if name in text else f"{name}: {text}")
        on_progress(0.6 * (index + 1) / len(recordings))
        if gathered.cut:
            break
    if problems:
        raise RecordingRejectedError(problems)
    return _measure(len(recordings), gathered, config, embed, on_progress)


def require_accepted(report: GateReport) -> None:
    """Raise RecordingRejectedError with every reason unless the report is accepted."""
    if not report.accepted:
        raise RecordingRejectedError(list(report.reasons))


def _gather(recording: Recording, gathered: _Gathered, config: GateConfig) -> FloatArray:
    """Take the speech of a recording; returns all of it as it was recorded, at 24 kHz."""
    audio = load_recording(recording, RATE_HZ, config.max_recording_s)
    wave = audio.samples
    low = resample(wave, RATE_HZ, VAD_RATE_HZ)
    gathered.total_s += audio.seconds
    level_dbfs = active_level_dbfs(wave, RATE_HZ)
    gathered.loudest_dbfs = max(gathered.loudest_dbfs, level_dbfs)
    gathered.note_faults(audio.faults, level_dbfs)
    gathered.clipped_samples += audio.clipped_fraction * len(wave)
    segments = speech_segments(_audible(low), config.vad)
    speech, noise, seconds = speech_and_noise_power(low, VAD_RATE_HZ, segments)
    gathered.speech_power += speech * seconds
    gathered.noise_power += noise * seconds
    gathered.weight_s += seconds
    for start_s, end_s in segments:
        room_s = config.max_speech_s - gathered.speech_s
        if room_s <= 0.0:
            break
        end_s = min(end_s, start_s + room_s)
        gathered.cut = gathered.cut or end_s - start_s >= room_s
        gathered.speech_24k.append(wave[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)])
        gathered.speech_16k.append(low[int(start_s * VAD_RATE_HZ) : int(end_s * VAD_RATE_HZ)])
        gathered.speech_s += end_s - start_s
    return audio.as_recorded


def _audible(wave: FloatArray) -> FloatArray:
    """Raise a quiet recording to the level that the voice activity model was trained at."""
    level = active_level_dbfs(wave, VAD_RATE_HZ)
    if not -80.0 < level < -30.0:
        return wave
    return (wave * np.float32(10.0 ** ((-26.0 - level) / 20.0))).astype(np.float32)


def _measure(
    count: int, gathered: _Gathered, config: GateConfig, embed: Embed | None, on_progress: Progress
) -> GatedSpeech:
    empty = np.zeros(0, dtype=np.float32)
    speech_24k = np.concatenate([empty, *gathered.speech_24k])
    speech_16k = np.concatenate([empty, *gathered.speech_16k])
    enough = gathered.speech_s >= config.min_speech_s
    windows = embed(speech_16k) if embed is not None and enough else None
    on_progress(0.9)
    consistency = speaker_consistency(windows).cosine if windows is not None else None
    weight_s = max(gathered.weight_s, 1e-9)
    report = GateReport(
        recordings=count,
        total_s=gathered.total_s,
        speech_s=gathered.speech_s,
        snr_db=snr_db(gathered.speech_power / weight_s, gathered.noise_power / weight_s),
        clipped_fraction=min(1.0, gathered.clipped_samples / (weight_s * RATE_HZ))
        if gathered.weight_s
        else 0.0,
        level_dbfs=active_level_dbfs(speech_24k, RATE_HZ) if len(speech_24k) else -np.inf,
        pitch=pitch_range(speech_24k, RATE_HZ) if enough else None,
        bandwidth_hz=bandwidth_hz(speech_24k, RATE_HZ),
        speaker_consistency=consistency,
        hum_hz=gathered.hum_hz,
        hum_db=gathered.hum_db if gathered.hum_hz else None,
        rumble_db=gathered.rumble_db if np.isfinite(gathered.rumble_db) else None,
        offset=gathered.offset,
        clicks_per_s=gathered.clicks / max(gathered.total_s, 1e-9),
    )
    report = replace(
        report,
        reasons=tuple(find_reasons(report, config, gathered.loudest_dbfs)),
        warnings=tuple(find_warnings(report, config, gathered.cut)),
    )
    on_progress(1.0)
    return GatedSpeech(report, speech_24k, speech_16k, windows)
