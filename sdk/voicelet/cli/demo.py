"""`voicelet demo`: enrol sample recordings, speak a paragraph in that voice, print one table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.cli.consent_options import add_scripted_option, scripted_consent
from voicelet.cli.options import add_bundle_option, check_file, opened_bundle
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_table
from voicelet.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from voicelet.profiles.profile import Profile
    from voicelet.synth import Voice

SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}

TEXT = (
    "Good morning. You are listening to a voice that was cloned on this computer, from a few "
    "recordings of a real person, without sending a single sound anywhere. It reads whatever you "
    "type: a train that leaves at 7:45, a bill of $18.20, or a letter from an old friend. "
    "Nothing had to be downloaded, and nothing you say here leaves the room. "
    "Shall we try it with your own voice?"
)


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="enrol sample recordings and say a paragraph in that voice",
        description="Enrol the recordings in a folder (without keeping a profile), say a "
        "paragraph in that voice into a file and print one table.",
    )
    parser.add_argument("--recordings", default="samples", metavar="FOLDER", help="of one person")
    parser.add_argument("-o", "--output", default="demo.wav", metavar="FILE")
    add_scripted_option(parser)
    parser.add_argument("--text", default=TEXT, help="what to say (default: a paragraph)")
    add_bundle_option(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    recordings = find_recordings(Path(args.recordings))
    check_file(args.output)
    consent = scripted_consent(args, "the speaker of the recordings")

    import numpy as np

    from voicelet.enrolment.enrolment import enrol
    from voicelet.synth import Voice
    from voicelet.synth.labelling import Labelling
    from voicelet.synth.timing import speak

    quiet = False if args.json else None
    _show(args, f"enrolling {len(recordings)} recordings from {args.recordings}")
    with Progress("listening", enabled=quiet) as progress:
        profile = enrol(
            recordings,
            consent=consent,
            name="demo",
            bundle=opened_bundle(args),
            progress=progress.update,
        )
    voice = Voice.load(args.bundle, threads=1, trust_bundle=args.trust_bundle)
    manifest = voice.bundle.manifest
    _show(args, f"speaking into {args.output}")
    chunks: list[npt.NDArray[np.float32]] = []
    with (
        Labelling().open(args.output, voice) as writer,
        Progress("speaking", enabled=quiet) as progress,
    ):

        def receive(samples: npt.NDArray[np.float32]) -> None:
            writer.write(samples)
            chunks.append(samples)

        timings = speak(voice, args.text, receive, progress.update, profile=profile)
    report = {
        "audio_s": timings.seconds,
        "first_audio_ms": timings.first_audio_ms,
        "rtf_one_thread": timings.rtf,
        "peak_mb": timings.peak_mb,
        "bundle_mb": manifest.total_bytes / 1e6,
        "similarity": similarity(voice, profile, np.concatenate(chunks)),
    }
    if args.json:
        print_json({k: None if v is None else round(v, 4) for k, v in report.items()})
        return 0
    header = ["audio s", "first audio ms", "RTF, 1 thread", "peak MB", "bundle MB", "similarity"]
    digits = (1, 0, 3, 0, 2, 3)
    row = ["?" if v is None else f"{v:.{d}f}" for v, d in zip(report.values(), digits)]
    print_table(header, [row])
    return 0


def find_recordings(folder: Path) -> list[Path]:
    """Return the audio files of a folder, by name.

    Raises:
        ConfigError: there are none.
    """
    try:
        recordings = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; name a folder of recordings") from None
    if not recordings:
        raise ConfigError(
            f"{folder}: no recordings; put some there ({', '.join(sorted(SUFFIXES))})"
        )
    return recordings


def similarity(voice: Voice, profile: Profile, samples: npt.NDArray[np.float32]) -> float | None:
    """Cosine between the d-vectors of a profile and of speech at the voice's rate, -1 to 1.

    The d-vector of the speech is computed like that of a recording at enrolment.  Two recordings of
    one person reach about 0.88, two people about 0.52.

    Returns:
        None where there is no speech to compare.
    """
    from voicelet.enrolment.enrolment import assess
    from voicelet.speaker.encoder import mean_d_vector, open_encoder

    assessment = assess([(samples, voice.sample_rate_hz)], open_encoder(voice.bundle))
    if assessment.windows is None or not len(assessment.windows):
        return None
    return float(mean_d_vector(assessment.windows) @ profile.d_vector)


def _show(args: argparse.Namespace, message: str) -> None:
    if not args.json:
        print(message, file=sys.stderr)
