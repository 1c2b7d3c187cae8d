"""Attacks on the check of a spoken consent: somebody's voice is to agree, and they never speak.

The attacker has recordings of the victim, enrols them (nothing keeps a false scripted consent out),
lets the clone read the sentence that was asked for, and changes the speech so that its mark and its
synthesis are not noticed.  Or another engine enrols its own voice and consents as itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

import voicelet
from benchmarks.attacks import Attack, mp3, noise, opus, pitch, rerecorded, speed, tempo
from benchmarks.common import BenchmarkError
from benchmarks.corpora import TarCorpus
from benchmarks.verification.engines import open_engine
from benchmarks.verification.origin import share_interval
from benchmarks.verification.people import read_people, split_people
from benchmarks.verification.tables import Row, Tell
from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.enrolment.enrolment import assess, make_profile
from voicelet.enrolment.liveness.check import LivenessReport, assess_spoken_consent
from voicelet.enrolment.liveness.issued import issued_sentences
from voicelet.enrolment.liveness.sentence import ConsentSentence, random_sentence
from voicelet.errors import ConsentError
from voicelet.profiles.profile import Profile
from voicelet.speaker.encoder import RunnableGraph, open_encoder
from voicelet.speaker.origin import SPOKEN_REFUSED
from voicelet.trust.watermark.mark import is_marking

RATE_HZ = 24000
_RATES = (
    0.75,
    0.8,
    0.85,
    0.88,
    0.9,
    0.92,
    0.94,
    0.97,
    1.03,
    1.06,
    1.08,
    1.1,
    1.12,
    1.15,
    1.2,
    1.25,
)


def _after(*steps: Attack) -> Attack:
    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        for step in steps:
            wave = step(wave, rng)
        return wave

    return apply


def dropped(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """12 ms left out of every 120 ms."""
    long, short = RATE_HZ * 120 // 1000, RATE_HZ * 12 // 1000
    return np.concatenate([wave[s : s + long - short] for s in range(0, len(wave), long)])


ATTACKS: dict[str, Attack] = {
    "as it is": _after(),
    **{f"speed {100 * (rate - 1):+.0f} %": speed(rate) for rate in _RATES},
    "lowered 2 semitones, then 12 % faster": _after(pitch(-2.0), speed(1.12)),
    "raised 2 semitones, then 12 % slower": _after(pitch(2.0), speed(1.0 / 1.12)),
    "pitch -3 semitones": pitch(-3.0),
    "pitch +3 semitones": pitch(3.0),
    "tempo +15 %": tempo(1.15),
    "tempo -15 %": tempo(1.0 / 1.15),
    "12 ms of every 120 left out": dropped,
    "re-recorded": rerecorded,
    "10 % faster, re-recorded": _after(speed(1.1), rerecorded),
    "10 % slower, noise at 25 dB": _after(speed(1.0 / 1.1), noise(25.0)),
    "10 % faster, MP3 64 kbit/s": _after(speed(1.1), mp3(64)),
    "10 % slower, Opus 16 kbit/s": _after(speed(1.0 / 1.1), opus(16)),
}
"""What is done to the clone's speech."""


@dataclass(frozen=True)
class Attempt:
    """One attempt to consent in a victim's voice; `report` says what refused it."""

    attack: str
    victim: str
    report: LivenessReport


def attempts(
    victims: Sequence[tuple[str, Profile, FloatArray]],
    say: Callable[[Profile, ConsentSentence], FloatArray],
    encoder: RunnableGraph,
    tell: Tell,
    each: int,
    seed: int = 1,
) -> Iterator[Attempt]:
    """Let `each` victims (in turn) be attacked in every way.

    Args:
        victims: name, profile and d-vectors [windows, 256].
        say: what speaks a sentence in a profile's voice, at 24 kHz.
    """
    rng, draw = np.random.default_rng(seed), random.Random(seed)
    turn = 0
    for name, attack in ATTACKS.items():
        for _ in range(each):
            victim, profile, windows = victims[turn % len(victims)]
            turn += 1
            sentence = random_sentence(rng=draw)
            changed = attack(say(profile, sentence), rng)
            report = assess_spoken_consent((changed, RATE_HZ), sentence, windows, encoder=encoder)
            tell(f"{name}, {victim}: {'; '.join(report.reasons)[:60] or 'ACCEPTED'}")
            yield Attempt(name, victim, report)


def refused_by(report: LivenessReport) -> dict[str, bool]:
    """Which of the checks refuses it, each alone."""
    origin = report.origin
    odds = None if origin is None else origin.synthetic_log_odds
    return {
        "mark": origin is not None and origin.made_by_voicelet,
        "synthetic": odds is None or odds >= SPOKEN_REFUSED,
        "voice": report.voice is None or report.voice.probability < 0.5,
        "words": report.text_probability < 0.5,
    }


