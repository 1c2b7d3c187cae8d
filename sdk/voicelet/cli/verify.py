"""`voicelet verify`: is it the profile's speaker, and was it made by a machine?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from voicelet.cli.options import add_bundle_option, opened_bundle
from voicelet.cli.table import print_json, print_pairs

if TYPE_CHECKING:
    from voicelet.profiles.verification import Verification


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "verify",
        help="whose voice is it, and was it made by a machine?",
        description="Say whether a recording holds the voice of a profile, whether voicelet made "
        "it, and whether it is likely synthetic: three answers, each with its own error rate "
        "(docs/reference/verification.md).",
    )
    parser.add_argument("file", metavar="FILE", help="a recording, 5 s of speech or more")
    parser.add_argument("--profile", metavar="NAME", help="whose voice it may be")
    add_bundle_option(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.profiles.vault.vault import Vault
    from voicelet.profiles.verification import verify_recording

    profile = Vault().load(args.profile) if args.profile is not None else None
    bundle = opened_bundle(args)
    verification = verify_recording(args.file, profile, bundle=bundle)
    if args.json:
        print_json(_as_dict(verification))
    else:
        print_pairs(_lines(verification, args.profile))
    return 0


def _as_dict(verification: Verification) -> dict[str, Any]:
    voice, origin = verification.voice, verification.origin
    return {
        "speech_s": round(verification.speech_s, 2),
        "bandwidth_hz": round(verification.bandwidth_hz),
        "same_speaker": verification.same_speaker,
        "same_speaker_log_likelihood_ratio": voice.log_likelihood_ratio if voice else None,
        "same_speaker_probability": voice.probability if voice else None,
        "cosine": voice.cosine if voice else None,
        "made_by_voicelet": origin.made_by_voicelet,
        "mark_probability": origin.mark.probability if origin.mark else None,
        "likely_synthetic": origin.likely_synthetic,
        "synthetic_probability": origin.synthetic_probability,
    }


def _lines(verification: Verification, name: str | None) -> dict[str, str]:
    lines = {"speech": f"{verification.speech_s:.1f} s"}
    if verification.voice is not None:
        answer = {True: "yes", False: "no", None: "can't be said over a telephone's band"}[
            verification.same_speaker
        ]
        ratio = verification.voice.log_likelihood_ratio
        lines[f"{name}'s voice"] = (
            f"{answer} (probability {verification.voice.probability:.3f} at even odds;"
            f" log-likelihood ratio {ratio:+.1f})"
        )
    origin = verification.origin
    lines["made by voicelet"] = "yes, its mark was found" if origin.made_by_voicelet else "no mark"
    probability = origin.synthetic_probability
    lines["likely synthetic"] = (
        "can't be said of this recording"
        if probability is None
        else f"{'yes' if origin.likely_synthetic else 'no'} (probability {probability:.2f})"
    )
    return lines
