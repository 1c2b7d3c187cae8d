"""Tones and exclamations, laid over the melody that the acoustic model predicts.

`voicelet.text.tune` says where the pitch turns; here is how far.  The sizes are those of neutral
read English: a yes-no question ends some six semitones above the speaker's mean, an item of a list
about two above (Wells 2006; 't Hart, Collier & Cohen 1990, ch. 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.synth.types import Controls
from voicelet.text.phones import STRESS, VOWELS
from voicelet.text.words import Accent, Emphasis, PhoneClause, Tone, Turn

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Contour:
    """A turn of the pitch, in semitones about the speaker's mean.

    Attributes:
        begin: where it begins at the highest (a rise) or at the lowest (a fall).
        end: where it ends.
        bend: share of the stretch that passes before it turns.
        louder_db: over the stretch.
    """

    begin: float
    end: float
    bend: float
    louder_db: float = 0.0


CONTOURS: dict[Turn, Contour] = {
    "rise": Contour(0.0, 6.5, 0.1, 4.0),
    "go_on": Contour(0.5, 2.0, 0.1),
    "fall": Contour(0.5, -5.0, 0.0),
}
CAPITAL_SEMITONES = 4.0
"""A word with a capital is this much higher; screen readers raise theirs by about as much."""


@dataclass(frozen=True)
class Prominence:
    """How far a word is to stand out.

    Attributes:
        semitones: that it lies above its usual pitch.
        louder_db: than usual.
        longer: factor of its duration.
    """

    semitones: float
    louder_db: float
    longer: float


PROMINENCE: dict[Emphasis, Prominence] = {
    "none": Prominence(0.0, 0.0, 1.0),
    "reduced": Prominence(-2.0, -3.0, 0.85),
    "moderate": Prominence(2.5, 3.0, 1.15),
    "strong": Prominence(4.5, 5.0, 1.35),
}
"""A stressed word of read English lies some two to four semitones above its neighbours, is louder
by some decibels and longer by a quarter (Ladd 2008, "Intonational Phonology", 2.2)."""
LABEL_DELAY_FRAMES = 4.5
"""By how much the durations of voices up to 0.4 lie behind what is heard (measured on sibilants;
see `export/TRAINING.md`).  A bundle says it of its own voice."""
LAST_PHONE_FRAMES = 5
"""Frames of the last phone before a pause that are heard where labels are late; the rest of its
label is silence."""
EXCLAIMED_ENERGY = 1.26
"""2 dB."""
EXCLAIMED_SEMITONES = 0.8
EXCLAIMED_RANGE = 1.25
ASIDE_ENERGY = 0.8
"""2 dB less."""
ASIDE_SEMITONES = -1.5
ASIDE_SPEED = 1.06
_VOICED = VOWELS + STRESS + "jlmnwŋɹ"  # a stress mark's label holds most of its vowel


@dataclass(frozen=True)
class Accented:
    """What the accents of a clause change, phone by phone, pads included, float32 [N] each.

    Attributes:
        semitones, louder_db: added to pitch and energy.
        log_duration: added to the natural log of the duration.
    """

    semitones: FloatArray
    louder_db: FloatArray
    log_duration: FloatArray


def accented(accents: Sequence[Accent], count: int) -> Accented:
    """How emphasized words stand out.

    Args:
        accents: of the clause.
        count: of its phones, pads included.
    """
    changes = np.zeros((3, count), np.float32)
    for accent in accents:
        how = PROMINENCE[accent.level]
        cut = slice(accent.start + 1, min(accent.end + 1, count - 1))
        changes[:, cut] = [[how.semitones], [how.louder_db], [math.log(how.longer)]]
    return Accented(*changes)


def of_clause(controls: Controls, clause: PhoneClause, shifts_pitch: bool = True) -> Controls:
    """The caller's controls for one clause: with its SSML prosody, and exclaimed if it is.

    What stands in parentheses is said lower, softer and a little faster (Wells 2006, 4.3).

    Args:
        shifts_pitch: whether the voice can; if not, only SSML's own pitch is left in.
    """
    prosody = clause.prosody
    requested = controls.times(prosody.speed, prosody.pitch_semitones, prosody.energy)
    if clause.aside:
        lower = ASIDE_SEMITONES * requested.pitch_range * shifts_pitch
        requested = requested.times(ASIDE_SPEED, lower, ASIDE_ENERGY)
    if not clause.exclaimed:
        return requested
    if not shifts_pitch:
        return requested.times(1.0, 0.0, EXCLAIMED_ENERGY)
    wider = min(requested.pitch_range * EXCLAIMED_RANGE, max(3.0, requested.pitch_range))
    lively = requested.times(1.0, EXCLAIMED_SEMITONES * requested.pitch_range, EXCLAIMED_ENERGY)
    return replace(lively, pitch_range=wider)


@dataclass(frozen=True)
class Turned:
    """What the tones of a clause change in its frames.

    Attributes:
        pitch, energy: [T], what the decoder is given.
        voiced: bool [T], frames that a tone keeps voiced; None without tones.
    """

    pitch: FloatArray
    energy: FloatArray
    voiced: npt.NDArray[np.bool_] | None


def turn(
    frames: tuple[FloatArray, FloatArray],
    phones: str,
    ends: IntArray,
    tones: Sequence[Tone],
    semitone: float,
    decibel: float,
    pitch_range: float,
    label_delay_frames: float = LABEL_DELAY_FRAMES,
) -> Turned:
    """Bend the melody of a clause to its tones.

    A tone begins at the pitch that is there already, if that is on the right side of the contour,
    so that nothing jumps.  Rises are kept voiced and made a little louder, for some
    voices creak or fade at the end of a sentence.

    Args:
        frames: pitch [T] about the speaker's mean and energy [T], in the model's units.
        phones: of the clause, without pads.
        ends: frames until the end of each phone, pads included, [N + 2].
        tones: of `phones`.
        semitone, decibel: in the model's units.
        pitch_range: how wide the speaker is to be; scales every contour.
        label_delay_frames: by how much `ends` lies behind what is heard.
    """
    pitch, energy = frames
    if not tones:
        return Turned(pitch, energy, None)
    pitch, energy = pitch.copy(), energy.copy()
    voiced = np.zeros(len(pitch), np.bool_)
    delay = round(label_delay_frames)
    last_phone_frames = LAST_PHONE_FRAMES if delay else len(pitch)
    starts = np.maximum(np.concatenate([[0], ends[:-1]]) - delay, 0)
    for tone in tones:
        if tone.end + 1 >= len(ends):
            continue  # of another clause
        first, of_last = int(starts[tone.start + 1]), int(starts[tone.end])
        stop = min(of_last + last_phone_frames, int(ends[tone.end]) - delay, len(pitch))
        if tone.turn == "capital":
            pitch[first : int(ends[tone.end])] += np.float32(CAPITAL_SEMITONES * semitone)
            continue
        if stop - first < 2:
            continue
        shape = CONTOURS[tone.turn]
        end = shape.end * semitone * pitch_range
        here, limit = float(pitch[first]), shape.begin * semitone * pitch_range
        begin = min(here, limit) if shape.end > shape.begin else max(here, limit)
        ramp = np.clip(np.linspace(0.0, 1.0, stop - first) - shape.bend, 0.0, None)
        ramp /= ramp[-1]
        pitch[first:stop] = begin + (end - begin) * ramp * ramp * (3.0 - 2.0 * ramp)
        # The silent end of its last phone's label, and the mark behind it.
        pitch[stop : int(ends[tone.end + 1])] = end
        energy[first:stop] += np.float32(shape.louder_db * decibel)
        if shape.end > shape.begin:
            for place in range(tone.start, tone.end):
                if phones[place] in _VOICED:
                    voiced[starts[place + 1] : min(int(ends[place + 1]) - delay, stop)] = True
    return Turned(pitch, energy, voiced)
