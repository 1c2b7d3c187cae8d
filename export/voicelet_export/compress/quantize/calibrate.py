"""Real inputs of a voice's graphs, and figures of quality on speakers it wasn't trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from voicelet.audio.features import FeatureConfig, FloatArray, log_mel
from voicelet.engine.onnx import OnnxGraph
from voicelet.errors import BundleError
from voicelet.synth.source_filter.acoustic import repeat_phones
from voicelet.synth.source_filter.vocoder import ClauseVocoder, Vocoder
from voicelet_export.convert.parity import Arrays, Feed, run, session
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.train.checkpoint import RunInfo
from voicelet_export.train.data import Item, load_items, read_held_out
from voicelet_export.train.utterances import UtteranceSampler

CALIBRATION_UTTERANCES = 24
TEST_UTTERANCES = 12
MAX_FRAMES = 480


@dataclass(frozen=True)
class CalibrationUtterance:
    """Features of one utterance, each with a leading axis of 1 as the graphs take it."""

    phones: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]
    speaker: FloatArray
    log_f0_mean: FloatArray
    pitch: FloatArray
    energy: FloatArray
    mel: FloatArray
    log_f0: FloatArray
    voicing: FloatArray


@dataclass(frozen=True)
class VoiceData:
    """What quantization measures a voice with.

    Attributes:
        feeds: role → inputs of training speakers.
        tested: utterances of held-out speakers.
        models: role → float32 graph.
        mel_mean, mel_std: [n_mels].
    """

    feeds: Mapping[str, Sequence[Feed]]
    tested: Sequence[CalibrationUtterance]
    models: Mapping[str, onnx.ModelProto]
    mel_mean: FloatArray
    mel_std: FloatArray

    def encoder_losses(self, model: onnx.ModelProto) -> dict[str, float]:
        """Errors of durations, pitch and energy, and of the mels decoded from the hidden states."""
        encoder, decoder = session(model), session(self.models["acoustic_decoder"])
        sums: dict[str, list[float]] = {"duration": [], "pitch": [], "energy": [], "mel": []}
        for u in self.tested:
            out = run(encoder, {"phones": u.phones, "speaker": u.speaker})
            target = np.log(np.maximum(u.durations, 1))
            sums["duration"].append(_l1(out["log_duration"], target))
            sums["pitch"].append(_l1(out["pitch"], u.pitch))
            sums["energy"].append(_l1(out["energy"], u.energy))
            sums["mel"].append(_l1(run(decoder, decoder_feed(u, out))["mel"], u.mel))
        return {k: float(np.mean(v)) for k, v in sums.items()}

    def decoder_losses(self, model: onnx.ModelProto) -> dict[str, float]:
        """Errors of mel, and of log f0 where voiced."""
        encoder, decoder = session(self.models["acoustic_encoder"]), session(model)
        sums: dict[str, list[float]] = {"mel": [], "f0": [], "voicing": []}
        for u in self.tested:
            encoded = run(encoder, {"phones": u.phones, "speaker": u.speaker})
            out = run(decoder, decoder_feed(u, encoded))
            voiced = u.voicing > 0
            sums["mel"].append(_l1(out["mel"], u.mel))
            sums["f0"].append(_l1(out["log_f0"][voiced], u.log_f0[voiced]))
            sums["voicing"].append(_l1(out["voicing"], u.voicing))
        return {k: float(np.mean(v)) for k, v in sums.items()}

    def vocoder_losses(self, model: onnx.ModelProto) -> dict[str, float]:
        """Error of the log mel of copies, in natural log units, in the bands and frames heard."""
        features = FeatureConfig()
        graph = OnnxGraph(session(model), "vocoder")
        vocoder = Vocoder(graph, 0, features)
        errors = []
        for u in self.tested:
            rng = np.random.default_rng(0)
            clause = ClauseVocoder(vocoder, u.mel[0], u.log_f0[0], u.voicing[0], rng, None)
            copy = log_mel(clause.advance(u.mel.shape[1]), features)
            target = u.mel[0] * self.mel_std + self.mel_mean
            heard = target > -8.0  # the hiss of a codec far below speech isn't counted
            errors.append(float(np.abs(copy - target)[heard].mean()))
        return {"mel": float(np.mean(errors))}


def decoder_feed(u: CalibrationUtterance, encoded: Arrays) -> Arrays:
    """The decoder's inputs with the utterance's own durations, pitch and energy."""
    frames = repeat_phones(encoded["hidden"][0], u.pitch[0], u.energy[0], u.durations[0])
    return {
        "frames": frames[None],
        "condition": encoded["condition"],
        "log_f0_mean": u.log_f0_mean,
    }


def read_voice_data(
    caches: Sequence[Path],
    held_out: Path,
    info: RunInfo,
    models: Mapping[str, onnx.ModelProto],
) -> VoiceData:
    """Draw calibration and tested utterances, always the same ones.

    Raises:
        BundleError: the caches lack aligned utterances of training or of held-out speakers.
    """
    opened = [FeatureCache(c) for c in caches]
    train, valid = load_items(opened, read_held_out(held_out), True)
    if not train or not valid:
        raise BundleError("the caches need aligned speech of training and of held-out speakers")
    calibration = pick_utterances(train, info, CALIBRATION_UTTERANCES)
    tested = pick_utterances(valid, info, TEST_UTTERANCES)
    feeds: dict[str, list[Feed]] = {"acoustic_encoder": [], "acoustic_decoder": [], "vocoder": []}
    encoder, decoder = session(models["acoustic_encoder"]), session(models["acoustic_decoder"])
    asked = [i.name for i in models["vocoder"].graph.input]
    for index, u in enumerate(calibration):
        feed: Arrays = {"phones": u.phones, "speaker": u.speaker}
        feeds["acoustic_encoder"].append(feed)
        decoder_inputs = decoder_feed(u, run(encoder, feed))
        feeds["acoustic_decoder"].append(decoder_inputs)
        # The vocoder will hear predicted mels, which differ from recorded ones.
        made = run(decoder, decoder_inputs) if index % 2 else None
        heard = {
            "mel": u.mel if made is None else made["mel"],
            "log_f0": u.log_f0 if made is None else made["log_f0"],
            "voicing": u.voicing if made is None else np.rint(made["voicing"]),
        }
        feeds["vocoder"].append({name: heard[name] for name in asked})
    return VoiceData(feeds, tested, models, info.mel_mean, info.mel_std)


def pick_utterances(items: Sequence[Item], info: RunInfo, count: int) -> list[CalibrationUtterance]:
    """About `count` utterances of at most :data:`MAX_FRAMES`, from the short to the long ones."""
    sampler = UtteranceSampler(items, info.mel_mean, info.mel_std, 1)
    fit = [i for i in sampler.items if i.entry.n_frames <= MAX_FRAMES]
    picked = fit[:: max(1, len(fit) // count)][:count]
    batches = [sampler.collate([i], None) for i in picked]
    names = list(CalibrationUtterance.__dataclass_fields__)
    return [CalibrationUtterance(**{n: getattr(b, n).numpy() for n in names}) for b in batches]


def _l1(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    return float(np.abs(a - b).mean())
