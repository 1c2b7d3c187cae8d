"""A voice that was withdrawn stays withdrawn, whatever becomes of the list of withdrawals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.consenting import agreed, foreign, scripted, someone
from tests.trust.test_keys import Ring
from voicelet.enrolment.consent import give_consent, revoke_consent
from voicelet.errors import ConsentEndedError, ConsentError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit import device_log as audit
from voicelet.trust.consent import revocations as module
from voicelet.trust.consent.chain import parse
from voicelet.trust.consent.record import BY_STATEMENT
from voicelet.trust.consent.revocations import Revocations, default_file, device_revocations
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys import device_key as keys_module
from voicelet.trust.keys import keystore
from voicelet.trust.keys.seal import new_signing_key


@pytest.fixture
def two() -> tuple[Profile, Profile]:
    """Ana, who has withdrawn her consent, and Ben, who hasn't."""
    ana, ben = someone(), someone("ben", f0_hz=120.0)
    ben.check_consent()
    withdraw(ana)
    ben.check_consent()
    return ana, ben


def withdraw(profile: Profile) -> None:
    assert profile.consent is not None
    device_revocations().add(profile.consent.id)


def start_again() -> None:
    """As another process sees it."""
    module._shared.cache_clear()
    keys_module._load.cache_clear()


def state_files() -> list[Path]:
    """All that is kept apart from the list, in files."""
    return sorted(keystore.keys_folder().glob("revocations*"))


def forged_list() -> bytes:
    """Of another device: sound in itself."""
    from voicelet.trust.consent.chain import Chain

    chain = Chain().grown(new_signing_key(), "e" * 32, "2026-01-02T03:04:05Z", "")
    return chain.raw


