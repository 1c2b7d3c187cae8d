"""The passphrase of the profiles: from a file, the environment or a prompt."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator

from voicelet.errors import ConfigError
from voicelet.trust.keys.passphrase import check_strength, set_default

_MAX_BYTES = 1024
_HELP = "the passphrase of the profiles is the first line of FILE (or set VOICELET_PASSPHRASE)"


def add_option(parser: argparse.ArgumentParser, nested: bool = False) -> None:
    """Add `--passphrase-file`.

    Args:
        nested: for a command's parser, which must not override the value of the outer parser.
    """
    default = argparse.SUPPRESS if nested else None
    parser.add_argument("--passphrase-file", metavar="FILE", default=default, help=_HELP)


@contextlib.contextmanager
def unlocking(args: argparse.Namespace) -> Iterator[None]:
    """Have passphrases come from the file, or else from a prompt.

    Core dumps are switched off, for they would hold voices.

    Raises:
        ConfigError: the file can't be read.
    """
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    path = getattr(args, "passphrase_file", None)
    passphrase = read_passphrase(path) if path is not None else None
    set_default(
        ask if passphrase is None else lambda: passphrase or "", for_new=passphrase is not None
    )
    try:
        yield
    finally:
        set_default(None)


def read_passphrase(path: str) -> str:
    """The first line of a file.

    Raises:
        ConfigError: it can't be read, is empty or isn't UTF-8.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read(_MAX_BYTES).decode("utf-8").splitlines()[:1]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    if not lines or not lines[0]:
        raise ConfigError(f"{path}: its first line is empty; write the passphrase there")
    return lines[0]


def ask(prompt: str = "Passphrase of your profiles: ") -> str:
    """Ask on the terminal; "" where there is none."""
    if not _has_terminal():
        return ""
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def ask_new(
    prompt: str = "New passphrase (8 characters at least): ",
    option: str = "--new-passphrase-file",
) -> str:
    """Ask for a new passphrase, twice.

    Args:
        option: that takes it where there is no terminal.

    Raises:
        ConfigError: there is no terminal, it is a weak one, or the two differ.
    """
    first = ask(prompt)
    if not first:
        raise ConfigError(f"no new passphrase; give {option} FILE")
    check_strength(first)
    if ask("The same once more: ") != first:
        raise ConfigError("the two differ; nothing was changed")
    return first


def _has_terminal() -> bool:
    if os.name != "posix":
        return sys.stdin.isatty()
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True
