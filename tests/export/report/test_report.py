"""The pages of a pipeline: what they say, and that equal records give equal pages."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from onnx import TensorProto, helper, numpy_helper

from voicelet.errors import BundleError
from voicelet_export.errors import CorpusError
from voicelet_export.pipeline.cache import StepRecord, write_json
from voicelet_export.pipeline.report import Shown, write_report
from voicelet_export.report.benches import read_sentences
from voicelet_export.report.folders import write_speech
from voicelet_export.report.html import markdown_table, opus, with_serial
from voicelet_export.report.measure import _claims
from voicelet_export.report.pareto import Point, front, pareto_svg
from voicelet_export.report.systems import Speech
from voicelet_export.report.teachers import piper_cost

TEXTS = ("One sentence.", "Another <b>one</b>.")
FIGURES: dict[str, dict[str, float]] = {
    "student": {"size_mb": 9.4, "wer_percent": 3.0, "p808": 3.8, "similarity": 0.81},
    "teacher": {"size_mb": 63.2, "wer_percent": 1.5, "p808": 4.0, "similarity": 1.0},
}


def tone(frequency: float, rate: int = 24000) -> Speech:
    time = np.arange(rate // 2) / rate
    return Speech((0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32), rate, 0.01)


@pytest.fixture
def steps(tmp_path: Path) -> list[Shown]:
    folder = tmp_path / "measured"
    for name, frequency in (("student", 220.0), ("teacher", 330.0)):
        write_speech(folder / "out/audio" / name, TEXTS, [tone(frequency)] * 2)
    write_json(folder / "out/figures.json", FIGURES)
    write_json(folder / "out/systems.json", {"student": "bundle", "teacher": "", "piper": ""})
    speed = {"rtf": {"student": 0.012, "teacher": 0.1, "piper": 0.11}}
    ratio = {"ratio_to_teacher": {"student": 0.12}, "ratio_to_piper": {"student": 0.109}}
    write_json(folder / "notes/speed.json", {**speed, **ratio})
    bundle = tmp_path / "bundle"
    (bundle / "out").mkdir(parents=True)
    (bundle / "out/a.bin").write_bytes(b"x" * 500_000)
    record = StepRecord("bundle", "bundle", "k1", seconds=12.5, files={"a.bin": "0" * 64})
    return [
        Shown("bundle", record, bundle),
        Shown("measured", StepRecord("measured", "measure", "k2", seconds=3.25), folder),
    ]


def test_a_report_tells_of_systems_steps_and_sounds(steps: list[Shown], tmp_path: Path) -> None:
    write_report(steps, tmp_path / "page", "A voice", clips=1)
    text = (tmp_path / "page/report.md").read_text()
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if "|" in line]
    systems = {row[0]: dict(zip(rows[0], row)) for row in rows}
    student = systems["student (step bundle)"]
    assert (student["MB"], student["RTF"], student["WER %"]) == ("9.40", "0.0120", "3.0")
    assert (student["RTF / teacher's"], student["RTF / Piper's"]) == ("0.120", "0.109")
    assert (systems["piper"]["RTF"], systems["piper"]["MB"]) == ("0.1100", "–")
    made = next(row for row in rows if row[:2] == ["bundle", "bundle"])
    assert made[2:4] == ["12.5", "0.50"]  # seconds, megabytes
    assert "9.40" not in made and "3.80" in made  # its P.808, from the measurement
    assert "16 s of work" in text
    page = (tmp_path / "page/report.html").read_text()
    sounds = re.findall(r'src="data:audio/ogg;base64,([^"]+)"', page)
    assert len(sounds) == 2  # one sentence, two systems
    (tmp_path / "clip.ogg").write_bytes(base64.b64decode(sounds[0]))
    samples, rate = soundfile.read(tmp_path / "clip.ogg")
    spectrum = np.abs(np.fft.rfft(samples[2000:8000]))
    assert np.argmax(spectrum) * rate / 6000 == pytest.approx(220.0, abs=4.0)
    assert "data:image/svg+xml;base64," in page
    assert "http" not in re.sub(r"base64,[^\"]+", "", page)  # nothing is fetched
    assert "<b>one" not in page


def test_equal_records_give_equal_pages(steps: list[Shown], tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(steps, tmp_path / name, "A voice")
    names = sorted(p.name for p in (tmp_path / "one").iterdir())
    assert names == ["pareto.svg", "report.html", "report.md"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_report_without_measurements_has_only_steps(steps: list[Shown], tmp_path: Path) -> None:
    write_report(steps[:1], tmp_path / "page", "A voice")
    assert not (tmp_path / "page/pareto.svg").exists()
    text = (tmp_path / "page/report.md").read_text()
    assert "bundle" in text and "Systems" not in text
    (steps[1].folder / "out/figures.json").write_text("[")
    with pytest.raises(CorpusError, match="not a measurement"):
        write_report(steps, tmp_path / "page", "A voice")


def test_what_was_verified_is_shown(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "size_mb", "found": 9.4, "claimed": 9.4, "tolerance": "t", "status": "pass"},
        {"name": "p808", "found": None, "claimed": 3.9, "tolerance": "", "status": "not measured"},
    ]
    write_json(tmp_path / "notes/verify.json", rows)
    write_report([Shown("v", StepRecord("v", "verify", "k"), tmp_path)], tmp_path / "page", "A")
    text = (tmp_path / "page/report.md").read_text()
    assert "| size_mb | 9.4 | 9.4 | t | pass |" in text
    assert "| p808 | – | 3.9 |  | not measured |" in text


def test_opus_of_equal_audio_is_equal_and_whole(tmp_path: Path) -> None:
    write_speech(tmp_path / "a", TEXTS[:1], [tone(440.0, 22050)])
    encoded = opus(tmp_path / "a/000.wav")
    assert encoded == opus(tmp_path / "a/000.wav")
    (tmp_path / "b.ogg").write_bytes(with_serial(encoded, 77))
    samples, rate = soundfile.read(tmp_path / "b.ogg")  # libsndfile checks the checksums
    assert len(samples) / rate == pytest.approx(0.5, abs=0.01)
    assert with_serial(with_serial(encoded, 77), 1) == encoded
    with pytest.raises(ValueError, match="Ogg"):
        with_serial(b"RIFF" + encoded, 1)


def test_the_front_is_what_nothing_beats() -> None:
    points = [
        Point("small", 1.0, 3.0),
        Point("bad", 2.0, 2.9),
        Point("same", 1.0, 3.0),
        Point("middle", 3.0, 3.5),
        Point("large", 9.0, 4.0),
        Point("worse", 9.0, 3.9),
    ]
    assert [p.name for p in front(points)] == ["same", "small", "middle", "large"]
    svg = pareto_svg({("MB", "P.808"): points, ("RTF", "P.808"): []})
    assert svg is not None
    assert all(p.name in svg for p in points)
    assert pareto_svg({("MB", "P.808"): []}) is None


def test_claims_have_the_names_of_a_manifest() -> None:
    assert _claims(FIGURES, "student") == {
        "size_mb": 9.4,
        "wer_percent_default_voice": 3.0,
        "p808_default_voice": 3.8,
        "similarity_to_teacher": 0.81,
        "wer_percent_over_teacher": 1.5,
    }


def test_tables_keep_their_columns() -> None:
    table = markdown_table(["a", "b"], [["x|y", "1"], ["two\nlines", "2"]])
    assert table.splitlines()[2:] == ["| x\\|y | 1 |", "| two lines | 2 |"]


def test_sentences_come_from_a_file_or_from_the_benchmarks(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("# a comment\nOne.\n\nTwo.\nThree.\n")
    assert read_sentences(tmp_path / "s.txt", 2) == ("One.", "Two.")
    assert len(read_sentences(None, 5)) == 5
    assert json.dumps(read_sentences(None, 1)) != "[]"


def test_a_teachers_cost_is_that_of_the_shapes_it_really_has(tmp_path: Path) -> None:
    embedding = np.zeros((8, 100), np.float32)
    weight = np.ones((100, 10_000), np.float32)
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Gather", ["embedding", "input"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "weight"], ["frames"]),
        helper.make_node("Reshape", ["frames", "flat"], ["output"]),
    ]
    constants = {"embedding": embedding, "weight": weight, "flat": np.array([1, 1, -1])}
    graph = helper.make_graph(
        nodes,
        "piper",
        [
            value("input", TensorProto.INT64, [1, "n"]),
            value("input_lengths", TensorProto.INT64, [1]),
            value("scales", TensorProto.FLOAT, [3]),
        ],
        [value("output", TensorProto.FLOAT, [1, 1, "samples"])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "voice.onnx"
    path.write_bytes(model.SerializeToString())
    ids = {"_": [0], "^": [1], "$": [2], "a": [3], "i": [4]}
    config = {"audio": {"sample_rate": 100_000}, "phoneme_id_map": ids}
    Path(f"{path}.json").write_text(json.dumps(config))
    # Each symbol is 10 000 samples, a tenth of a second, and a million multiply-adds.
    assert piper_cost(path, "ai") == {"parameters_m": 1.001, "madds_m_per_s": 10.0}
    with pytest.raises(BundleError, match="not a Piper voice"):
        piper_cost(tmp_path / "none.onnx", "ai")
