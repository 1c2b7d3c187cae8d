"""The default kind of voice: FastSpeech 2 makes frames, a source-filter vocoder makes samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet.synth.base import Check, OpenGraph, Rendering, check_graph, check_marked
from voicelet.synth.compression.rendering import CompressedRendering, model_pace
from voicelet.synth.front_end import open_front_end
from voicelet.synth.marking import MarkedRendering
from voicelet.synth.presets import F0_INDEX, SpeakerBook
from voicelet.synth.source_filter.acoustic import ENCODED, AcousticModel, EncodedClause
from voicelet.synth.source_filter.correction import OF_STRANGERS
from voicelet.synth.source_filter.edges import ClauseEdges
from voicelet.synth.source_filter.vocoder import ClauseVocoder, Vocoder
from voicelet.synth.types import Controls
from voicelet.text.front_end import Pronunciations, TextFrontEnd
from voicelet.text.phones import PhoneInventory
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.words import Accent, Tone
from voicelet.trust.watermark.base import ClauseWatermark

FIRST_FRAMES = (16, 64, 192)
"""Output frames of a stream's first stretches: 0.2 s are heard while 0.8 s are made, and so on."""
STRETCH_FRAMES = 320
OFFLINE_FRAMES = 800
FIRST_RUN_FRAMES = 44
"""Frames past the first silence that are decoded at once: what a stream's first stretch needs."""
RUN_FRAMES = 800
"""Frames that are decoded at once after that; bounds the memory needed."""
SHORT_RUN_FRAMES = 16
"""Fewer frames than this aren't worth a run of the decoder."""


class FastSpeechSynthesizer:
    """A bundle of the architecture "voicelet"; see `voicelet.synth.base.Synthesizer`.

    Args:
        bundle: verified.
        open_graph: opens a graph by its role.

    Raises:
        BundleError: the bundle lacks a graph, or one of them can't be run.
    """

    first_frames, stretch_frames = FIRST_FRAMES, STRETCH_FRAMES
    offline_frames = OFFLINE_FRAMES
    shifts_pitch = True

    def __init__(self, bundle: Bundle, open_graph: OpenGraph) -> None:
        manifest = bundle.manifest
        self._bundle = bundle
        self.speakers = SpeakerBook(bundle)
        encoder, decoder = open_graph("acoustic_encoder"), open_graph("acoustic_decoder")
        check_graph(encoder, ("phones", "speaker"), ENCODED, "acoustic_encoder")
        inputs = ("frames", "condition", "log_f0_mean")
        check_graph(decoder, inputs, ("mel", "log_f0", "voicing"), "acoustic_decoder")
        self.acoustic = AcousticModel(
            encoder,
            decoder,
            bundle.graph("acoustic_decoder").context_frames,
            manifest.statistics.pitch_scale,
            F0_INDEX,
            manifest.statistics.speaker_size,
            manifest.statistics.label_delay_frames,
        )
        self.vocoder = Vocoder(
            open_graph("vocoder"),
            bundle.graph("vocoder").context_frames,
            manifest.features,
        )
        self.inventory = PhoneInventory(manifest.phones)
        self.bands, self.statistics = manifest.features.n_mels, manifest.statistics
        self.mel_mean = np.array(manifest.statistics.mel_mean, np.float32)
        self.mel_deviation = np.array(manifest.statistics.mel_std, np.float32)
        self.hop, self.rate = self.vocoder.hop, self.vocoder.rate

    def open_front_end(
        self, user_lexicon: Pronunciations, engine: str, user_rules: Sequence[str | Path] = ()
    ) -> TextFrontEnd:
        """Open the bundle's lexicon and letter-to-sound model."""
        return open_front_end(self._bundle, user_lexicon, engine, user_rules)

    def check(self, controls: Controls, reading: Reading = PLAIN) -> None:
        """Every control can be met."""

    def begin(
        self,
        phones: str,
        speaker: npt.NDArray[Any],
        controls: Controls,
        rng: np.random.Generator,
        mark: ClauseWatermark | None,
        tones: Sequence[Tone] = (),
        accents: Sequence[Accent] = (),
    ) -> Rendering:
        """Encode a clause."""
        check_marked(mark)
        controls, factor = model_pace(controls)
        encoded = self.acoustic.encode(
            self.inventory.encode(phones), speaker, controls, tones, phones, accents
        )
        share = 1.0 if self.speakers.is_preset(speaker) else OF_STRANGERS
        if factor == 1.0:
            return FastSpeechRendering(self, encoded, phones, rng, mark, controls.whisper, share)
        # The mark is laid out in the time that is heard.
        slow = FastSpeechRendering(self, encoded, phones, rng, None, controls.whisper, share)
        fast = CompressedRendering(slow, phones, factor, self.hop, self.rate)
        return MarkedRendering(fast, mark, self.hop, self.rate) if mark else fast


