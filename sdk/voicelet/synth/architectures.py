"""The kinds of voice that this runtime can speak, by the name that manifests give them."""

from __future__ import annotations

from importlib import import_module

from voicelet.bundle import Bundle
from voicelet.config import did_you_mean
from voicelet.errors import BundleError
from voicelet.synth.base import OpenGraph, Synthesizer

ARCHITECTURES = {
    "voicelet": "voicelet.synth.fastspeech:FastSpeechSynthesizer",
    "piper-vits": "voicelet.synth.vits:VitsSynthesizer",
}
"""Name → the class that speaks it, imported when it is needed."""


def open_synthesizer(bundle: Bundle, open_graph: OpenGraph) -> Synthesizer:
    """Open the graphs of a bundle.

    Args:
        bundle: verified.
        open_graph: opens a graph by its role.

    Raises:
        BundleError: its architecture isn't known, it lacks a graph, or one can't be run.
    """
    name = bundle.manifest.architecture
    if name not in ARCHITECTURES:
        raise BundleError(
            f"bundle {bundle.manifest.name!r} is of the architecture {name!r}"
            f"{did_you_mean(name, ARCHITECTURES)}; this voicelet speaks "
            f"{', '.join(ARCHITECTURES)}; upgrade it"
        )
    module, _, attribute = ARCHITECTURES[name].partition(":")
    made: Synthesizer = getattr(import_module(module), attribute)(bundle, open_graph)
    return made
