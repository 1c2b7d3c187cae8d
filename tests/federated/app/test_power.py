from __future__ import annotations

from pathlib import Path

import pytest

from voicelet_federated.app.power import check_power
from voicelet_federated.errors import PowerError


def supply(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for key, value in files.items():
        (folder / name / key).write_text(value + "\n")


def test_a_low_battery_sits_out_unless_plugged_in(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", type="Battery", status="Discharging", capacity="39")
    with pytest.raises(PowerError, match="39%, less than 40%"):
        check_power(0.4, tmp_path)
    check_power(0.39, tmp_path)
    supply(tmp_path, "hid-mouse", type="Battery", scope="Device", status="Full", capacity="100")
    supply(tmp_path, "AC", type="Mains", online="0")
    with pytest.raises(PowerError):
        check_power(0.4, tmp_path)
    (tmp_path / "AC" / "online").write_text("1\n")
    check_power(1.0, tmp_path)


def test_charging_counts_where_no_supply_says_so(tmp_path: Path) -> None:
    supply(tmp_path, "battery", type="Battery", status="Charging", capacity="3")
    check_power(0.9, tmp_path)


def test_energy_tells_where_capacity_does_not(tmp_path: Path) -> None:
    told = {"type": "Battery", "status": "Discharging"}
    supply(tmp_path, "a", **told, energy_now="100", energy_full="1000")
    with pytest.raises(PowerError, match="10%"):
        check_power(0.2, tmp_path)
    supply(tmp_path, "b", **told, charge_now="900", charge_full="1000")  # two: their mean
    check_power(0.5, tmp_path)


def test_where_nothing_is_told_nothing_is_spared(tmp_path: Path) -> None:
    check_power(1.0, tmp_path / "missing")
    check_power(1.0, tmp_path)
    supply(tmp_path, "odd", type="Battery", capacity="many")
    supply(tmp_path, "odder", energy_full="0", energy_now="0", type="Battery")
    check_power(1.0, tmp_path)
