"""`voicelet`: parse the command line and run a command."""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any

from voicelet import __version__
from voicelet.cli import (
    audit,
    bench,
    completion,
    consent,
    demo,
    detect,
    enrol,
    erase,
    explain,
    extras,
    info,
    pack,
    profiles,
    protected,
    read,
    record,
    say,
    serve,
    speechd,
    unlock,
    verify,
    voices,
)
from voicelet.cli.process import run_process

COMMANDS = (
    say,
    read,
    record,
    enrol,
    voices,
    profiles,
    consent,
    erase,
    explain,
    detect,
    verify,
    protected,
    info,
    pack,
    audit,
    serve,
    speechd,
    bench,
    demo,
)

_EPILOG = """\
examples:
  voicelet record ana                             record a voice here, and make a profile
  voicelet enrol ana monday.wav tuesday.flac      make a profile; asks Ana to agree aloud
  voicelet say "Hello there." --voice ana -o hello.wav
  echo "Hello there." | voicelet say - --raw | aplay -r 24000 -f S16_LE
  voicelet read book.epub -o "The Book"           an audiobook, a file for each chapter

voicelet COMMAND --help tells more.  docs/reference/cli.md explains all commands, and
docs/reference/environment.md all environment variables.

exit codes: 0 done · 1 a fault in voicelet · 2 wrong command line · 10-19 text ·
20-29 recording · 30-39 bundle · 40-49 profile · 50-59 output · 60-69 trust ·
70-79 server · 130 Ctrl-C · 141 closed pipe · 143 SIGTERM
"""


def build_parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Make the parser of the whole command line.

    Args:
        argv: what is to be parsed; commands of other packages are left out where one of
            voicelet's own is called, for looking for them takes time.
    """
    parser = argparse.ArgumentParser(
        prog="voicelet",
        description="Private voice cloning on the device: enrol a voice, speak any text in it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"voicelet {__version__}")
    parser.add_argument("--debug", action="store_true", help="log details, show tracebacks")
    unlock.add_option(parser)
    completion.add_option(parser)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    called = next((a for a in argv or () if not a.startswith("-")), None)
    if called not in subparsers.choices:
        for plugin in _plugins():
            plugin.add_parser(subparsers)
        extras.add_missing_commands(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A name with a lone surrogate, or a terminal that lacks "█", must not end in a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    args = build_parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )

    def command() -> int:
        with unlock.unlocking(args):
            code: int = args.run(args)
            return code

    return run_process("voicelet", command, debug=args.debug, dies=argv is None)


def _plugins() -> Iterator[Any]:
    """Commands that other packages bring: modules, by their entry points `voicelet.commands`."""
    for point in sorted(entry_points(group="voicelet.commands"), key=lambda p: p.name):
        try:
            yield point.load()
        except ImportError as error:  # its package needs what isn't installed
            logging.getLogger(__name__).debug("no command %r: %s", point.name, error)


if __name__ == "__main__":
    sys.exit(main())
