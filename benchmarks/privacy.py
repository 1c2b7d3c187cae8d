"""What local noise on a d-vector costs, and what an attacker still gains.

    python -m benchmarks.privacy CACHE --out privacy.json --plot docs/img/local_dp.png

CACHE is a feature cache of many speakers, whose own index holds a d-vector for every utterance.  A
speaker's utterances are split in two: one half makes the vector that a device uploads, the other
the clean vector that an attacker got elsewhere.  Both are means of several utterances, as at
enrolment.  The attacker picks the nearest of N (for Gaussian noise and unit vectors of equal prior
that is the likeliest one).  Speakers of fewer utterances only fill up the larger N, as decoys.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError, VoiceletError
from voicelet.files import atomic_file
from voicelet_export.errors import CorpusError
from voicelet_export.metrics.eer import equal_error_rate
from voicelet_federated.privacy.local_dp import LocalDp

DoubleArray = npt.NDArray[np.float64]
EPSILONS = (math.inf, 1000.0, 300.0, 100.0, 30.0, 10.0)
COHORTS = (10, 100, 300)


@dataclass(frozen=True)
class Row:
    """One strength of noise.

    Attributes:
        epsilon: of one upload, delta 1e-5; None is without noise.
        sigma: deviation of the noise on each number of a vector of norm 1.
        cosine: mean cosine of uploaded and clean vector of the same utterances.
        identified: N → share of uploads whose speaker the attacker names among N, percent.
        eer: of deciding whether upload and clean vector are one person's, percent.
    """

    epsilon: float | None
    sigma: float
    cosine: float
    identified: dict[str, float]
    eer: float


@dataclass(frozen=True)
class Membership:
    """How well losses tell who took part in training.

    Attributes:
        auc: area under the curve; 0.5 is chance.
        auc_error: its standard error (Hanley and McNeil 1982).
        tpr_at_1_percent: members found while at most 1 % of the others are accused, 0..1.
        members, others: how many there were; with fewer than a hundred others the last figure
            allows no false accusation at all.
    """

    auc: float
    auc_error: float
    tpr_at_1_percent: float
    members: int
    others: int


def membership_attack(
    members_before: npt.ArrayLike,
    members_after: npt.ArrayLike,
    others_before: npt.ArrayLike,
    others_after: npt.ArrayLike,
) -> Membership:
    """The loss-threshold attack (Yeom et al. 2018), calibrated by the loss before training.

    Whoever has both models takes those for members whose loss fell most.

    Args:
        members_before, members_after: loss of each member under the old and the new model [m].
        others_before, others_after: of people alike who took no part [n].

    Raises:
        ConfigError: an array is empty, not finite, or of another length than its partner.
    """
    fell = []
    for before, after in ((members_before, members_after), (others_before, others_after)):
        a, b = np.asarray(before, np.float64), np.asarray(after, np.float64)
        if a.ndim != 1 or a.shape != b.shape or not len(a) or not np.isfinite(a - b).all():
            raise ConfigError("losses must be finite, one before and one after for each person")
        fell.append(a - b)
    inside, outside = fell
    auc = _auc(inside, outside)
    m, n = len(inside), len(outside)
    q1, q2 = auc / (2.0 - auc), 2.0 * auc**2 / (1.0 + auc)
    spread = auc * (1 - auc) + (m - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)
    allowed = int(0.01 * n)
    threshold = np.sort(outside)[::-1][allowed]
    return Membership(
        auc, math.sqrt(max(0.0, spread) / (m * n)), float((inside > threshold).mean()), m, n
    )


def halves(index: Path, least: int = 4) -> tuple[DoubleArray, DoubleArray]:
    """(clean vectors the attacker has, vectors to upload), of norm 1.

    The first [speakers + decoys, 256], the second [speakers, 256], in the same order: decoys have
    fewer than `least` utterances and upload nothing.

    Raises:
        CorpusError: the index can't be read or holds fewer than ten speakers.
    """
    spoken: dict[str, list[list[float]]] = defaultdict(list)
    try:
        for entry in json.loads(index.read_text(encoding="utf-8"))["entries"]:
            spoken[entry["speaker"]].append(entry["d_vector"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{index}: not a feature cache's index ({error})") from None
    known, sent, decoys = [], [], []
    for _, vectors in sorted(spoken.items()):
        if len(vectors) >= least:
            array = np.asarray(vectors, np.float64)
            known.append(_unit(array[0::2].mean(0)))
            sent.append(_unit(array[1::2].mean(0)))
        else:
            decoys.append(_unit(np.asarray(vectors, np.float64).mean(0)))
    if len(known) < 10:
        raise CorpusError(f"{index}: {len(known)} speakers of {least} utterances; 10 are needed")
    return np.stack(known + decoys), np.stack(sent)


def measure(
    known: DoubleArray,
    sent: DoubleArray,
    epsilons: Sequence[float] = EPSILONS,
    cohorts: Sequence[int] = COHORTS,
    repeats: int = 20,
    seed: int = 0,
) -> list[Row]:
    """One row for each epsilon; cohorts larger than `known` are left out.

    Decoys are added only where a cohort is larger than `sent`.
    """
    rng = np.random.default_rng(seed)
    people = len(sent)
    own = np.eye(people, dtype=bool)
    rows = []
    for epsilon in epsilons:
        dp = LocalDp(epsilon)
        cosines, scores = [], []
        hits: dict[str, list[float]] = {str(n): [] for n in cohorts if n <= len(known)}
        for _ in range(repeats):
            noised = np.stack([dp.noised(v, rng) for v in sent]).astype(np.float64)
            cosines.append(float((noised * sent).sum(1).mean()))
            score = noised @ known.T
            scores.append(score[:, :people])
            for n in cohorts:
                if n <= len(known):
                    chosen = rng.choice(people, min(n, people), replace=False)
                    decoys = people + rng.permutation(len(known) - people)[: n - len(chosen)]
                    guess = score[np.ix_(chosen, np.concatenate([chosen, decoys]))].argmax(1)
                    hits[str(n)].append(float((guess == np.arange(len(chosen))).mean()))
        stack = np.stack(scores)
        rows.append(
            Row(
                epsilon if math.isfinite(epsilon) else None,
                dp.sigma,
                float(np.mean(cosines)),
                {n: 100.0 * float(np.mean(h)) for n, h in hits.items()},
                100.0 * equal_error_rate(stack[:, own], stack[:, ~own])[0],
            )
        )
    return rows


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    cohorts = list(rows[0].identified)
    head = ["epsilon", "sigma", "cosine to clean", *(f"named among {n}, %" for n in cohorts)]
    lines = ["| " + " | ".join([*head, "EER, %"]) + " |", "|" + "---|" * (len(head) + 1)]
    for row in rows:
        cells = [
            "none" if row.epsilon is None else f"{row.epsilon:g}",
            f"{row.sigma:.3f}",
            f"{row.cosine:.3f}",
            *(f"{row.identified[n]:.1f}" for n in cohorts),
            f"{row.eer:.1f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Similarity and identification against epsilon, as an image."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    noisy = [r for r in rows if r.epsilon is not None]
    x = [r.epsilon for r in noisy]
    figure, axes = pyplot.subplots(figsize=(6.4, 4.0), layout="constrained")
    axes.semilogx(x, [r.cosine for r in noisy], "k-o", label="cosine to the clean vector")
    for n in noisy[0].identified:
        axes.semilogx(x, [r.identified[n] / 100 for r in noisy], "--s", label=f"named among {n}")
    axes.set(xlabel="epsilon of one upload (delta 1e-5)", ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.privacy", description=__doc__)
    parser.add_argument("cache", type=Path, help="feature cache of many speakers")
    parser.add_argument("--out", type=Path, help="figures as JSON")
    parser.add_argument("--plot", type=Path, help="figures as an image")
    parser.add_argument("--repeats", type=int, default=100)
    args = parser.parse_args(argv)
    try:
        known, sent = halves(args.cache / "index.json")
        rows = measure(known, sent, repeats=args.repeats)
    except VoiceletError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(
        f"{len(sent)} speakers and {len(known) - len(sent)} decoys, "
        f"{args.repeats} draws of the noise\n\n{table(rows)}\n"
    )
    if args.out:
        with atomic_file(args.out) as out:
            figures = {
                "speakers": len(sent),
                "decoys": len(known) - len(sent),
                "rows": [asdict(r) for r in rows],
            }
            out.write(json.dumps(figures, indent=1).encode())
    if args.plot:
        plot(rows, args.plot)
    return 0


def _unit(vector: DoubleArray) -> DoubleArray:
    norm = float(np.linalg.norm(vector))
    if not norm > 0.0:
        raise CorpusError("a d-vector is zero; prepare the cache again")
    return vector / norm


def _auc(inside: DoubleArray, outside: DoubleArray) -> float:
    """Mann-Whitney: how often a member's score is the higher one; ties count half."""
    ordered = np.sort(outside)
    below = np.searchsorted(ordered, inside, "left")
    upto = np.searchsorted(ordered, inside, "right")
    return float((below + upto).sum() / (2.0 * len(inside) * len(outside)))


if __name__ == "__main__":
    sys.exit(main())
