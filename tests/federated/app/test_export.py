from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("flwr")

from voicelet.audio.features import FloatArray  # noqa: E402
from voicelet.bundle import open_bundle  # noqa: E402
from voicelet.errors import BundleError  # noqa: E402
from voicelet_federated.app.adapter import merge  # noqa: E402
from voicelet_federated.app.config import AdapterSpec  # noqa: E402
from voicelet_federated.app.devices import BaseModel, load_base  # noqa: E402
from voicelet_federated.app.export import RunProvenance, export_bundle  # noqa: E402
from voicelet_federated.cli.export import export_run  # noqa: E402
from voicelet_federated.errors import FederationError  # noqa: E402

BASE = Path(__file__).resolve().parents[3] / "export" / "artifacts" / "acoustic"
ORIGIN = RunProvenance("run-7", 2, 3, 151.4, 1e-5)
SPEC = AdapterSpec()


@pytest.fixture(scope="module")
def base() -> BaseModel:
    torch.set_num_threads(1)
    return load_base(BASE)


def adapter(norm: float) -> FloatArray:
    flat = np.random.default_rng(0).standard_normal(SPEC.size)
    return np.asarray(norm * flat / np.linalg.norm(flat), np.float32)


def test_an_adapter_of_zeros_leaves_every_graph_as_it_was(base: BaseModel, tmp_path: Path) -> None:
    made = export_bundle(base.model, SPEC, adapter(0.0), None, tmp_path / "v", ORIGIN)
    old, new = open_bundle().manifest, open_bundle(tmp_path / "v").manifest
    for role, graph in new.graphs.items():
        if role != "acoustic_encoder":
            assert graph == old.graphs[role]
    assert made.error_after == made.error_before


def test_a_bundle_of_a_merged_model_speaks_and_says_where_it_is_from(
    base: BaseModel, tmp_path: Path
) -> None:
    made = export_bundle(base.model, SPEC, adapter(1.5), None, tmp_path / "v", ORIGIN)
    assert made.error_after < 0.05 and made.seconds > 2.0
    manifest = made.bundle.manifest
    assert manifest.provenance["federated_epsilon"] == "151.4"
    assert manifest.provenance["federated_rounds"] == "2"
    assert manifest.total_bytes < 12e6
    assert not manifest.measured, "figures of the old voice aren't the new one's"
    card = made.bundle.data_path("model_card").read_text(encoding="utf-8")
    assert "epsilon 151.4 at delta 1e-05" in card and "3 people" in card
    same = open_bundle().graph_path("acoustic_encoder")[0].read_bytes()
    assert made.bundle.graph_path("acoustic_encoder")[0].read_bytes() != same


def test_an_adapter_beyond_the_calibrated_ranges_still_makes_a_faithful_bundle(
    base: BaseModel, tmp_path: Path
) -> None:
    made = export_bundle(base.model, SPEC, adapter(7.0), None, tmp_path / "v", ORIGIN)
    assert made.error_after < 0.05
    assert made.bundle.manifest.total_bytes < 12e6


def test_a_bundle_of_another_model_is_refused(base: BaseModel, tmp_path: Path) -> None:
    other = merge(base.model, SPEC, adapter(20.0))
    with pytest.raises(BundleError, match="isn't the base model's"):
        export_bundle(other, SPEC, adapter(1.0), None, tmp_path / "v", ORIGIN)
    bad = adapter(1.0)
    bad[3] = math.nan
    with pytest.raises(FederationError, match="finite"):
        export_bundle(base.model, SPEC, bad, None, tmp_path / "v", ORIGIN)
    assert not (tmp_path / "v").exists()


def test_a_run_that_isnt_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match="can't be read"):
        export_run(tmp_path, BASE, None, tmp_path / "v")
