"""Making speech-dispatcher of this user know the module."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from voicelet.errors import ServeError
from voicelet.files import atomic_file, data_dir, make_private, read_own

_SYSTEM = Path("/etc/speech-dispatcher/speechd.conf")
_MODULES = (
    Path("/usr/lib/speech-dispatcher-modules"),
    Path("/usr/libexec/speech-dispatcher-modules"),
)
_BEGIN = "# voicelet: added by `voicelet speechd --install`; remove up to the end of voicelet"
_END = "# end of voicelet"
_NOT_LISTED = ("sd_dummy", "sd_generic")


def install(is_default: bool = False) -> tuple[Path, Path]:
    """Write a program that starts the module, and tell speech-dispatcher of it.

    Args:
        is_default: speak with voicelet where no module is asked for.

    Returns:
        The program and the configuration file.

    Raises:
        ServeError: a file can't be written.
    """
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    config = home / "speech-dispatcher" / "speechd.conf"
    program = data_dir() / "sd_voicelet"
    try:
        make_private(program.parent)
        with atomic_file(program, 0o755) as file:
            command = f"exec {shlex.quote(sys.executable)} -m voicelet speechd\n"
            file.write(f"#!/bin/sh\n{command}".encode())
        known = config if config.exists() else _SYSTEM
        text = read_own(known, follow=True).decode("utf-8") if known.exists() else ""
        make_private(config.parent)
        with atomic_file(config) as file:
            file.write(with_module(text, program, is_default).encode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"can't set up speech-dispatcher: {error}; nothing was changed") from None
    return program, config


def with_module(text: str, program: Path, is_default: bool) -> str:
    """A configuration with the module in it, once.

    A module that is named ends speech-dispatcher's own search for the others, so they are named
    as well where nobody has done so.
    """
    lines = text.splitlines()
    if _BEGIN in lines and _END in lines:
        del lines[lines.index(_BEGIN) : lines.index(_END) + 1]
    names_some = any(line.split("#")[0].strip().startswith("AddModule") for line in lines)
    added = [_BEGIN]
    if not names_some:
        found = sorted({p.name for folder in _MODULES if folder.is_dir() for p in folder.iterdir()})
        for name in found:
            if name.startswith("sd_") and name not in _NOT_LISTED:
                module = name.removeprefix("sd_")
                added.append(f'AddModule "{module}" "{name}" "{module}.conf"')
    added.append(f'AddModule "voicelet" "{program}"')
    if is_default:
        added.append("DefaultModule voicelet")
    return "\n".join([*lines, *added, _END]) + "\n"
