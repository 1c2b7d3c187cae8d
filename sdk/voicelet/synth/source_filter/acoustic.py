"""From phones to frames: durations, pitch and energy per phone, then mel and f0 per frame.

FastSpeech 2 (Ren et al. 2021): the encoder runs once on a clause, every phone's features are
repeated for its frames, and the decoder runs on any stretch of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.engine import Graph
from voicelet.errors import BundleError, ProfileError
from voicelet.synth.base import check_shapes
from voicelet.synth.source_filter.intonation import LABEL_DELAY_FRAMES, accented, turn
from voicelet.synth.types import Controls
from voicelet.text.words import Accent, Tone

IntArray = npt.NDArray[np.int64]

ENERGY_STD_DB = 14.0
"""One unit of the energy feature, in dB."""
EFFORT = 0.25
"""Share of a change of loudness that goes into the model's energy; more distorts its timbre."""
MAX_PHONE_FRAMES = 240
"""No phone is held longer than this at normal speed (3 s), whatever the model says."""
ENCODED = ("hidden", "log_duration", "pitch", "energy", "condition")
_LOG_F0_RANGE = (math.log(40.0), math.log(1000.0))


@dataclass(frozen=True)
class EncodedClause:
    """A clause, ready to be decoded.

    Attributes:
        ends: frames until the end of each phone, pads included, [N]; the last is the length.
        frames: the decoder's input, [T, C + 4].
        voiced: bool [T], frames that are voiced whatever the decoder says.
        condition: [1, K].
        log_f0_mean: the speaker's, [1, 1].
    """

    ends: IntArray
    frames: FloatArray
    condition: FloatArray
    log_f0_mean: FloatArray
    voiced: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.frames)


