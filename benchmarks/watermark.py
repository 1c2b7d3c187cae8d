"""The watermark: what it survives, whom it takes for voicelet, who hears it, what it costs.

    python -m benchmarks.watermark robustness --out DIR [--clips 120] [--seconds 3] [--attacks A;B]
        [--words] [--thorough]
    python -m benchmarks.watermark natural --corpus DIR --out DIR [--every 1] [--thorough]
    python -m benchmarks.watermark other_keys --corpus DIR --out DIR [--every 1] [--keys 300]
    python -m benchmarks.watermark averaging --out DIR [--sentences 6] [--thorough]
    python -m benchmarks.watermark audibility --out DIR [--sentences 36] [--words]
    python -m benchmarks.watermark cost --out DIR [--repeats 40]

Each writes `NAME.json` and prints a table; see docs/reference/watermark.md.  Marked and unmarked
speech are the same but for the mark: equal texts, voices and seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.attacks import ATTACKS, RATE_HZ, Attack
from benchmarks.averaging import MEANS, RENDERINGS, likeness
from benchmarks.corpora import TarCorpus
from benchmarks.speaking import DATA, read_sentences
from voicelet.audio.features import FloatArray
from voicelet.synth import Voice
from voicelet.trust.watermark.detect import FOUND, detect_watermark
from voicelet.trust.watermark.mark import RESEARCH_SWITCH, Watermark, model_digest
from voicelet.trust.watermark.paths import (
    PilotMatcher,
    likelihoods,
    log_evidence,
    running_sums,
    tile_steps,
)
from voicelet.trust.watermark.pattern import TILES, Payload, bit_errors, layout
from voicelet.trust.watermark.search import band_energies, power_spectra, residuals
from voicelet.trust.watermark.thorough import ThoroughSearch
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need

ACTIVE_DB = 30.0
ACTIVE_SHARE = 0.6
_CONFIDENCE = 1.96
_LONGEST_S = 20.0


@contextmanager
def unmarked() -> Iterator[None]:
    """Leave the mark out, for comparisons."""
    before = os.environ.get(RESEARCH_SWITCH)
    os.environ[RESEARCH_SWITCH] = "1"
    try:
        yield
    finally:
        del os.environ[RESEARCH_SWITCH]
        if before is not None:
            os.environ[RESEARCH_SWITCH] = before


def clips(
    voice: Voice, count: int, seconds: float, rng: np.random.Generator, *, speed: float = 1.0
) -> list[FloatArray]:
    """Cut clips anywhere from long utterances of all presets, pauses and all."""
    sentences = read_sentences(DATA / "sentences.txt")
    length = int(seconds * RATE_HZ)
    each = -(-count // len(voice.presets))
    out: list[FloatArray] = []
    for i, preset in enumerate(voice.presets):
        text = " ".join(sentences[(7 * i + k) % len(sentences)] for k in range(14))
        wave = voice.synthesize(text, preset=preset, seed=i, speed=speed).samples
        starts = rng.integers(0, len(wave) - length, each)
        out += [wave[s : s + length] for s in starts]
    return out[:count]


def joined_words(voice: Voice, count: int, words: int) -> list[FloatArray]:
    """Words said by one call each and joined, of all presets in turn."""
    spoken = " ".join(read_sentences(DATA / "sentences.txt")).split()
    out: list[FloatArray] = []
    for i in range(count):
        preset = voice.presets[i % len(voice.presets)]
        first = words * i % (len(spoken) - words)
        parts = [voice.synthesize(w, preset=preset).samples for w in spoken[first : first + words]]
        out.append(np.concatenate(parts))
    return out


def is_speech(wave: FloatArray) -> bool:
    """Whether the clip holds speech for most of its time (frames 30 dB below its loudest count)."""
    frames = wave[: len(wave) // 240 * 240].reshape(-1, 240)
    level = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return bool(np.mean(level > level.max() - ACTIVE_DB) >= ACTIVE_SHARE)


def attack_clips(
    waves: list[FloatArray],
    attack: Attack,
    payload: Payload,
    seed: int,
    thorough: ThoroughSearch | None = None,
) -> dict[str, float]:
    """Detect clips after an attack.

    Returns:
        shares `found` (with `found_low`, the lower end of Wilson's interval at 95 %), `read` (the
        payload is right) and `wrong` (another payload was read); over the clips that were found
        `bit_error` of the coded bits; `score`, the median.
    """
    rng = np.random.default_rng(seed)
    found, read, wrong = 0, 0, 0
    errors, scores = [], []
    for wave in waves:
        heard = attack(wave, rng)
        seen = detect_watermark(heard, RATE_HZ, scales=thorough is None, thorough=thorough)
        scores.append(seen.score)
        if seen.found:
            found += 1
            read += seen.payload == payload
            wrong += seen.payload is not None and seen.payload != payload
            errors.append(bit_errors(seen.soft_bits, payload))
    count = len(waves)
    return {
        "clips": count,
        "found": found / count,
        "found_low": wilson_low(found, count),
        "read": read / count,
        "wrong": wrong / count,
        "bit_error": statistics.fmean(errors) if errors else float("nan"),
        "score": statistics.median(scores),
    }


def wilson_low(hits: int, count: int) -> float:
    """Lower end of Wilson's 95 % interval of a share."""
    z, share = _CONFIDENCE, hits / count
    middle = share + z * z / (2 * count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return (middle - half) / (1 + z * z / count)


def robustness(args: argparse.Namespace) -> dict[str, Any]:
    """The table of attacks; clean clips of 1 s besides."""
    voice = Voice.load()
    payload = Watermark(model_digest(voice.info.name, voice.info.version)).payload()
    rng = np.random.default_rng(5)
    thorough = ThoroughSearch() if args.thorough else None
    if args.words:
        waves = joined_words(voice, args.clips, args.word_count)
    else:
        waves = clips(voice, args.clips, args.seconds, rng)
    wanted = args.attacks.split(";") if args.attacks else list(ATTACKS)
    rows: dict[str, dict[str, float]] = {}
    for i, name in enumerate(wanted):
        rows[name] = attack_clips(waves, ATTACKS[name], payload, i, thorough)
        _say(f"{name}: {rows[name]}")
    if not args.words and not args.attacks:
        short = clips(voice, 3 * args.clips, 1.0, rng)
        speech = [w for w in short if is_speech(w)][: args.clips]
        rows["none, 1 s of speech"] = attack_clips(speech, ATTACKS["none"], payload, 0)
        rows["none, 1 s anywhere"] = attack_clips(short[: args.clips], ATTACKS["none"], payload, 0)
    lines = [
        "| after | found | payload read | bit errors | median score |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row['found']:.1%} | {row['read']:.1%} | {row['bit_error']:.1%} "
            f"| {row['score']:.1f} |"
        )
    print("\n".join(lines))
    return {"voice": voice.info.version, "rows": rows, "payload": payload.to_int()}


def natural(args: argparse.Namespace) -> dict[str, Any]:
    """Every utterance of a corpus without marks: how high does one score?"""
    corpus = TarCorpus(args.corpus)
    thorough = ThoroughSearch() if args.thorough else None
    rows = []
    for utterance in list(corpus.rows)[:: args.every]:
        samples, rate = corpus.read(utterance)
        if len(samples) >= 0.5 * rate:
            seen = detect_watermark(samples, rate, scales=thorough is None, thorough=thorough)
            rows.append((seen.probability, seen.score, len(samples) / rate, utterance))
    rows.sort(reverse=True)
    hours = sum(row[2] for row in rows) / 3600
    wrong = sum(row[0] >= FOUND for row in rows)
    print(f"{len(rows)} utterances, {hours:.2f} h: {wrong} taken for voicelet's")
    print("highest: " + ", ".join(f"{p:.4f} ({s:.2f})" for p, s, _, _ in rows[:5]))
    highest = [{"probability": p, "score": s, "id": i} for p, s, _, i in rows[:20]]
    return {"utterances": len(rows), "hours": hours, "found": wrong, "highest": highest}


def other_keys(args: argparse.Namespace) -> dict[str, Any]:
    """The evidence of pilots of other keys, each a recording that might have been taken for ours.

    Each utterance is searched at a random speed and pitch, a third of them at their own.
    """
    matchers = [PilotMatcher(layout(k, k)) for k in (b"other %d" % i for i in range(args.keys))]
    corpus, rng = TarCorpus(args.corpus), np.random.default_rng(1)
    logs: list[npt.NDArray[np.float64]] = []
    for utterance in list(corpus.rows)[:: args.every]:
        samples, rate = corpus.read(utterance)
        wave = resample(samples / max(float(np.abs(samples).max()), 1e-9), rate, RATE_HZ)
        if len(wave) < RATE_HZ:
            continue
        pitch, tempo = np.exp(rng.uniform(-0.27, 0.27, 2)) if rng.random() < 0.67 else (1.0, 1.0)
        sums = power_spectra(wave[: int(_LONGEST_S * RATE_HZ)])
        steps = tile_steps(running_sums(residuals(band_energies(sums, pitch))), tempo)
        ratios = np.empty((len(steps), len(matchers), TILES), np.float32)
        for i, matcher in enumerate(matchers):
            ratios[:, i] = likelihoods(*matcher(steps), [0.6])[:, 0]
        logs.append(log_evidence(ratios))
    found = np.concatenate(logs)
    shares = {str(e): float(np.mean(found >= np.log(e))) for e in (10, 100, 1000, 10000)}
    out = {"trials": len(found), "mean": float(np.exp(found).mean()), "at_least": shares}
    print(f"{out}, largest {float(np.exp(found.max())):.0f}")
    return {**out, "largest": float(np.exp(found.max()))}


def averaging(args: argparse.Namespace) -> dict[str, Any]:
    """Means of 5, 10 and 20 renderings of a sentence: is the mark still found?"""
    voice, thorough = Voice.load(), ThoroughSearch() if args.thorough else None
    rows: dict[str, dict[str, float]] = {}
    for i, text in enumerate(read_sentences(DATA / "sentences.txt")[: args.sentences]):
        for way, render in RENDERINGS.items():
            takes = render(voice, text, 20)
            alike = likeness(takes)
            for count in (5, 10, 20):
                for kind, mean in MEANS.items():
                    row = rows.setdefault(f"{way}, {kind} of {count}", dict.fromkeys(_TALLY, 0.0))
                    seen = detect_watermark(mean(takes[:count]), RATE_HZ, thorough=thorough)
                    row["clips"] += 1
                    row["found"] += seen.found
                    row["likeness"] += alike
        _say(f"{i + 1} sentences")
    for name, row in rows.items():
        row["likeness"] /= row["clips"]
        print(f"{name:42} {row['found']:.0f} of {row['clips']:.0f}, likeness {row['likeness']:.2f}")
    return rows


_TALLY = ("clips", "found", "likeness")


def audibility(args: argparse.Namespace) -> dict[str, Any]:
    """Marked against unmarked: PESQ, P.808 and, if asked for, word errors."""
    from voicelet_export.metrics.intelligibility import Recognizer
    from voicelet_export.metrics.naturalness import Dnsmos

    pesq, dnsmos, recognizer = need("pesq"), Dnsmos(), Recognizer()
    voice = Voice.load()
    rows: list[dict[str, float]] = []
    errors = {"marked": 0, "plain": 0, "words": 0}
    for i, text in enumerate(read_sentences(DATA / "sentences.txt")[: args.sentences]):
        preset = voice.presets[i % len(voice.presets)]
        marked = voice.synthesize(text, preset=preset, seed=i).samples
        with unmarked():
            plain = voice.synthesize(text, preset=preset, seed=i).samples
        pair = [resample(w, RATE_HZ, 16000) for w in (plain, marked)]
        rows.append(
            {
                "pesq": float(pesq.pesq(16000, *pair, "wb")),
                "p808": dnsmos.score(marked, RATE_HZ)["p808"],
                "p808_plain": dnsmos.score(plain, RATE_HZ)["p808"],
            }
        )
        if args.words:
            for name, wave in (("plain", plain), ("marked", marked)):
                errors[name] += recognizer.errors(text, recognizer.transcribe(wave, RATE_HZ)).errors
            errors["words"] += len(recognizer.words(text))
    change = [r["p808"] - r["p808_plain"] for r in rows]
    half = _CONFIDENCE * statistics.stdev(change) / len(change) ** 0.5
    out = {
        "sentences": len(rows),
        "pesq": statistics.fmean(r["pesq"] for r in rows),
        "pesq_lowest": min(r["pesq"] for r in rows),
        "p808_change": statistics.fmean(change),
        "p808_half_interval": half,
        "p808_plain": statistics.fmean(r["p808_plain"] for r in rows),
        **({f"errors_{k}": v for k, v in errors.items()} if args.words else {}),
    }
    print("\n".join(f"{k}: {v:.4f}" for k, v in out.items()))
    return out


def cost(args: argparse.Namespace) -> dict[str, Any]:
    """Time of synthesis and of first audio with the mark, as a ratio to that without, in turn."""
    voice = Voice.load()
    text = " ".join(read_sentences(DATA / "sentences.txt")[:2])
    voice.synthesize(text)
    whole: dict[bool, list[float]] = {True: [], False: []}
    first: dict[bool, list[float]] = {True: [], False: []}
    for repeat in range(args.repeats):
        for marks in (True, False) if repeat % 2 else (False, True):
            os.environ[RESEARCH_SWITCH] = "0" if marks else "1"
            began = time.process_time()
            voice.synthesize(text)
            whole[marks].append(time.process_time() - began)
            began = time.process_time()
            next(iter(voice.stream(text)))
            first[marks].append(time.process_time() - began)
    del os.environ[RESEARCH_SWITCH]
    ratios = [a / b for a, b in zip(whole[True], whole[False])]
    waits = [1000.0 * (a - b) for a, b in zip(first[True], first[False])]
    out = {
        "ratio": statistics.median(ratios),
        "ratio_of_lowest": min(whole[True]) / min(whole[False]),
        "first_audio_ms": statistics.median(waits),
        "repeats": args.repeats,
    }
    print("\n".join(f"{k}: {v:.4f}" for k, v in out.items()))
    return out


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


COMMANDS = {c.__name__: c for c in (robustness, natural, other_keys, averaging, audibility, cost)}


def main(argv: list[str] | None = None) -> int:
    """Measure one thing, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watermark", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a clip")
    parser.add_argument(
        "--attacks", default="", help="names of benchmarks/attacks.py, by semicolon"
    )
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take each so-manieth utterance")
    parser.add_argument("--keys", type=int, default=300, help="other keys to try")
    parser.add_argument("--sentences", type=int, default=36)
    parser.add_argument(
        "--words",
        action="store_true",
        help="robustness: of words said by one call each and joined; audibility: Whisper listens",
    )
    parser.add_argument("--word-count", type=int, default=12, help="words joined to a clip")
    parser.add_argument("--thorough", action="store_true", help="search as enrolment does")
    parser.add_argument("--repeats", type=int, default=40)
    args = parser.parse_args(argv)
    if args.command in ("natural", "other_keys") and args.corpus is None:
        parser.error(f"{args.command} needs --corpus")
    result = COMMANDS[args.command](args)
    args.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    (args.out / f"{args.command}.json").write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
