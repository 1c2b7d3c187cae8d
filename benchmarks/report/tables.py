"""Markdown tables of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("clips", "clips", ".0f"),
    ("wer", "WER %", "%"),
    ("p808", "P.808", ".2f"),
    ("sig", "SIG", ".2f"),
    ("bak", "BAK", ".2f"),
    ("ovrl", "OVRL", ".2f"),
    ("similarity", "similarity", ".3f"),
    ("similarity_others", "to others", ".3f"),
    ("nearest", "SI-Acc %", "%"),
    ("nearest_of_10", "of 10 %", "%"),
    ("accepted", "accepted %", "%"),
    ("second", "x-vector", ".3f"),
    ("second_others", "to others", ".3f"),
    ("second_nearest_of_10", "of 10 %", "%"),
    ("second_accepted", "accepted %", "%"),
    ("pesq_wb", "PESQ-WB", ".2f"),
    ("stoi", "STOI", ".3f"),
    ("mel_rmse_db", "mel RMSE dB", ".2f"),
    ("f0_rmse_hz", "f0 RMSE Hz", ".1f"),
    ("f0_rmse_cents", "f0 RMSE cents", ".0f"),
    ("vuv_error", "V/UV err. %", "%"),
)


def cell(value: float | None, form: str) -> str:
    """A number as a table shows it; a dash for none."""
    if value is None or value != value:
        return "–"
    return f"{100 * value:.1f}" if form == "%" else format(value, form)


def markdown(rows: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """A table with a row a system and a column for every measure that any of them has."""
    used = [c for c in COLUMNS if any(c[0] in summary for _, summary in rows)]
    head = "| | " + " | ".join(title for _, title, _ in used) + " |"
    rule = "|---|" + "---:|" * len(used)
    body = (
        f"| {name} | " + " | ".join(cell(summary.get(k), f) for k, _, f in used) + " |"
        for name, summary in rows
    )
    return "\n".join([head, rule, *body]) + "\n"
