"""The text front end of a bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from voicelet.bundle import Bundle
from voicelet.bundle.store import read_data
from voicelet.engine import AUTO, Graph, choose_form, open_form, work_limit_s
from voicelet.engine.onnx import OnnxGraph
from voicelet.errors import BundleError
from voicelet.packs.bundled import bundled_tags
from voicelet.synth.languages import BundleLanguages
from voicelet.text.front_end import Pronunciations, TextFrontEnd
from voicelet.text.g2p import G2PLabels, NeuralG2P, check_units
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import PhoneInventory

UNITS_ROLE = "g2p_units"


def open_front_end(
    bundle: Bundle,
    user_lexicon: Pronunciations = None,
    engine: str = AUTO,
    user_rules: Sequence[str | Path] = (),
) -> TextFrontEnd:
    """Open a bundle's lexicon and build the front end on it.

    The letter-to-sound graph is opened at the first word that the lexicon lacks; without one in the
    bundle such words are spelled.

    Args:
        user_lexicon: the caller's pronunciations, which go before the bundle's.
        engine: of the letter-to-sound graph, as in `Voice.load`.
        user_rules: files of the caller's own rules, which go before the packs'.

    Raises:
        BundleError: the bundle has no lexicon, or no such graph for an engine that is installed.
        LexiconError: the user lexicon can't be read.
        PackError: a file of rules, or the pack of the bundle's language, is wrong.
        ConfigError: no pack reads the bundle's language.
    """
    languages = BundleLanguages(bundle, user_rules)
    language = languages.first()
    # A bundle whose own pack brings the words of its language needs no lexicon beside it.
    has_lexicon = "lexicon" in bundle.manifest.data or not bundled_tags(bundle)
    lexicon = Lexicon(read_data(bundle, "lexicon")) if has_lexicon else None
    inventory = PhoneInventory(bundle.manifest.phones)
    g2p = open_g2p(bundle, engine) if "g2p" in bundle.manifest.graphs else None
    phonemizer = Phonemizer(lexicon, g2p, inventory, language)
    return TextFrontEnd(
        phonemizer,
        user_lexicon=user_lexicon,
        known=phonemizer.knows,
        language=language,
        languages=languages,
    )


def open_g2p(bundle: Bundle, engine: str = AUTO) -> NeuralG2P:
    """A bundle's letter-to-sound model.

    An ONNX graph holds its labels itself; the units of other engines' are in the data file
    `g2p_units`, a JSON list of strings, the blank first.
    """
    spec = bundle.graph("g2p")
    form = choose_form(spec.alternatives, engine, "graph 'g2p'")

    def open_graph() -> tuple[Graph, G2PLabels]:
        graph = open_form(
            bundle.root,
            form,
            context_frames=spec.context_frames,
            widens_weights=True,
            limit_s=work_limit_s(bundle.trusted_by),
        )
        if isinstance(graph, OnnxGraph):
            try:
                return graph, G2PLabels.of_metadata(graph.metadata)
            except (KeyError, ValueError, RecursionError) as error:
                raise BundleError(
                    f"{form.file}: the letter-to-sound graph names no units ({error}); install the"
                    " voice again"
                ) from None
        try:
            units = json.loads(read_data(bundle, UNITS_ROLE, 1 << 16).decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BundleError(
                f"{UNITS_ROLE}: not a list of units ({error}); install the voice again"
            ) from None
        check_units(units)
        return graph, G2PLabels(tuple(units))

    return NeuralG2P(open_graph)
