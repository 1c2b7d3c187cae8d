"""The corpus checker finds what is wrong, and nothing where nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.export.speech import RATE, ljspeech, reader, write  # noqa: E402
from voicelet.config import from_mapping  # noqa: E402
from voicelet.errors import ConfigError  # noqa: E402
from voicelet_export.cli.main import main  # noqa: E402
from voicelet_export.corpus.check.audio import check_measured, measure  # noqa: E402
from voicelet_export.corpus.check.config import CheckConfig  # noqa: E402
from voicelet_export.corpus.check.corpus import aligner_fit, check_corpus  # noqa: E402
from voicelet_export.corpus.check.text import check_text, letters_in  # noqa: E402
from voicelet_export.corpus.layouts import CorpusRecording  # noqa: E402
from voicelet_export.corpus.prepare import Tools, recording_aligner  # noqa: E402

TEXTS = {
    3: "And of course it happens that way",
    4: "There was no reason to take him out",
    7: "Ready to get down to business",
    8: "Get me out of here please",
    9: "We can never have too many friends",
}
CLEAN = {n: reader(n) for n in TEXTS}
LOOSE = CheckConfig(snr_warning_db=12.0, most_edge_s=3.0, least_speech=0.2)
"""The sample recordings are of a room, with pauses."""


def build(folder: Path, changed: dict[int, np.ndarray], texts: dict[int, str]) -> Path:
    waves = {f"r{n}": changed.get(n, w) for n, w in CLEAN.items()}
    return ljspeech(folder, waves, {f"r{n}": texts.get(n, t) for n, t in TEXTS.items()})


def kinds(report: object) -> set[tuple[str, str, str]]:
    return {(f.id, f.check, f.severity) for f in report.findings}  # type: ignore[attr-defined]


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    report = check_corpus(build(tmp_path / "lj", {}, {}), config=LOOSE)
    assert kinds(report) == set()
    assert report.utterances == len(report.measured) == 5
    facts = report.mapping()
    assert facts["sample_rates_hz"] == {"24000": 5}
    assert facts["hours"] == pytest.approx(sum(map(len, CLEAN.values())) / RATE / 3600, abs=1e-4)


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    wave = CLEAN[3]
    loud = np.clip(wave * (8.0 / np.abs(wave).max()), -0.9, 0.9)
    texts = {4: "There was \ufffdno reason → to take", 8: TEXTS[9], 9: TEXTS[9]}
    folder = build(tmp_path / "lj", {3: loud, 7: CLEAN[9] + 0.05}, texts)
    write(folder / "wavs" / "r8.wav", CLEAN[9])
    (folder / "wavs" / "r4.wav").write_bytes(b"RIFF....")
    with open(folder / "metadata.csv", "a", encoding="utf-8") as table:
        table.write("quiet|Nothing is said.|Nothing is said.\nempty| | \n")
    write(folder / "wavs" / "quiet.wav", np.zeros(RATE, np.float32))
    stereo = np.stack([CLEAN[4], 0 * CLEAN[4]], axis=1)[::2]
    write(folder / "wavs" / "empty.wav", stereo, 12000)
    report = check_corpus(folder, config=LOOSE)
    expected = {
        ("r3", "clipping", "error"),
        ("r4", "unreadable", "error"),
        ("r4", "characters", "error"),
        ("r4", "characters", "warning"),
        ("r7", "dc", "warning"),
        ("r9", "duplicate audio", "error"),
        ("r9", "duplicate text", "warning"),
        ("quiet", "silence", "error"),
        ("empty", "text", "error"),
        ("empty", "sample rate", "error"),
        ("empty", "channels", "warning"),
        ("", "sample rate", "warning"),
    }
    assert expected <= kinds(report)
    assert {name for name, _, _ in kinds(report)} <= {"", "r3", "r4", "r7", "r9", "quiet", "empty"}
    assert report.errors == sum(f.severity == "error" for f in report.findings) >= 7


@pytest.mark.parametrize("snr", [5.0, 15.0, 25.0])
def test_the_noise_is_estimated(tmp_path: Path, snr: float) -> None:
    from voicelet.audio.level import active_level_dbfs

    wave = np.concatenate([np.zeros(RATE // 2, np.float32), CLEAN[8], np.zeros(RATE // 2)])
    wave += 1e-5
    level = active_level_dbfs(wave, RATE)
    noise = np.random.default_rng(1).standard_normal(len(wave)) * 10 ** ((level - snr) / 20)
    path = write(tmp_path / "a.wav", (wave + noise).astype(np.float32), subtype="FLOAT")
    found = measure(CorpusRecording("a", "s", TEXTS[8], path), 30.0)
    assert found.snr_db == pytest.approx(snr, abs=4.0)
    severity = {f.severity for f in check_measured(found, CheckConfig()) if f.check == "noise"}
    assert severity == ({"error"} if snr < 8 else {"warning"} if snr < 20 else set())


def test_a_text_far_longer_than_its_speech_is_found(tmp_path: Path) -> None:
    for n in range(12):
        wave = CLEAN[[3, 4, 7, 8, 9][n % 5]] * (1.0 - 0.01 * n)
        write(tmp_path / "in" / f"u{n:02d}.wav", wave)
        text = TEXTS[[3, 4, 7, 8, 9][n % 5]]
        text = text * 3 if n == 7 else text * 12 if n == 2 else text
        (tmp_path / "in" / f"u{n:02d}.txt").write_text(text)
    found = {f.id: f.severity for f in check_corpus(tmp_path / "in").findings
             if f.check == "text mismatch"}  # fmt: skip
    assert found == {"u07": "warning", "u02": "error"}


def test_the_aligner_tells_right_texts_from_wrong_ones(tmp_path: Path) -> None:
    texts = {7: TEXTS[8], 8: TEXTS[7]}
    folder = build(tmp_path / "lj", {}, texts)
    report = check_corpus(folder, config=LOOSE, fit=aligner_fit(recording_aligner(Tools.found())))
    wrong = {f.id for f in report.findings if f.check == "alignment" and f.severity == "error"}
    assert wrong == {"r7", "r8"}


@pytest.mark.parametrize(
    ("text", "severities"),
    [
        ("It's “fine” – really: £5, naïve café & co.", []),
        ("cafÃ© au lait", ["error"]),
        ("It wasnâ€™t", ["error"]),
        ("zero\u200bwidth", ["error"]),
        ("[noise] hello <unk>", ["warning"]),
        ("Привет", ["warning"]),
        ("...", ["error"]),
        ("", ["error"]),
    ],
)
def test_characters(text: str, severities: list[str]) -> None:
    assert [f.severity for f in check_text("u", text)] == severities


def test_a_digit_counts_as_a_word() -> None:
    assert letters_in("In 1999!") == 2 + 4 * 4


def test_the_command_exits_with_1_on_errors_and_writes_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build(tmp_path / "lj", {}, {})
    (tmp_path / "loose.yaml").write_text("{snr_warning_db: 8, most_edge_s: 3, least_speech: 0.2}")
    options = ["--config", str(tmp_path / "loose.yaml"), "--report", str(tmp_path / "r.json")]
    assert main(["corpus", "check", str(folder), *options]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["errors"] == 0
    (folder / "wavs" / "r3.wav").write_bytes(b"no audio")
    assert main(["corpus", "check", str(folder), *options]) == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert [(f["id"], f["check"]) for f in report["findings"]] == [("r3", "unreadable")]
    assert "unreadable" in capsys.readouterr().out
    assert main(["corpus", "check", str(tmp_path / "nowhere")]) == 22


def test_thresholds_are_checked() -> None:
    with pytest.raises(ConfigError, match="did you mean 'snr_error_db'"):
        from_mapping(CheckConfig, {"snr_eror_db": 3})
    with pytest.raises(ConfigError, match="must not be above"):
        CheckConfig(snr_error_db=30.0)