class FastSpeechRendering:
    """A clause: decoded and vocoded stretch by stretch, the decoder ahead of the vocoder.

    The silence at both ends is cut (`voicelet.synth.source_filter.edges`).  How the clause is cut
    into runs of the decoder doesn't depend on the stretches, so that these can't change where.

    Args:
        synthesizer: shared.
        encoded: the clause.
        phones: of the clause, without pads.
        rng: of the vocoder's sources.
        mark: of the clause.
        whisper: without voice.
        share: of the vocoder's correction.
    """

    def __init__(
        self,
        synthesizer: FastSpeechSynthesizer,
        encoded: EncodedClause,
        phones: str,
        rng: np.random.Generator,
        mark: ClauseWatermark | None,
        whisper: bool = False,
        share: float = 1.0,
    ) -> None:
        s = synthesizer
        self._acoustic, self._encoded = s.acoustic, encoded
        self._edges = edges = ClauseEdges(phones, encoded.ends, s.mel_mean, s.mel_deviation)
        self._total = total = len(encoded)
        self._bands = np.zeros((total, s.bands), np.float32)
        self._log_f0, self._voicing = np.zeros(total, np.float32), np.zeros(total, np.float32)
        self._decoded = 0
        self._decode(max(edges.head, int(encoded.ends[0]) + FIRST_RUN_FRAMES))
        self._start = start = edges.first(self._bands[: edges.head])
        gains = mark.frames(s.rate, s.hop, s.vocoder.size) if mark else None
        self._vocoder = ClauseVocoder(
            s.vocoder,
            self._bands[start:],
            self._log_f0[start:],
            self._voicing[start:],
            rng,
            gains,
            whisper,
            share,
        )
        self._frames = total - start
        self._settle()
        heard = edges.heard(encoded.ends, s.acoustic.label_delay_frames) - start
        self.ends_s: npt.NDArray[np.float64] = heard.clip(0.0, self._frames) * (s.hop / s.rate)

    @property
    def frames(self) -> int:
        """Its length; less once the silence at its end is known."""
        return self._frames

    def advance(self, last: int, check: Check) -> FloatArray:
        """Decode as far as the vocoder looks, and vocode; see `voicelet.synth.base.Rendering`."""
        vocoder = self._vocoder
        vocoded = min(self._frames, last + vocoder.delay_frames)
        target = self._start + min(self._frames, vocoded + vocoder.lookahead_frames)
        if target > self._decoded:
            wanted = self._total if target > self._edges.tail else target
            while self._decoded < wanted:
                self._decode(self._decoded + RUN_FRAMES)
                check()
            self._settle()
        samples = vocoder.advance(min(vocoded, self._frames))
        if not np.isfinite(samples).all():
            raise BundleError("the vocoder gave numbers that aren't finite; use another bundle")
        return samples

    def _decode(self, last: int) -> None:
        """Decode the frames up to `last`, or to the end if little is left then."""
        last = self._total if last + SHORT_RUN_FRAMES > self._total else last
        cut = slice(self._decoded, last)
        self._bands[cut], self._log_f0[cut], self._voicing[cut] = self._acoustic.decode(
            self._encoded, self._decoded, last
        )
        self._decoded = last

    def _settle(self) -> None:
        """Cut the silence at the end, once it is decoded."""
        if self._decoded == self._total:
            last = self._edges.last(self._bands[self._edges.tail :])
            self._frames = max(1, last - self._start)
            self._vocoder.end_at(self._frames)
