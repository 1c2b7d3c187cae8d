"""A voice of your own, by a pipeline: corpus, training, bundle, figures, report; then it speaks.

    python examples/server_voice.py --work work/tiny

By default this runs `export/recipes/pipeline-tiny.yaml`: every step of a real pipeline, in seconds,
on a corpus of buzzing vowels.  The bundle is whole, but nobody can understand its voice.  With
`--recipe export/recipes/pipeline-piper.yaml --set teacher=… --set corpus=…` the same program
makes a voice that speaks (docs/guides/pipeline.md says what it needs).  Stop it at any moment and
start it again: it goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

import voicelet

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a pipeline and speak with its bundle.")
    parser.add_argument("--recipe", default="export/recipes/pipeline-tiny.yaml")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--work", type=Path, default=Path("work/tiny"))
    parser.add_argument("--bundle-step", default="published", help="the step that makes the bundle")
    parser.add_argument("--out", type=Path, default=Path("own-voice.wav"))
    args = parser.parse_args()

    work, out = args.work.resolve(), args.out.resolve()
    if importlib.util.find_spec("voicelet_export") is None:
        print("voicelet-export isn't installed: pip install . ./export", file=sys.stderr)
        return 2
    # As `voicelet-export pipeline …`, also where that command isn't on the PATH.
    command = [sys.executable, "-m", "voicelet_export.cli.main"]
    command += ["pipeline", args.recipe, "--work", str(work)]
    for assignment in args.set:
        command += ["--set", assignment]
    try:
        # Recipes name files of the repository, so it runs there.
        subprocess.run(command, cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        return int(error.returncode)

    voice = voicelet.Voice.load(work / "steps" / args.bundle_step / "out", trust_bundle=True)
    audio = voice.synthesize("This is a voice of our own.")
    audio.save(out)
    print(f"{voice.info.name}: {out}, {audio.seconds:.1f} s; the report is in {work / 'steps'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
