"""Whether a device has power enough to train: plugged in, or charged (Linux's power supplies)."""

from __future__ import annotations

from pathlib import Path

from voicelet_federated.errors import PowerError

POWER_SUPPLIES = Path("/sys/class/power_supply")
_MAINS = {"Mains", "USB", "Wireless"}


def check_power(least_battery: float, supplies: Path = POWER_SUPPLIES) -> None:
    """Check that the device is plugged in or its battery is charged enough.

    Where the system reports no battery (a desktop, another system than Linux) the check passes.
    Batteries of mice and headsets (scope "Device") don't count.

    Args:
        least_battery: share of a full battery, 0 to 1.
        supplies: folder of a folder a supply, as the kernel has it (ABI sysfs-class-power).

    Raises:
        PowerError: it runs on a battery that holds less.
    """
    charges: list[float] = []
    try:
        folders = sorted(supplies.iterdir())
    except OSError:
        return
    for folder in folders:
        if _read(folder / "scope") == "Device":
            continue
        kind, status = _read(folder / "type"), _read(folder / "status")
        if kind in _MAINS and _read(folder / "online") == "1":
            return
        if kind == "Battery":
            if status in ("Charging", "Full", "Not charging"):
                return  # plugged in, though no supply reports it
            charge = _charge(folder)
            if charge is not None:
                charges.append(charge)
    if charges and sum(charges) / len(charges) < least_battery:
        raise PowerError(
            f"the battery holds {sum(charges) / len(charges):.0%}, less than {least_battery:.0%}; "
            "plug the device in, or let it go lower by `join --least-battery`"
        )


def _charge(folder: Path) -> float | None:
    """Charge of a battery, 0 to 1; None if it isn't reported."""
    for now, full in (
        ("capacity", ""),
        ("energy_now", "energy_full"),
        ("charge_now", "charge_full"),
    ):
        try:
            value = float(_read(folder / now))
            capacity = float(_read(folder / full)) if full else 100.0
        except ValueError:
            continue
        if capacity > 0.0:
            return min(1.0, max(0.0, value / capacity))
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