class AcousticModel:
    """The two acoustic graphs.  Holds no state; threads may share it.

    Args:
        encoder, decoder: roles `acoustic_encoder` and `acoustic_decoder`.
        context_frames: the decoder's receptive field on each side.
        pitch_scale: one unit of the pitch feature in natural log Hz.
        f0_index: where the speaker vector holds the mean log f0.
        speaker_size: its length; without it nothing may follow behind it.
        label_delay_frames: by how much the durations lie behind what is heard.
    """

    def __init__(
        self,
        encoder: Graph,
        decoder: Graph,
        context_frames: int,
        pitch_scale: float,
        f0_index: int,
        speaker_size: int | None = None,
        label_delay_frames: float = LABEL_DELAY_FRAMES,
    ) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._speaker_size = speaker_size
        self.context_frames = context_frames
        self.label_delay_frames = label_delay_frames
        self._pitch_scale, self._f0_index = pitch_scale, f0_index

    def encode(
        self,
        phones: IntArray,
        speaker: FloatArray,
        controls: Controls,
        tones: Sequence[Tone] = (),
        spelled: str = "",
        accents: Sequence[Accent] = (),
    ) -> EncodedClause:
        """Run the encoder and lay out the frames.

        Args:
            phones: [N], pads at both ends.
            speaker: the speaker vector; for an adapted one, behind it a shift of log durations,
                a gain of pitch, a shift of energy, and one of the condition.
            controls: speed, pitch and energy of this clause.
            tones: where its pitch turns.
            spelled: the phones' symbols, without pads; tones need them.
            accents: words that are emphasized.
        """
        size = self._speaker_size or len(speaker)
        speaker, adaptation = speaker[:size], speaker[size:]
        outputs = self._encoder.run({"phones": phones[None], "speaker": speaker[None]})
        n = len(phones)
        shapes: dict[str, tuple[int | None, ...]] = dict.fromkeys(ENCODED, (1, n))
        shapes.update(hidden=(1, n, None), condition=(1, None))
        check_shapes(outputs, shapes, "acoustic_encoder")
        if not all(np.isfinite(outputs[name]).all() for name in ENCODED):
            raise BundleError(
                "the acoustic model gave numbers that aren't finite for this voice; enrol it again"
            )
        if len(adaptation) and len(adaptation) != 3 + outputs["condition"].shape[1]:
            raise ProfileError("the profile's adaptation is of another size; adapt it again")
        slower, wider, louder = (
            adaptation[:3] if len(adaptation) else np.array([0, 1, 0], np.float32)
        )
        accent = accented(accents, n)
        log_duration = outputs["log_duration"][0] + slower + accent.log_duration
        durations = phone_frames(log_duration, controls.speed)
        semitone = math.log(2.0) / 12.0 / self._pitch_scale
        wider = np.float32(wider * controls.pitch_range)
        pitch = outputs["pitch"][0] * wider + accent.semitones * np.float32(semitone)
        louder_db = 20.0 * math.log10(controls.energy)
        energy = outputs["energy"][0] + louder + np.float32(EFFORT * louder_db / ENERGY_STD_DB)
        energy += accent.louder_db / np.float32(ENERGY_STD_DB)
        frames = repeat_phones(outputs["hidden"][0], pitch, energy, durations)
        ends = np.cumsum(durations)
        turned = turn(
            (frames[:, -4], frames[:, -3]),
            spelled,
            ends,
            tones,
            semitone,
            1.0 / ENERGY_STD_DB,
            controls.pitch_range,
            self.label_delay_frames,
        )
        frames[:, -4] = turned.pitch + np.float32(controls.pitch_semitones * semitone)
        frames[:, -3] = turned.energy
        return EncodedClause(
            ends,
            frames,
            outputs["condition"] + adaptation[3:] if len(adaptation) else outputs["condition"],
            speaker[self._f0_index].reshape(1, 1),
            turned.voiced,
        )

    def decode(
        self, clause: EncodedClause, first: int, last: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Decode the frames `first` to `last`.

        Returns:
            mel [n, bands] (normalized), log f0 [n], voicing [n] of 0 and 1.

        Raises:
            BundleError: the model gave numbers that aren't finite, or of another shape.
        """
        low = max(0, first - self.context_frames)
        high = min(len(clause.frames), last + self.context_frames)
        outputs = self._decoder.run(
            {
                "frames": clause.frames[None, low:high],
                "condition": clause.condition,
                "log_f0_mean": clause.log_f0_mean,
            }
        )
        n = high - low
        shapes: dict[str, tuple[int | None, ...]] = {"mel": (1, n, None)}
        check_shapes(outputs, {**shapes, "log_f0": (1, n), "voicing": (1, n)}, "acoustic_decoder")
        cut = slice(first - low, last - low)
        mel, log_f0 = outputs["mel"][0, cut], outputs["log_f0"][0, cut]
        if not (np.isfinite(mel).all() and np.isfinite(log_f0).all()):
            raise BundleError(
                "the acoustic model gave numbers that aren't finite for this voice; enrol it again"
            )
        # The vocoder was trained on frames that are either voiced or not.
        voicing = (outputs["voicing"][0, cut] > 0.5).astype(np.float32)
        if clause.voiced is not None:
            voicing[clause.voiced[first:last]] = 1.0
        return mel, np.clip(log_f0, *_LOG_F0_RANGE), voicing


def phone_frames(log_duration: FloatArray, speed: float) -> IntArray:
    """Whole frames of every phone, at least one, [N] → int64 [N]."""
    limit = math.log(MAX_PHONE_FRAMES)
    log_frames = np.nan_to_num(log_duration, nan=0.0, posinf=limit, neginf=0.0).clip(0.0, limit)
    frames = np.exp(log_frames) / speed
    whole: IntArray = np.maximum(np.rint(frames), 1.0).astype(np.int64)
    return whole


def repeat_phones(
    hidden: FloatArray, pitch: FloatArray, energy: FloatArray, durations: IntArray
) -> FloatArray:
    """Repeat each phone's features for its frames (the length regulator).

    Args:
        hidden: [N, C]; pitch, energy, durations: [N].

    Returns:
        [T, C + 4]: hidden, pitch, energy, position in the phone (0..1), log duration.
    """
    n, channels = hidden.shape
    index = np.repeat(np.arange(n), durations)
    frames = np.empty((len(index), channels + 4), np.float32)
    np.take(hidden, index, axis=0, out=frames[:, :channels])
    starts = np.cumsum(durations) - durations
    lengths = durations.astype(np.float32)
    frames[:, channels] = pitch[index]
    frames[:, channels + 1] = energy[index]
    frames[:, channels + 2] = (np.arange(len(index)) - starts[index] + 0.5) / lengths[index]
    frames[:, channels + 3] = np.log(lengths)[index]
    return frames
