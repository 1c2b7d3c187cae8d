"""`voicelet speechd`: a module of speech-dispatcher, for Orca and spd-say."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "speechd",
        help="speak for a screen reader: a module of speech-dispatcher",
        description="A module of speech-dispatcher (0.11 or newer), which starts it by itself once"
        " it knows of it: voicelet speechd --install",
    )
    parser.add_argument(
        "--install", action="store_true", help="make your speech-dispatcher know of it, and end"
    )
    parser.add_argument(
        "--default", action="store_true", help="with --install: where no module is asked for"
    )
    parser.add_argument("--bundle", metavar="PATH", help="the voice bundle (default: the packaged)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    if args.install:
        from voicelet.serve.speechd.install import install

        program, config = install(args.default)
        print(f"{program}\n{config}\nRestart speech-dispatcher (or log in anew) to speak with it.")
        return 0
    # What libraries print mustn't get between the answers.
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(2, 1)

        from voicelet.serve.speechd.module import Module
        from voicelet.synth import Voice

        voice = Voice.load(args.bundle)
        for _ in voice.front_end.clauses("Ready."):
            pass
        Module(voice, sys.stdin.buffer, sink).run()
    return 0
