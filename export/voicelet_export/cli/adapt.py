"""`voicelet adapt`: a profile learns from recordings whose words are known."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from voicelet.cli.extras import missing_library
from voicelet.cli.options import add_bundle_option, number
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_pairs


def add_parser(subparsers: Any) -> None:
    """Add the command to the `voicelet` command line (entry point `voicelet.commands`)."""
    parser = subparsers.add_parser(
        "adapt",
        help="bring a profile closer to its person, from recordings with known words",
        description="Learn from recordings of the profile's person, each with its words in a .txt "
        "beside it, what the speaker vector can't tell. Takes a minute or two on one core; kept "
        "in the profile only if recordings that weren't learnt from gain by it.",
    )
    parser.add_argument("name", metavar="NAME", help="the profile")
    parser.add_argument("recordings", metavar="FOLDER", help="recordings and texts")
    add_bundle_option(parser)
    parser.add_argument(
        "--steps", type=number(1, 2000), default=160, metavar="N", help="default 160"
    )
    parser.add_argument("--json", action="store_true", help="a report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.enrolment.consent import adapt_profile
    from voicelet.profiles.vault.vault import Vault
    from voicelet.synth import Voice

    try:
        import torch

        from voicelet_export.adapt.fit import FitConfig, fit
        from voicelet_export.adapt.owner import own_items, seconds
        from voicelet_export.adapt.speech import aligned_items
    except ImportError as error:
        raise missing_library(error) or error from None
    torch.set_num_threads(1)
    vault = Vault()
    profile = vault.load(args.name)
    profile.allowed_purposes()
    voice = Voice.load(args.bundle, trust_bundle=args.trust_bundle)
    bundle = voice.bundle
    start = time.perf_counter()
    # Features of a voice are as sensitive as the recording: never left behind.
    with (
        tempfile.TemporaryDirectory(prefix="voicelet-adapt-") as work,
        Progress("listening", enabled=False if args.json else None) as bar,
    ):
        items = aligned_items(
            Path(args.recordings), Path(work), bundle, lambda n, of: bar.update(0.5 * n / of)
        )
        items = own_items(profile, items)
        found = fit(
            bundle, profile, items, FitConfig(steps=int(args.steps)),
            lambda share: bar.update(0.5 + 0.5 * share, "learning"),
        )  # fmt: skip
    report: dict[str, Any] = {"profile": profile.name, "utterances": len(items), "kept": False}
    if found is not None:
        adapted = adapt_profile(
            profile,
            found,
            [item.entry.d_vector for item in items],
            speech_s=sum(map(seconds, items)),
            voice=voice,
            others=vault.list(),
        )
        vault.save(adapted)
        report |= {
            "kept": True,
            "speech_s": round(found.speech_s, 1),
            "mel_loss_before": round(found.loss_before, 4),
            "mel_loss_after": round(found.loss_after, 4),
            "rate": round(found.log_duration_shift, 3),
        }
    report["seconds"] = round(time.perf_counter() - start, 1)
    if args.json:
        print_json(report)
    else:
        print_pairs({k.replace("_", " "): str(v) for k, v in report.items()})
    return 0
