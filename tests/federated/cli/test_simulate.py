from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from voicelet.errors import ConfigError
from voicelet_federated.app.config import (
    SIMULATION,
    FederationConfig,
    Places,
    read_run_config,
    to_run_config,
)
from voicelet_federated.app.devices import (
    DeviceData,
    load_identity,
    load_roster,
    speakers_of,
)
from voicelet_federated.app.protocol import device_id
from voicelet_federated.cli.main import main
from voicelet_federated.cli.simulate import prepare
from voicelet_federated.deploy.flower import app_folder


def simulate(tiny_parts: tuple[Path, Path], out: Path, *more: str) -> int:
    base, cache = tiny_parts
    held_out = out.parent / "heldout.json"
    held_out.write_text('["s3"]')
    command = ["simulate", "--base", str(base), "--cache", str(cache), "--out", str(out)]
    command += ["--held-out", str(held_out), "--clients", "3", "--minimum", "2"]
    return main([*command, "--local-steps", "1", *more])


def test_the_command_reports_what_was_promised_and_gained(
    tiny_parts: tuple[Path, Path], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SIMULATION, raising=False)
    assert simulate(tiny_parts, tmp_path / "run", "--rounds", "2", "--epsilon", "8") == 0
    text = capsys.readouterr().out
    told = json.loads(text[text.index("{\n") :])
    assert told["guarantee"]["rounds"] == 2 and told["cohort"] == 3 and told["rounds_done"] == 2
    assert 7.8 < told["guarantee"]["epsilon"] <= 8.0 and told["guarantee"]["delta"] == 1e-5
    assert told["guarantee"]["neighbours"] == "add or remove one user"
    assert told["held_out_before"]["mel"] > 0 and told["held_out_after"]["mel"] > 0
    assert told["held_out_before"] != told["held_out_after"]
    # 1 KiB each way for the vectors; the rest is keys, signatures and terms.
    assert 2048 < told["bytes_a_device_and_round"] < 8192
    # A second run of the same command has nothing left to do and pays nothing.
    assert simulate(tiny_parts, tmp_path / "run", "--rounds", "2", "--epsilon", "8") == 0
    text = capsys.readouterr().out
    assert json.loads(text[text.index("{\n") :]) == told


def test_without_noise_held_out_speech_gains(
    tiny_parts: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    more = ("--rounds", "3", "--epsilon", "inf", "--learning-rate", "0.3")
    assert simulate(tiny_parts, tmp_path / "run", *more) == 0
    text = capsys.readouterr().out
    told = json.loads(text[text.index("{\n") :])
    assert told["held_out_after"]["mel"] < told["held_out_before"]["mel"]
    assert told["guarantee"]["epsilon"] is None


def test_every_device_is_one_speaker_with_a_key_of_its_own(
    tiny_parts: tuple[Path, Path], tmp_path: Path
) -> None:
    base, cache = tiny_parts
    places = prepare(cache, base, None, tmp_path, 4)
    names = json.loads(Path(places.devices).read_text())
    assert sorted(names) == ["s0", "s1", "s2", "s3"]
    keys = [load_identity(tmp_path / "devices" / n).public_key() for n in names]
    assert {device_id(k) for k in keys} == set(load_roster(Path(places.roster)))
    assert (tmp_path / "devices" / "s0" / "identity.pem").stat().st_mode & 0o077 == 0
    held = [DeviceData(cache, name).items for name in names]
    assert len({i.entry.id for items in held for i in items}) == sum(map(len, held)) == 8
    with pytest.raises(ConfigError, match="4 aligned speakers"):
        prepare(cache, base, None, tmp_path, 5)
    with pytest.raises(ConfigError, match="name the device's own"):
        DeviceData(cache)
    hidden = tmp_path / "h.json"
    hidden.write_text('{"people": ["s2"]}')
    assert "s2" not in speakers_of(cache, hidden)


def test_the_app_directory_states_the_terms(tmp_path: Path) -> None:
    from flwr.common.config import flatten_dict, get_project_config, validate_fields_in_config

    config = get_project_config(app_folder(tmp_path))
    assert validate_fields_in_config(config)[:2] == (True, [])
    app = config["tool"]["flwr"]["app"]
    terms, _ = read_run_config(flatten_dict(app["config"]))
    assert terms == FederationConfig()
    # Flower refuses a run whose configuration has keys that the app directory lacks.
    assert set(to_run_config(terms, Places())) == set(flatten_dict(app["config"]))


def test_mistakes_are_told(tiny_parts: tuple[Path, Path], tmp_path: Path, capsys: Any) -> None:
    assert simulate(tiny_parts, tmp_path / "run", "--epsilon", "0") == 2
    assert "epsilon" in capsys.readouterr().err
    assert simulate((tiny_parts[0], tmp_path), tmp_path / "run") == 2
    assert "no feature cache" in capsys.readouterr().err