def remove(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_link(path: Path) -> None:
    path.rename(path.with_name("x"))
    path.symlink_to("x")


def respell(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: (path.write_bytes(change(path.read_bytes())), None)[1]


def capital_id(raw: bytes) -> bytes:
    record_id = json.loads(raw.splitlines()[0])["id"].encode()
    return raw.replace(record_id, record_id.upper())


LOSSES: dict[str, Callable[[Path], None]] = {
    "removed": remove,
    "emptied": respell(lambda raw: b""),
    "cut in the line": respell(lambda raw: raw[:-40]),
    "a folder": make_folder,
    "too big": respell(lambda raw: raw + b"\n" * (17 << 20)),
    "another device's": respell(lambda raw: forged_list()),
    "a link": make_link,
    "a capital id": respell(capital_id),
    "a capital signature": respell(
        lambda raw: raw[:-30] + raw[-30:].upper().replace(b"\n\n", b"\n")
    ),
    "carriage returns": respell(lambda raw: raw.replace(b"\n", b"\r\n")),
    "spaces": respell(lambda raw: raw.replace(b":", b": ")),
    "twice": respell(lambda raw: raw * 2),
    "garbage": respell(lambda raw: b"\xff\x00" + raw),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_no_loss_of_the_list_lets_a_withdrawn_voice_speak(
    two: tuple[Profile, Profile], loss: str, tmp_path: Path
) -> None:
    ana, ben = two
    path = default_file()
    shutil.copy2(path, tmp_path / "backup")
    LOSSES[loss](path)
    for fresh in (False, True):
        if fresh:
            start_again()
        with pytest.raises(ConsentEndedError):
            ana.check_consent()
        with pytest.raises(ConsentError, match="voicelet consent repair") as refusal:
            ben.check_consent()
        assert not isinstance(refusal.value, ConsentEndedError)
        with pytest.raises(ConsentError, match="NOT revoked"):
            withdraw(ben)
    repair = device_revocations().repair()
    assert repair.lost == 0
    start_again()
    ben.check_consent()
    with pytest.raises(ConsentEndedError):
        ana.check_consent()
    withdraw(ben)
    with pytest.raises(ConsentEndedError):
        ben.check_consent()


def test_a_restored_list_speaks_again_by_itself(
    two: tuple[Profile, Profile], tmp_path: Path
) -> None:
    ana, ben = two
    default_file().rename(tmp_path / "backup")
    with pytest.raises(ConsentError):
        ben.check_consent()
    (tmp_path / "backup").rename(default_file())
    ben.check_consent()
    with pytest.raises(ConsentEndedError):
        ana.check_consent()


def test_an_older_list_is_refused(two: tuple[Profile, Profile], tmp_path: Path) -> None:
    """A backup of before the last withdrawal, put back, by name and with its file dates."""
    _, ben = two
    cleo = someone("cleo", f0_hz=150.0)
    shutil.copy2(default_file(), tmp_path / "backup")
    withdraw(cleo)
    shutil.copy2(tmp_path / "backup", default_file())
    start_again()
    with pytest.raises(ConsentError, match="holds 1 withdrawn consents, and it held 2"):
        ben.check_consent()
    with pytest.raises(ConsentEndedError):
        cleo.check_consent()  # its copy still names it


@pytest.mark.parametrize("with_list", [False, True])
def test_the_audit_log_knows_when_the_states_are_older_too(
    two: tuple[Profile, Profile], tmp_path: Path, with_list: bool
) -> None:
    _, ben = two
    data = default_file().parent.parent
    shutil.copytree(data, tmp_path / "before")
    cleo = someone("cleo", f0_hz=150.0)
    withdraw(cleo)
    for folder in ("consent", "keys"):
        shutil.rmtree(data / folder)
        shutil.copytree(tmp_path / "before" / folder, data / folder)
    if not with_list:
        for path in (default_file(), *state_files()):
            path.unlink()
    start_again()
    with pytest.raises(ConsentEndedError):
        cleo.check_consent()
    if with_list:
        with pytest.raises(ConsentError, match="that the audit log"):
            ben.check_consent()
        assert device_revocations().repair().added == (cleo.consent.id,)  # type: ignore[union-attr]
    ben.check_consent()  # nothing said how long the list was: it was put together again at once
    with pytest.raises(ConsentEndedError):
        cleo.check_consent()
    assert cleo.consent is not None
    assert cleo.consent.id in {e.id for e in device_revocations().entries()}


def test_lines_that_others_add_to_the_audit_log_withdraw_nothing() -> None:
    ben = someone("ben")
    assert ben.consent is not None
    audit.flush()
    log = audit.AuditLog(audit.audit_folder(), new_signing_key())
    log.append("revoke", {"consent": ben.consent.id})
    start_again()
    ben.check_consent()


def test_the_keystore_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one, it tells of a disk that was put back as a whole."""
    ring = Ring()
    monkeypatch.setattr(keystore, "_keyring", lambda: ring)
    monkeypatch.setenv("VOICELET_AUDIT", "off")
    start_again()
    ana, ben = someone(), someone("ben", f0_hz=120.0)
    withdraw(ana)
    assert any("revocations" in name for _, name in ring.kept)
    for path in (default_file(), *state_files()):
        path.unlink()
    start_again()
    with pytest.raises(ConsentError, match="missing or empty, and it held 1"):
        ben.check_consent()
    with pytest.raises(ConsentError, match="1 withdrawn consents can't be found again"):
        device_revocations().repair()
    assert device_revocations().repair(accept_loss=True).lost == 1
    start_again()
    ben.check_consent()
    ring.locked = True  # nobody is asked to unlock it, and nobody falls silent for it
    start_again()
    ben.check_consent()


def test_the_vault_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is left: no list, no state, no copy, no audit log."""
    monkeypatch.setenv("VOICELET_AUDIT", "off")
    vault = Vault()
    vault.save(someone())
    vault.save(someone("ben", f0_hz=120.0))
    withdraw(vault.load("ana"))
    vault.load("ben")  # whichever profile is opened next
    for path in (default_file(), *state_files()):
        path.unlink()
    start_again()
    ana, ben = Vault().load("ana"), Vault().load("ben")
    with pytest.raises(ConsentEndedError):
        ana.check_consent()
    with pytest.raises(ConsentError, match="repair"):
        ben.check_consent()
    Vault().rotate_key()
    vault.erase("ben")  # all of that needs no list, and forgets nothing
    start_again()
    assert ana.consent is not None
    Vault().load("ana")
    assert device_revocations().repair().added == (ana.consent.id,)
    start_again()
    with pytest.raises(ConsentEndedError):
        Vault().load("ana").check_consent()
    someone("dora", f0_hz=170.0).check_consent()
    start_again()  # the vault has taken the new list for its own
    someone("dora", f0_hz=170.0).check_consent()


def test_the_profile_itself_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the index of the vault is left; erasing files undoes no withdrawal."""
    monkeypatch.setenv("VOICELET_AUDIT", "off")
    for name in ("ana", "ben"):
        Vault().save(someone(name, f0_hz=120.0 + len(name) * ord(name[0])))
    withdraw(Vault().load("ana"))
    Vault().load("ana")
    Vault().rotate_key()  # which writes every profile again
    before = [p.read_bytes() for p in sorted(Vault().path.glob("*.vclp"))]
    assert b"revoked" in before[0] and b"revoked" not in before[1]
    indices = [Vault().path / "index", Vault().path / "backup" / "index"]
    counts = list(keystore.keys_folder().glob("*.count"))
    for path in (default_file(), *state_files(), *indices, *counts):
        path.unlink()
    start_again()
    with pytest.raises(ConsentEndedError):
        Vault().load("ana").check_consent()
    Vault().load("ben").check_consent()  # nothing says that there were others
    start_again()
    ana = Vault().load("ana")
    assert ana.consent is not None
    assert ana.consent.id in {e.id for e in device_revocations().entries()}
    Vault().save(ana)  # as it is read, it is written: still marked
    assert b"revoked" in (Vault().path / "ana.vclp").read_bytes()
    Vault().save(agreed(ana))  # a new consent
    assert b"revoked" not in (Vault().path / "ana.vclp").read_bytes()
    Vault().load("ana").check_consent()


def test_a_list_of_an_older_version_is_taken_as_it_is(two: tuple[Profile, Profile]) -> None:
    ana, ben = two
    for path in state_files():
        path.unlink()
    start_again()
    ben.check_consent()
    with pytest.raises(ConsentEndedError):
        ana.check_consent()
    assert len(state_files()) == 3
    default_file().unlink()
    start_again()
    with pytest.raises(ConsentError):
        ben.check_consent()


def test_where_nothing_was_withdrawn_everything_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault()
    vault.save(someone("ben"))
    vault.load("ben").check_consent()
    assert not default_file().exists()
    start_again()
    vault.load("ben").check_consent()
    for path in state_files():
        path.write_bytes(b"")
    start_again()
    with pytest.raises(ConsentError, match="damaged.*repair"):
        vault.load("ben").check_consent()
    assert device_revocations().repair() == module.Repair(0, (), 0)
    vault.load("ben").check_consent()


def test_looking_costs_no_reading_while_nothing_changes(two: tuple[Profile, Profile]) -> None:
    _, ben = two
    ben.check_consent()
    opened: list[str] = []
    active = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if active[0] and event == "open":
            opened.append(str(args[0]))

    sys.addaudithook(hook)
    ben.check_consent()
    ben.check_consent("own-use")
    active[0] = False
    assert opened == []


def test_no_reason_passes_for_a_repair() -> None:
    with pytest.raises(ConsentError, match="other words"):
        device_revocations().add("a" * 32, f"replaces 1 {'a' * 64}")


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Have a child killed just before its n-th operation on a file; returns whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, args: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.chmod", "os.remove", "os.mkdir"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_step_of_a_withdrawal() -> None:
    """Nobody is locked out, and what was on the list once stays there."""
    vault = Vault()
    ben = someone("ben", f0_hz=120.0)
    vault.save(ben)
    device_revocations().add(f"{0:032x}")
    step, listed, partly = 0, [f"{0:032x}"], 0
    while True:
        step += 1
        record_id = f"{step:032x}"
        killed = killed_at(step, lambda i=record_id: device_revocations().add(i))  # type: ignore[misc]
        start_again()
        on_disk = list(parse(default_file().read_bytes()).ids())
        assert on_disk[: len(listed)] == listed
        behind = Revocations()._store.read()[0] != [parse(default_file().read_bytes()).anchor] * 2
        partly += behind
        Vault().load("ben").check_consent()
        assert [i for i in on_disk if i in device_revocations()] == on_disk
        assert Revocations()._store.read()[0] == [parse(default_file().read_bytes()).anchor] * 2
        listed = on_disk
        if not killed:
            break
    assert record_id in listed and step > 10 and partly >= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_step_of_a_repair(tmp_path: Path) -> None:
    ana, ben = someone(), someone("ben", f0_hz=120.0)
    withdraw(ana)
    default_file().unlink()
    for path in state_files():
        if path.name.endswith(".jsonl"):
            path.unlink()
    data, step = default_file().parent.parent, 0
    shutil.copytree(data, tmp_path / "broken")
    while True:
        step += 1
        shutil.rmtree(data)
        shutil.copytree(tmp_path / "broken", data)
        start_again()
        killed = killed_at(step, lambda: device_revocations().repair())
        start_again()
        with pytest.raises(ConsentEndedError):
            ana.check_consent()
        try:
            ben.check_consent()
        except ConsentError:
            assert killed
            device_revocations().repair()
            ben.check_consent()
        with pytest.raises(ConsentEndedError):
            ana.check_consent()
        if not killed:
            break
    assert step > 10


def test_a_strangers_record_withdraws_none_but_itself() -> None:
    """Nor does renewing it: it may name anybody's record as one that it took the place of."""
    ana, bob = someone("ana"), someone("bob", f0_hz=120.0, bands=40)
    assert ana.consent is not None
    theirs, signer = foreign(
        bob, version=3, replaces=(ana.consent.id, *(f"{i:032x}" for i in range(255)))
    )
    device_signers().trust(signer, "Bob", BY_STATEMENT)
    revoke_consent(theirs)
    assert ana.consent.id not in device_revocations()
    renewed = give_consent(theirs, scripted("Bob"))
    assert renewed.check_record().replaces in ((), (theirs.check_record().id,))
    assert ana.consent.id not in device_revocations()
