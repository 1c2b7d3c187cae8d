"""Figures of one recording, and what is wrong with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from voicelet.audio.io import read_audio
from voicelet.audio.level import active_level_dbfs
from voicelet.audio.quality import bandwidth_hz, snr_db, speech_and_noise_power
from voicelet.audio.vad import SAMPLE_RATE_HZ, speech_segments
from voicelet_export.corpus.check.config import CheckConfig, Finding
from voicelet_export.corpus.check.text import letters_in
from voicelet_export.corpus.layouts import CorpusRecording
from voicelet_export.corpus.reader import resample


@dataclass(frozen=True)
class RecordingFigures:
    """What a recording is like.

    Attributes:
        rate_hz, channels: of the file.
        seconds, speech_s: of the recording, and of the speech in it.
        lead_s, trail_s: silence before and after the speech.
        level_dbfs: active level.
        snr_db: estimated; 60 at most.
        clipped: share of samples in flattened peaks.
        dc: mean of the samples.
        bandwidth_hz: how high the speech reaches.
        letters_per_second: of its text, in a second of speech.
        digest: of the samples at 16 bits; equal recordings have equal digests.
        cut: whether it goes on after the longest that is looked at.
    """

    id: str
    speaker: str
    text: str
    rate_hz: int
    channels: int
    seconds: float
    speech_s: float
    lead_s: float
    trail_s: float
    level_dbfs: float
    snr_db: float
    clipped: float
    dc: float
    bandwidth_hz: float
    letters_per_second: float
    digest: str
    cut: bool


def measure(source: CorpusRecording, max_seconds: float) -> RecordingFigures:
    """Decode and measure a recording.

    Raises:
        AudioError, OSError: it can't be read.
    """
    audio = read_audio(source.data(), max_seconds=max_seconds)
    wave, rate = audio.samples, audio.sample_rate_hz
    dc = float(wave.mean(dtype=np.float64))
    centred = (wave - np.float32(dc)).astype(np.float32)
    segments = speech_segments(resample(centred, rate, SAMPLE_RATE_HZ))
    speech, noise, _ = speech_and_noise_power(centred, rate, segments)
    spoken = [centred[int(a * rate) : int(b * rate)] for a, b in segments]
    speech_s = sum(len(s) for s in spoken) / rate
    level = active_level_dbfs(centred, rate)
    whole = np.clip(np.rint(wave * 32767.0), -32768, 32767).astype("<i2")
    return RecordingFigures(
        id=source.id,
        speaker=source.speaker,
        text=source.text,
        rate_hz=audio.source_rate_hz,
        channels=audio.n_channels,
        seconds=round(audio.seconds, 4),
        speech_s=round(speech_s, 4),
        lead_s=round(segments[0][0], 3) if segments else 0.0,
        trail_s=round(max(0.0, audio.seconds - segments[-1][1]), 3) if segments else 0.0,
        level_dbfs=round(max(level, -120.0), 2),
        snr_db=round(snr_db(speech, noise), 2),
        clipped=audio.clipped_fraction,
        dc=round(dc, 5),
        bandwidth_hz=round(bandwidth_hz(np.concatenate(spoken), rate)) if spoken else 0.0,
        letters_per_second=round(letters_in(source.text) / speech_s, 3) if speech_s else 0.0,
        digest=hashlib.sha256(whole.tobytes()).hexdigest(),
        cut=audio.cut_at_limit,
    )


def check_measured(m: RecordingFigures, config: CheckConfig) -> list[Finding]:
    """What is wrong with a recording's own figures."""
    found: list[Finding] = []

    def say(check: str, severity: str, value: float, message: str) -> None:
        level = "error" if severity == "error" else "warning"
        found.append(Finding(m.id, check, level, message, value))  # type: ignore[arg-type]

    if m.rate_hz < config.least_rate_hz:
        say("sample rate", "error", m.rate_hz, f"{m.rate_hz} Hz; record at 24 kHz or more")
    if m.channels > 1:
        message = f"{m.channels} channels; the one with the clearest speech is taken"
        say("channels", "warning", m.channels, message)
    if m.cut:
        say("length", "warning", m.seconds, f"longer than {config.max_seconds:g} s; cut it up")
    elif m.seconds < config.min_seconds:
        say("length", "warning", m.seconds, f"only {m.seconds:.2f} s; preparation leaves it out")
    if m.clipped > config.clipped_warning:
        severity = "error" if m.clipped > config.clipped_error else "warning"
        say("clipping", severity, m.clipped, f"{m.clipped:.2%} clipped; record it more quietly")
    if abs(m.dc) > config.most_dc:
        say("dc", "warning", m.dc, f"an offset of {m.dc:+.3f}; high-pass it at 20 Hz")
    if m.speech_s == 0.0:
        say("silence", "error", 0.0, "no speech is heard in it; leave it out")
        return found
    if m.level_dbfs < config.least_level_dbfs:
        message = f"speech at {m.level_dbfs:.0f} dBFS; record it louder"
        say("level", "warning", m.level_dbfs, message)
    if m.snr_db < config.snr_warning_db:
        severity = "error" if m.snr_db < config.snr_error_db else "warning"
        say("noise", severity, m.snr_db, f"speech only {m.snr_db:.0f} dB above the noise")
    if m.bandwidth_hz < config.least_bandwidth_hz:
        message = f"nothing above {m.bandwidth_hz:.0f} Hz; it was a telephone's or strongly coded"
        say("bandwidth", "warning", m.bandwidth_hz, message)
    edge = max(m.lead_s, m.trail_s)
    if edge > config.most_edge_s:
        say("silence", "warning", edge, f"{edge:.1f} s of silence at one end; trim it")
    elif m.speech_s < config.least_speech * m.seconds:
        share = m.speech_s / m.seconds
        say("silence", "warning", share, f"only {share:.0%} of it is speech; cut the pauses")
    low, high = config.letters_per_second
    if not low <= m.letters_per_second <= high and letters_in(m.text):
        message = f"{m.letters_per_second:.1f} letters a second; its text isn't what is said"
        say("text mismatch", "error", m.letters_per_second, message)
    return found
