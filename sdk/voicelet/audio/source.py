"""What a caller may hand in as a recording: a file, or samples it already has.

Every recording that a voice is taken from or compared with comes in by :func:`load_recording`:
enrolment, spoken consent and verification.  `voicelet adapt` calls :func:`clean` as well.  So
nothing measures a level, or listens to a voice, before the offset and the hum are gone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voicelet.audio.channels import ChannelScan
from voicelet.audio.clicks import count_clicks
from voicelet.audio.features import FloatArray
from voicelet.audio.high_pass import high_pass
from voicelet.audio.hum import find_hum, remove_hum
from voicelet.audio.io import AudioSource, DecodedAudio, Faults, read_audio
from voicelet.audio.resample import Resampler
from voicelet.errors import AudioError

Recording = AudioSource | tuple[npt.ArrayLike, int]
"""A path, the bytes of a file, a binary file object, or (samples [n] or [n, channels], rate)."""


def load_recording(recording: Recording, sample_rate_hz: int, max_seconds: float) -> DecodedAudio:
    """Decode a file or check an array, and clean it; mono float32 at `sample_rate_hz` either way.

    Args:
        recording: integer samples are scaled by their type's range, floats are taken as ±1.
        max_seconds: how much of it is taken.

    Raises:
        AudioError: it isn't audio; the message names the remedy.
    """
    if isinstance(recording, tuple):
        if len(recording) != 2:
            raise AudioError("give samples as the pair (samples, sample_rate_hz)")
        return clean(_from_array(recording[0], recording[1], sample_rate_hz, max_seconds))
    return clean(read_audio(recording, sample_rate_hz=sample_rate_hz, max_seconds=max_seconds))


def clean(audio: DecodedAudio) -> DecodedAudio:
    """Take out what the speaker encoder would take for a voice: offset, hum, rumble.

    The encoder's features have no logarithm, so whatever is steady and strong outweighs the voice
    (`docs/research/enrolment.md` has the figures).  Recordings without any stay what they were.

    Args:
        audio: at 4 kHz or more.
    """
    rate_hz = audio.sample_rate_hz
    hum = find_hum(audio.samples, rate_hz)
    steady = audio.samples if hum is None else remove_hum(audio.samples, rate_hz, hum)
    wave = high_pass(steady, rate_hz)
    offset = float(audio.samples.mean(dtype=np.float64)) if len(audio.samples) else 0.0
    rumble = float(np.var(steady - wave, dtype=np.float64)) if len(wave) else 0.0
    rumble_dbfs = 10.0 * math.log10(rumble) if rumble > 0.0 else -math.inf
    faults = Faults(offset, hum, rumble_dbfs, count_clicks(wave, rate_hz))
    return replace(audio, samples=wave, faults=faults, uncleaned=audio.samples)


def name_of(recording: Recording, index: int) -> str:
    """What messages call it: the file's name without its folder, or its place in the list."""
    if isinstance(recording, str) or hasattr(recording, "__fspath__"):
        text = str(recording)
        return repr(text.replace("\\", "/").rsplit("/", 1)[-1] or text)
    return f"recording {index + 1}"


def _from_array(samples: Any, rate: Any, target_hz: int, max_seconds: float) -> DecodedAudio:
    if isinstance(rate, bool) or not isinstance(rate, (int, np.integer)):
        raise AudioError(f"the sample rate must be a whole number of Hz, not {rate!r}")
    rate_hz = int(rate)
    wave = _as_float(samples)
    if wave.ndim == 1:
        wave = wave[:, None]
    if wave.ndim != 2 or wave.size == 0 or wave.shape[1] > 64:
        raise AudioError(
            f"samples must have the shape [n] or [n, channels], not {np.shape(samples)};"
            " transpose them if the channels come first"
        )
    head = wave[: max(1, int(max_seconds * rate_hz))]
    scan = ChannelScan(wave.shape[1], max(1, rate_hz))
    scan.add(head)
    channel = scan.choose()
    mono = np.ascontiguousarray(head[:, channel])
    clip = scan.clip_counter(channel, ceiling=float("inf"), floor=0.01)
    clip.add(mono)
    resampler = Resampler(rate_hz, target_hz)
    return DecodedAudio(
        samples=np.concatenate([resampler.push(mono), resampler.flush()]),
        sample_rate_hz=target_hz,
        source_rate_hz=rate_hz,
        n_channels=wave.shape[1],
        channel=channel,
        source_format="array",
        clipped_fraction=clip.fraction,
        cut_at_limit=len(head) < len(wave),
    )


def _as_float(samples: Any) -> FloatArray:
    try:
        array = np.asarray(samples)
        if array.dtype.kind == "u":
            half = (float(np.iinfo(array.dtype).max) + 1.0) / 2.0
            return ((array.astype(np.float64) - half) / half).astype(np.float32)
        if array.dtype.kind == "i":
            return (array / (float(np.iinfo(array.dtype).max) + 1.0)).astype(np.float32)
        if array.dtype.kind != "f":
            raise AudioError(f"samples must be numbers, not {array.dtype}")
        finite = np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0)
        return cast(FloatArray, np.clip(finite, -4.0, 4.0).astype(np.float32))
    except (ValueError, TypeError) as error:
        raise AudioError(f"samples can't be read as numbers ({error}); give an array") from error
