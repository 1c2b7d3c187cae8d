"""The committed artifacts and the embedded voice: nothing twice, and one makes the other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voicelet.bundle import open_bundle
from voicelet.engine import get_engine
from voicelet.errors import BundleError
from voicelet.synth import Voice
from voicelet_export.bundle.build import BundleRecipe, build_bundle
from voicelet_export.cli.main import main
from voicelet_export.corpus.cache import FeatureCache, build_aligned_cache
from voicelet_export.corpus.synthetic import write_synthetic_corpus

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "export/artifacts"
EMBEDDED = ROOT / "sdk/voicelet/voices/default"


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def test_no_artifact_is_a_copy_of_a_file_of_the_embedded_voice() -> None:
    embedded = {digest: name for name, digest in hashes(EMBEDDED).items()}
    twice = {n: embedded[d] for n, d in hashes(ARTIFACTS).items() if d in embedded}
    assert not twice, f"take these from {EMBEDDED.relative_to(ROOT)} instead: {twice}"


def test_the_readme_of_the_artifacts_names_every_file() -> None:
    text = (ARTIFACTS / "README.md").read_text(encoding="utf-8")
    for name in hashes(ARTIFACTS):
        assert name == "README.md" or f"`{name}`" in text, name


def rebuild(out: Path, **changes: object) -> BundleRecipe:
    recipe = BundleRecipe(
        acoustic=ARTIFACTS / "acoustic",
        vocoder=ARTIFACTS / "vocoder",
        g2p=EMBEDDED,
        speaker_encoder=ARTIFACTS / "speaker_encoder",
        out=out,
        scales_from=EMBEDDED,
        presets_from=EMBEDDED,
    )
    return replace(recipe, **changes)  # type: ignore[arg-type]


def test_the_embedded_voice_is_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    figures = tmp_path / "measured.json"
    manifest = open_bundle().manifest
    figures.write_text(json.dumps(manifest.measured))
    out = tmp_path / "rebuilt"
    arguments = ["bundle", "--out", str(out), "--version", "0.4", "--measured", str(figures)]
    arguments += ["--commit", manifest.provenance["commit"], "--g2p", str(EMBEDDED)]
    for name in ("acoustic", "vocoder", "speaker_encoder"):
        arguments += [f"--{name.replace('_', '-')}", str(ARTIFACTS / name)]
    arguments += ["--scales-from", str(EMBEDDED), "--presets-from", str(EMBEDDED)]
    assert main(arguments) == 0
    found, wanted = hashes(out), hashes(EMBEDDED)
    wanted.pop("manifest.sig")  # of a key that isn't here
    assert found == wanted


def test_without_the_scales_of_another_bundle_caches_are_needed(tmp_path: Path) -> None:
    for change, needed in (({"scales_from": None}, "--scales-from"),
                           ({"presets_from": None}, "--presets-from")):  # fmt: skip
        with pytest.raises(BundleError, match=needed):
            build_bundle(rebuild(tmp_path / "bundle", **change))
    assert not (tmp_path / "bundle").exists()


def test_scales_of_another_architecture_are_refused(tmp_path: Path) -> None:
    import shutil

    model = tmp_path / "vocoder"
    shutil.copytree(ARTIFACTS / "vocoder", model)
    other = tmp_path / "other"
    shutil.copytree(EMBEDDED, other)
    # The decoder's graph in the vocoder's place: its products have other names.
    manifest = json.loads((other / "manifest.json").read_text())
    graphs = manifest["graphs"]
    graphs["vocoder"]["alternatives"], graphs["acoustic_decoder"]["alternatives"] = (
        graphs["acoustic_decoder"]["alternatives"], graphs["vocoder"]["alternatives"],
    )  # fmt: skip
    (other / "manifest.json").write_text(json.dumps(manifest))
    (other / "manifest.sig").unlink()
    with pytest.raises(BundleError, match="another model"):
        build_bundle(rebuild(tmp_path / "bundle", scales_from=other))


def test_a_float_bundle_of_the_milestones_says_what_the_embedded_voice_says(
    tmp_path: Path,
) -> None:
    bundle = build_bundle(rebuild(tmp_path / "fp32", precision="fp32", scales_from=None))
    engine = get_engine()
    rng = np.random.default_rng(0)
    phones = rng.integers(1, 60, (1, 40))
    speaker = np.load(EMBEDDED / "presets.npy")[:1]
    given = {"phones": phones, "speaker": speaker}
    made = engine.open(bundle.graph_path("acoustic_encoder")[0]).run(given)
    want = engine.open(EMBEDDED / "acoustic_encoder.onnx").run(given)
    for name, value in want.items():
        error = np.square(made[name] - value).mean() / np.square(value).mean()
        assert error < 0.01, (name, error)  # int8 lies 20 dB and more below
    assert Voice.load(tmp_path / "fp32", trust_bundle=True).synthesize("Hello there.").samples.any()


def test_mels_are_predicted_by_a_committed_milestone(tmp_path: Path) -> None:
    corpus, cache, out = (tmp_path / name for name in ("corpus", "cache", "predicted"))
    write_synthetic_corpus(corpus, 2, 1)
    encoder = ARTIFACTS / "speaker_encoder/speaker_encoder.onnx"
    assert build_aligned_cache(corpus, cache, encoder) == 2
    arguments = ["corpus", "predict", "--acoustic", str(ARTIFACTS / "acoustic")]
    assert main([*arguments, "--cache", str(cache), "--out", str(out)]) == 0
    made, given = FeatureCache(out), FeatureCache(cache)
    for entry in given.entries:
        mel = made.mel(entry)
        assert mel.shape == given.mel(entry).shape and np.isfinite(mel).all()
        assert np.abs(mel - given.mel(entry)).mean() > 0.1  # nobody sounds like this corpus