def summary(tried: Sequence[Attempt], who: str) -> list[Row]:
    """Rows of each attack and of all: accepted, and refused by each check alone."""
    rows: list[Row] = []
    for attack in [*dict.fromkeys(t.attack for t in tried), "all"]:
        some = [t for t in tried if attack in ("all", t.attack)]
        accepted = np.array([t.report.accepted for t in some])
        checks = [refused_by(t.report) for t in some]
        unmarked = [not any(c for name, c in check.items() if name != "mark") for check in checks]
        rows.append(
            {
                "by": who,
                "attack": attack,
                "tried": len(some),
                "accepted": int(accepted.sum()),
                "accepted_high": share_interval(accepted, [str(i) for i in range(len(some))])[1],
                "accepted if unmarked": int(sum(unmarked)),
                **{name: float(np.mean([c[name] for c in checks])) for name in checks[0]},
            }
        )
    return rows


def consent_rows(corpus: Path, limit: int, engines: Sequence[str], tell: Tell) -> list[Row]:
    """All attacks.

    Args:
        corpus: folder of the corpora; victims are test people of "real" with enough speech.
        limit: attempts of each attack; 0 is 7, which makes 203 in all.
        engines: others, see `open_engine`; each enrols and consents as itself.

    Raises:
        BenchmarkError: speech isn't being marked.
    """
    if not is_marking():
        raise BenchmarkError(
            "unset VOICELET_RESEARCH_UNMARKED: attackers have the shipped voicelet"
        )
    voice = voicelet.Voice.load()
    encoder = open_encoder(voice.bundle)

    def say(profile: Profile, sentence: ConsentSentence) -> FloatArray:
        return np.asarray(voice.synthesize(sentence.text, profile=profile).samples)

    victims = list(_victims(corpus / "real", encoder, 20))
    rows = summary(list(attempts(victims, say, encoder, tell, limit or 7)), "voicelet")
    for spec in engines:
        rows += _engine_rows(spec, encoder, limit or 10, tell)
    return [*rows, replay_row()]


def _enrolled(
    name: str, wave: FloatArray, encoder: RunnableGraph
) -> tuple[str, Profile, FloatArray]:
    gated = assess([(wave, RATE_HZ)], encoder)
    consent = voicelet.Consent.scripted(name, "a benchmark's false consent")
    profile = make_profile(gated, name, consent, encoder)
    assert gated.windows is not None
    return name, profile, gated.windows


def _victims(
    corpus: Path, encoder: RunnableGraph, count: int
) -> Iterator[tuple[str, Profile, FloatArray]]:
    people, real = read_people(corpus), TarCorpus(corpus)
    _, test = split_people(people)
    for speaker in [s for s in test if people[s]["utterances"] >= 6][:count]:
        ids = sorted(i for i, row in real.rows.items() if row["speaker"] == speaker)[:8]
        wave = np.concatenate([resample(*real.read(i), RATE_HZ) for i in ids])
        try:
            yield _enrolled(speaker, wave, encoder)
        except voicelet.errors.RecordingRejectedError:
            continue


def _engine_rows(spec: str, encoder: RunnableGraph, count: int, tell: Tell) -> list[Row]:
    """An engine enrols as itself and reads sentences as itself, unchanged."""
    name, say = open_engine(spec)
    draw = random.Random(3)

    def speak(text: str) -> FloatArray:
        return resample(*say(text), RATE_HZ)

    wave = np.concatenate([speak(random_sentence(rng=draw).text) for _ in range(3)])
    try:
        _, _, windows = _enrolled("engine", wave, encoder)
    except voicelet.errors.RecordingRejectedError as error:
        tell(f"{name}: can't be enrolled: {error}")
        return [{"by": name, "attack": "reads as itself", "tried": count, "accepted": 0}]
    tried = []
    for _ in range(count):
        sentence = random_sentence(rng=draw)
        wave = speak(sentence.text)
        report = assess_spoken_consent((wave, RATE_HZ), sentence, windows, encoder=encoder)
        tell(f"{name}: {'; '.join(report.reasons)[:60] or 'ACCEPTED'}")
        tried.append(Attempt("reads as itself", name, report))
    return summary(tried, name)[:-1]


def replay_row(count: int = 200) -> Row:
    """Sentences of other devices, other days and the last hour, and used ones, given again."""
    store, now = issued_sentences(), datetime.now(timezone.utc)
    accepted = 0
    for number in range(count):
        drawn = now - timedelta(minutes=(16, 60, 1440, 0)[number % 4])
        text = random_sentence(drawn).text
        if number % 8 < 4:  # the others were drawn elsewhere
            store.add(text, drawn)
            if number % 4 == 3:
                store.use(text)
        try:
            store.check(text, now)
            accepted += 1
        except ConsentError:
            pass
    return {"by": "anybody", "attack": "an old consent again", "tried": count, "accepted": accepted}
