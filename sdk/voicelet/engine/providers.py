"""Which of ONNX Runtime's execution providers run a graph.

The CPU's is the default: it is everywhere, and its results don't change between runs.  Accelerators
are asked for, by `Voice.load(..., providers=...)` or by the environment variable
`VOICELET_PROVIDERS`; what is asked for and can't be had is left out with a line in the log, so that
one program serves a Jetson and a laptop.
"""

from __future__ import annotations

import logging
import os
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
"""None for what the environment says (the CPU if it says nothing), "auto", or names in order."""

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


def choose(names: Sequence[str], available: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of `names` that this build of ONNX Runtime holds.

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
    return [name for name in names if name in available]


def open_with_fallback(
    names: Sequence[str],
    missing: Sequence[str],
    create: Callable[[list[str]], T],
    used: Callable[[T], Sequence[str]],
    say: Callable[[int, str], None],
) -> T:
    """Create a session with the first providers that let themselves be used.

    Args:
        names: in order, the CPU's last.
        missing: asked for, but not in this build.
        create: makes a session of these providers.
        used: names the providers that a session really has; some builds leave one out in silence.
        say: told (level, line): what was chosen and why.  Not called if only the CPU's was asked
            for.

    Raises:
        Exception: what `create` raises for the CPU's alone.
    """
    reasons = [f"{name} isn't in this build of ONNX Runtime" for name in missing]
    left = list(names)
    while True:
        try:
            session = create(left)
        except Exception as error:
            if left == [CPU]:
                raise
            lines = str(error).strip().splitlines()
            reasons.append(f"{left[0]} failed ({lines[0][:200] if lines else type(error)})")
            left = left[1:]
            continue
        have = list(used(session))
        reasons += [f"{name} couldn't be loaded" for name in left if name not in have]
        if list(names) != [CPU] or missing:
            chosen = ", then ".join(n for n in left if n in have)
            because = f" ({'; '.join(reasons)})" if reasons else ""
            level = logging.WARNING if reasons else logging.INFO
            say(level, f"graphs run on {chosen}{because}")
        return session


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where compiled engines are kept: `$XDG_CACHE_HOME/voicelet/tensorrt`."""
    base = environment.get("XDG_CACHE_HOME", "")
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "voicelet" / "tensorrt"


def provider_options(name: str, cache: Path) -> dict[str, str]:
    """Options of one provider.

    TensorRT compiles a graph in tens of seconds to minutes; what it made is kept in `cache`.
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
