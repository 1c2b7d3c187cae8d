"""Which of ONNX Runtime's execution providers run a graph.

The CPU's is the default: it is everywhere, and its results don't change between runs.  Accelerators
are asked for, by `Voice.load(..., providers=...)` or by the environment variable
`VOICELET_PROVIDERS`; what is asked for and can't be had is left out with a line in the log, so that
one program serves a Jetson and a laptop.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError, EngineError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

DEFAULT_PROVIDERS = (CPU,)
AUTO_PROVIDERS = (TENSORRT, CUDA, CPU)
"""What "auto" stands for: the fastest first, as far as a machine has them."""
VARIABLE = "VOICELET_PROVIDERS"

Providers = str | Sequence[str] | None
"""None (the environment variable, else the CPU), "auto", or names in order of preference."""

T = TypeVar("T")


def requested(providers: Providers, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Names asked for, in order; the CPU's last, which can run whatever the others can't.

    Args:
        providers: as :data:`Providers`; a string may also name several, parted by commas.
        environment: where `VOICELET_PROVIDERS` is looked up.

    Raises:
        ConfigError: it is empty, or not made of names.
    """
    if providers is None:
        providers = environment.get(VARIABLE, "").strip() or DEFAULT_PROVIDERS
    if isinstance(providers, str):
        if providers == "auto":
            return AUTO_PROVIDERS
        providers = [name.strip() for name in providers.split(",")]
    names = list(dict.fromkeys(providers))
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(
            f'providers must be "auto" or names such as ["{CUDA}"], not {providers!r}'
        )
    return tuple([n for n in names if n != CPU] + [CPU])


def missing(names: Sequence[str], available: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Those of `names` that this build of ONNX Runtime lacks, with the reason for the log.

    Args:
        names: of :func:`requested`.
        available: in this build.
        known: in any build.

    Raises:
        EngineError: a name that no build knows, with the nearest known one.
    """
    for name in names:
        if name not in known and name not in available:
            same = [k for k in known if k.lower() == name.lower()]
            near = did_you_mean(name, same or known)
            raise EngineError(
                f"ONNX Runtime has no {name}{near}; here it has {', '.join(available)}"
            )
    return {n: "isn't in this build of ONNX Runtime" for n in names if n not in available}


def open_with_fallback(
    names: Sequence[str],
    refused: dict[str, str],
    create: Callable[[list[str]], T],
    used: Callable[[T], Sequence[str]],
    report: Callable[[int, str], None],
) -> T:
    """Create a session with the first of the providers that work.

    Args:
        names: in order, the CPU's last.
        refused: provider → why it isn't available.  Providers that fail here are added, so that
            the next graph doesn't try them again.
        create: makes a session of these providers.
        used: returns the providers that a session really has; some builds drop one silently.
        report: called with (level, line): what was chosen and why.  Not called if only the CPU was
            asked for.

    Raises:
        Exception: what `create` raises for the CPU's alone.
    """
    while True:
        remaining = [name for name in names if name not in refused]
        try:
            session = create(remaining)
        except Exception as error:
            if remaining == [CPU]:
                raise
            refused[remaining[0]] = f"failed: {_reason(error)}"
            continue
        present = list(used(session))
        for name in remaining:
            if name not in present:
                refused[name] = "couldn't be loaded"
        if list(names) != [CPU]:
            chosen = ", then ".join(n for n in remaining if n in present)
            reasons = "; ".join(f"{n} {refused[n]}" for n in names if n in refused)
            level = logging.WARNING if reasons else logging.INFO
            report(level, f"graphs run on {chosen}" + (f" ({reasons})" if reasons else ""))
        return session


def _reason(error: Exception) -> str:
    """An error of ONNX Runtime in one line, without the place in its source."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.sub(r"^\S+:\d+ .*?\) (?=[A-Z\[])", "", text)[:200]


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where compiled engines are kept: `$XDG_CACHE_HOME/voicelet/tensorrt`."""
    base = environment.get("XDG_CACHE_HOME", "")
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "voicelet" / "tensorrt"


def provider_options(name: str, cache: Path) -> dict[str, str]:
    """Options of one provider.

    TensorRT compiles a graph in tens of seconds to minutes; the result is kept in `cache`.
    """
    if name == TENSORRT:
        return {
            "trt_engine_cache_enable": "1",
            "trt_engine_cache_path": str(cache),
            "trt_timing_cache_enable": "1",
            "trt_timing_cache_path": str(cache),
        }
    if name == CUDA:
        # Clauses and chunks differ in length: an exhaustive search for the best convolution at
        # each new length would cost more than it gains.
        return {"cudnn_conv_algo_search": "HEURISTIC"}
    return {}
