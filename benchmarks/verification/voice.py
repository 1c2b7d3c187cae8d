"""Is it the same person?  Unseen people, through the code of the device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.corpora import TarCorpus
from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.bundle import open_bundle
from voicelet.profiles.protected import ProtectedVoices, protect
from voicelet.speaker.encoder import embed_windows, mean_d_vector, open_encoder
from voicelet.speaker.origin import speech_16k
from voicelet.speaker.voice_match import VoiceScale, voice_scale
from voicelet_export.train.voice_match import SpokenClip, groups, split_profile

_RATE_HZ = 24000
PROFILE_S = 20.0


@dataclass(frozen=True)
class Pair:
    """One comparison: whose profile, whose recording, and its scores."""

    profile: str
    speaker: str
    gender_differs: bool
    cosine: float
    ratio: float
    listed: float


def telephone(samples: FloatArray) -> FloatArray:
    """Speech at 24 kHz as after a narrow-band telephone line: 300 to 3400 Hz."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1.0 / _RATE_HZ)
    spectrum[(hz < 300.0) | (hz > 3400.0)] = 0.0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def noisy(samples: FloatArray, snr_db: float = 10.0, seed: int = 0) -> FloatArray:
    """Speech with white noise, `snr_db` below its mean power."""
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    power = float(np.mean(samples.astype(np.float64) ** 2)) * 10.0 ** (-snr_db / 10.0)
    return (samples + noise * np.sqrt(power)).astype(np.float32)


CHANGES = {"as recorded": None, "telephone band": telephone, "noise 10 dB": noisy}


def embed_people(
    corpus: Path, speakers: Sequence[str], change: str, per_speaker: int
) -> dict[str, list[SpokenClip]]:
    """The utterances of each speaker, as enrolment and verification hear them."""
    source = TarCorpus(corpus)
    encoder = open_encoder(open_bundle(None))
    by_speaker: dict[str, list[str]] = defaultdict(list)
    for utterance, row in source.rows.items():
        by_speaker[row["speaker"]].append(utterance)
    alter = CHANGES[change]
    people: dict[str, list[SpokenClip]] = {}
    for speaker in speakers:
        found = []
        for utterance in sorted(by_speaker[speaker])[:per_speaker]:
            samples, rate = source.read(utterance)
            wave = resample(samples, rate, _RATE_HZ)
            speech = speech_16k(wave if alter is None else alter(wave))
            if len(speech) >= 16000:
                vector = mean_d_vector(embed_windows(encoder, speech))
                found.append(SpokenClip(vector, len(speech) / 16000.0))
        people[speaker] = found
    return people


def profiles(people: Mapping[str, Sequence[SpokenClip]]) -> dict[str, tuple[SpokenClip, int]]:
    """Speaker → profile of the first 20 s of speech, and how many utterances that took."""
    found = {}
    for speaker, spoken in people.items():
        profile, rest = split_profile(spoken, PROFILE_S)
        if profile is not None:
            found[speaker] = profile, len(spoken) - len(rest)
    return found


def compare(
    clean: Mapping[str, tuple[SpokenClip, int]],
    people: Mapping[str, Sequence[SpokenClip]],
    genders: Mapping[str, str],
    size: int,
    scale: VoiceScale | None = None,
) -> Iterator[Pair]:
    """Every profile against every recording of `size` utterances that isn't part of it."""
    used = scale or voice_scale()
    listed: ProtectedVoices = protect(
        "benchmark",
        {s: p.d_vector for s, (p, _) in clean.items()},
        used.encoder_id,
        salt=bytes(16),
        rng=np.random.default_rng(0),
    )
    for speaker, (_, count) in clean.items():
        for one in groups(list(people[speaker])[count:], size):
            scores = dict(zip(clean, listed.scores(one.d_vector)))
            for name, (profile, _) in clean.items():
                found = used.match(profile.d_vector, one.d_vector, one.seconds)
                yield Pair(
                    name,
                    speaker,
                    genders.get(name) != genders.get(speaker),
                    found.cosine,
                    found.log_likelihood_ratio,
                    float(scores[name]),
                )


def compare_profiles(people: Mapping[str, Sequence[SpokenClip]]) -> Iterator[Pair]:
    """Profiles of 20 s against each other: another one of the same person, and everybody else's."""
    used = voice_scale()
    made: dict[str, list[SpokenClip]] = {}
    for speaker, spoken in people.items():
        rest = list(spoken)
        while True:
            profile, rest = split_profile(rest, PROFILE_S)
            if profile is None:
                break
            made.setdefault(speaker, []).append(profile)
    for first, own in made.items():
        for second, others in made.items():
            for profile in others[1 if first == second else 0 :]:
                shorter_s = min(own[0].seconds, profile.seconds)
                found = used.match(own[0].d_vector, profile.d_vector, shorter_s)
                ratio = found.log_likelihood_ratio
                yield Pair(first, second, False, found.cosine, ratio, 0.0)
