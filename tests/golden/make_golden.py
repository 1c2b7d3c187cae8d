"""Write the golden vectors from the embedded voice: `python tests/golden/make_golden.py`.

They pin the embedded voice for runtimes in other languages and for refactorings of this one; they
are written again, and reviewed as audio, whenever the voice itself is trained anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest.mock import patch

import numpy as np

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import log_mel
from voicelet.audio.io import read_audio
from voicelet.audio.level import normalize_level
from voicelet.audio.resample import resample
from voicelet.speaker.encoder import d_vector
from voicelet.speaker.vector import speaker_statistics
from voicelet.synth import Voice
from voicelet.synth.presets import SpeakerBook
from voicelet.text.phones import PhoneInventory
from voicelet.trust.watermark.mark import DATE_VARIABLE

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "samples"
RECORDING = "reader-2.opus"
SPOKEN = "1780000000"  # seconds since 1970: the watermark names the week
PHONES = "hɛlˈO wˈɜld."
TEXTS = [
    "Hello world.",
    "Dr. Smith went to Washington D.C. on Jan. 3rd, 2025.",
    "It costs $12.50, or 3/4 of what it did in 1999.",
    "I read it yesterday; will you read it tomorrow?",
    "Call 555-0123 at 3:45pm, e.g. before the FBI and NASA do.",
    "The wind will wind the flags around the tower.",
    "Chapter IV: Henry VIII and the 22nd of May.",
    "Mail me at ana@example.com or see https://example.com/a.",
    "Temperatures of -5 °C, 70 mph winds, 20% off!",
    "A blorvish snarkle grommeted its zibbet.",
    "Say [[təmˈɑtO]], not tomato.",
    "😀 café naïve “quoted” — done…",
]


def speaker_inputs() -> tuple[np.ndarray, np.ndarray]:
    """The recording at 16 and 24 kHz."""
    audio = read_audio(SAMPLES / RECORDING)
    return (
        resample(audio.samples, audio.sample_rate_hz, 16000),
        resample(audio.samples, audio.sample_rate_hz, 24000),
    )


def measure(voice: Voice) -> dict[str, np.ndarray]:
    """All numeric golden vectors of a voice, by name."""
    out: dict[str, np.ndarray] = {}
    at_16k, at_24k = speaker_inputs()
    out["recording_16k"] = np.round(at_16k * 32767.0).astype(np.int16)
    at_16k = out["recording_16k"].astype(np.float32) / 32767.0
    out["d_vector"] = d_vector(voice._open_graph("speaker_encoder"), at_16k)
    level = normalize_level(at_24k, 24000)
    mel = log_mel(level)
    stats = speaker_statistics(mel, estimate_f0(level, 24000, 300))
    out["log_mel"] = mel[:80]
    out["log_f0"] = np.array([stats.log_f0_mean, stats.log_f0_std], np.float32)
    out["ltas"] = stats.ltas
    speaker = SpeakerBook(voice.bundle).vector(None, None)
    phones = PhoneInventory().encode(PHONES)
    out["phones"], out["speaker"] = phones, speaker
    encoder = voice._open_graph("acoustic_encoder")
    encoded = encoder.run({"phones": phones[None], "speaker": speaker[None]})
    for name in ("log_duration", "pitch", "energy", "condition"):
        out[f"encoder_{name}"] = encoded[name][0]
    frames = np.repeat(encoded["hidden"][0], 6, axis=0)
    extra = np.zeros((len(frames), 4), np.float32)
    extra[:, 0] = np.repeat(encoded["pitch"][0], 6)
    extra[:, 1] = np.repeat(encoded["energy"][0], 6)
    extra[:, 2] = np.tile((np.arange(6) + 0.5) / 6, len(phones))
    extra[:, 3] = np.log(6.0)
    decoded = voice._open_graph("acoustic_decoder").run(
        {
            "frames": np.concatenate([frames, extra], axis=1)[None],
            "condition": encoded["condition"],
            "log_f0_mean": speaker[256].reshape(1, 1),
        }
    )
    for name in ("mel", "log_f0", "voicing"):
        out[f"decoder_{name}"] = decoded[name][0]
    vocoder = voice._open_graph("vocoder")
    feed = {"mel": decoded["mel"], "log_f0": decoded["log_f0"]}
    if any(i.name == "voicing" for i in vocoder.inputs):
        feed["voicing"] = (decoded["voicing"] > 0.5).astype(np.float32)
    filters = vocoder.run(feed)
    for name in ("harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude"):
        out[f"vocoder_{name}"] = filters[name][0, 20:24]
    with patch.dict(os.environ, {DATE_VARIABLE: SPOKEN}):
        out["waveform"] = voice.synthesize_phones(PHONES, seed=7).samples
    return out


def phone_strings(voice: Voice) -> dict[str, list[str]]:
    """Text → the phones of each of its clauses."""
    return {text: [c.phones for c in voice.front_end.clauses(text)] for text in TEXTS}


def main() -> None:
    """Write both files."""
    voice = Voice.load()
    arrays = measure(voice)
    np.savez_compressed(HERE / "vectors.npz", **arrays)  # type: ignore[arg-type]
    text = json.dumps(phone_strings(voice), ensure_ascii=False, indent=1)
    (HERE / "phones.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
