"""A profile learns from its owner alone, and from three minutes of speech at most.

The consent in a profile is to one voice.  Learning from another one would be a way round it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from voicelet.enrolment.gate import MAX_REFERENCE_S
from voicelet.errors import ProfileError, VoiceProtectedError
from voicelet.profiles.profile import Profile
from voicelet.speaker.voice_match import voice_scale
from voicelet_export.train.data import Item

log = logging.getLogger(__name__)


def own_items(profile: Profile, items: Sequence[Item]) -> list[Item]:
    """The utterances, by name, that sound like the profile's person; 180 s of them at most.

    One utterance may be told apart wrongly (`docs/reference/verification.md`): it is left out.  All
    of them together may not.

    Raises:
        ProfileError: the profile's voice can't be compared with them.
        VoiceProtectedError: they are another person's, as a whole or for the most part.
    """
    scale = voice_scale()
    if profile.encoder_id != scale.encoder_id:
        raise ProfileError(
            f"the profile {profile.name!r} was made by another speaker encoder; enrol it again"
        )

    def is_owner(vector: np.ndarray, speech_s: float) -> bool:
        unit = vector / max(float(np.linalg.norm(vector)), 1e-9)
        shorter_s = min(speech_s, profile.speech_s)
        return scale.match(profile.d_vector, unit, shorter_s).log_likelihood_ratio >= 0.0

    total_s = sum(map(seconds, items))
    if not items:
        return []
    own = [i for i in items if is_owner(np.array(i.entry.d_vector), seconds(i))]
    whole = np.mean([i.entry.d_vector for i in items], axis=0)
    if not is_owner(whole, total_s) or sum(map(seconds, own)) < 0.5 * total_s:
        raise VoiceProtectedError(
            f"these recordings aren't of the person whose voice {profile.name!r} is; a profile"
            " learns from its owner alone"
        )
    if len(own) < len(items):
        log.warning("%d utterances sound like somebody else; left out", len(items) - len(own))
    kept: list[Item] = []
    used_s = 0.0
    for item in sorted(own, key=lambda i: i.entry.id):
        used_s += seconds(item)
        if used_s > MAX_REFERENCE_S:
            log.warning("only the first %.0f s of speech are learnt from", MAX_REFERENCE_S)
            break
        kept.append(item)
    return kept


def seconds(item: Item) -> float:
    """Length of an utterance."""
    return float(item.entry.n_frames / item.cache.features.frames_per_second)
