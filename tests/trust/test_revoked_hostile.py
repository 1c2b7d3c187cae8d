"""Withdrawn consents against files that were made to deceive what knows of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.consenting import someone
from tests.trust.test_revoked_for_good import start_again, withdraw
from voicelet.cli.main import main
from voicelet.errors import ConsentEndedError, ConsentError
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import audit_folder, default_log
from voicelet.trust.consent import clock, signers
from voicelet.trust.consent.chain import Chain
from voicelet.trust.consent.revocations import default_file, device_revocations
from voicelet.trust.keys import keystore
from voicelet.trust.keys.seal import new_signing_key


def state_files() -> list[Path]:
    return sorted(keystore.keys_folder().glob("revocations*"))


def forget_the_log() -> None:
    """The audit log, its head, wherever they are."""
    head = default_log().head_path
    shutil.rmtree(audit_folder())
    head.unlink(missing_ok=True)


def test_invented_withdrawals_dont_stand_in_for_lost_ones() -> None:
    ana = someone()
    ana.check_consent()
    withdraw(ana)
    forget_the_log()
    for path in state_files():
        if path.suffix == ".jsonl":
            path.unlink()
    foreign = Chain().grown(new_signing_key(), "e" * 32, "2026-01-02T03:04:05Z", "")
    default_file().write_bytes(foreign.raw)
    start_again()
    with pytest.raises(ConsentError, match="--accept-loss"):
        device_revocations().repair()
    with pytest.raises(ConsentError, match="repair"):
        ana.check_consent()


def test_an_audit_log_that_began_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    ana, ben, cem = someone(), someone("ben", f0_hz=120.0), someone("cem", f0_hz=140.0)
    for _ in range(800):  # more than is read again anyway
        default_log().append("use", {"profile": "x" * 32})
    withdraw(ben)
    cem.check_consent()
    start_again()
    cem.check_consent()
    before = {path: path.read_bytes() for path in [default_file(), *state_files()]}
    forget_the_log()
    start_again()
    withdraw(ana)
    for path, data in before.items():
        path.write_bytes(data)
    start_again()
    with pytest.raises(ConsentEndedError):
        ana.check_consent()
    with pytest.raises(ConsentError, match="lacks 1"):
        cem.check_consent()


def test_revoking_by_id_tells_the_vault_at_once() -> None:
    ana = someone()
    Vault().save(ana)
    assert ana.consent is not None
    assert main(["consent", "revoke", "--id", ana.consent.id]) == 0
    forget_the_log()
    for path in (default_file(), *state_files()):
        path.unlink()
    start_again()
    with pytest.raises(ConsentEndedError):
        Vault().load("ana").check_consent()


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.parametrize("module", [signers, clock])
def test_a_pipe_in_the_place_of_a_file_isnt_waited_for(module: object) -> None:
    path: Path = module.default_file()  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    if module is clock:
        assert clock.latest_time() is None
    else:
        with pytest.raises(ConsentError, match="not a file"):
            signers.device_signers().entries()
