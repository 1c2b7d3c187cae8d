"""`--print-completion SHELL`: a script that completes commands, options and files in a shell.

The script is made by shtab from the parser itself, once: nothing of it runs with the program, and
the runtime doesn't depend on shtab (extra `completion`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")
REMEDY = 'pip install "voicelet[completion]"'
_PATHS = {
    "FILE": "FILE",
    "PATH": "FILE",
    "BUNDLE": "FILE",
    "KEY": "FILE",
    "FOLDER": "DIRECTORY",
}
"""Placeholder of an argument that is a path → shtab's completion of it."""


class PrintCompletion(argparse.Action):
    """Print the script for a shell and end the program: exit code 0, or 2 without shtab."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        try:
            shtab = import_module("shtab")
        except ImportError:
            parser.exit(2, f"{parser.prog}: {option_string} needs shtab: {REMEDY}\n")
        for action in _actions(parser):
            kind = _PATHS.get(str(action.metavar or action.dest).upper())
            if kind and not action.choices:
                action.complete = getattr(shtab, kind)  # type: ignore[attr-defined]
        print(shtab.complete(parser, shell=str(values)))
        parser.exit()


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add `--print-completion` to the parser of a whole command line."""
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=SHELLS,
        metavar="SHELL",
        help="print a script that completes commands in bash, zsh or tcsh, and exit",
    )


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
