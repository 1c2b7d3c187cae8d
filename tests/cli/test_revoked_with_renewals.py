"""A withdrawn consent stays withdrawn for the records that came before a renewal, too."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Cli
from tests.consenting import agreed, draft, scripted, someone
from voicelet.enrolment import enrolment
from voicelet.enrolment.consent import follow_consent, give_consent, revoke_consent
from voicelet.errors import ConsentEndedError
from voicelet.profiles import backup
from voicelet.profiles.profile import Profile
from voicelet.profiles.transfer import INFO, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.record import MOST_REPLACED
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.passphrase import Stretch
from voicelet.trust.keys.seal import new_sealing_key, seal

KEY = new_sealing_key()
WORDS = "kettle marble seven harbour"
LATER = datetime.now(timezone.utc) + timedelta(hours=1)


def sealed(profile: Profile) -> bytes:
    """What a backup or an export of it holds."""
    return seal(KEY.public, profile.to_bytes(), info=INFO)


@pytest.fixture
def kept(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The words after `voicelet` that import a backup of ana, made now."""
    monkeypatch.setattr(
        backup, "new_stretch", lambda: Stretch(secrets.token_hex(16), n=1 << 14, p=1)
    )
    (tmp_path / "words").write_text(WORDS, encoding="utf-8")
    Vault().save(someone())
    file, given = str(tmp_path / "ana.backup"), ("--backup-passphrase-file", f"{tmp_path}/words")
    assert cli("profiles", "backup", "ana", "-o", file, *given)[0] == 0
    return ("profiles", "import", file, *given)


def test_a_backup_from_before_a_renewal_does_not_undo_it(cli: Cli, kept: tuple[str, ...]) -> None:
    for _ in range(2):
        assert cli("consent", "renew", "ana", "--scripted-consent", "again")[0] == 0
    assert len(Vault().load("ana").check_record().replaces) == 2
    assert cli("consent", "revoke", "ana")[0] == 0
    for name in ("ana", "another"):
        code, _, err = cli(*kept, "--replace", "--name", name)
        assert code == 62 and "withdrawn here" in err and Vault().names() == ["ana"]
    with pytest.raises(ConsentEndedError, match="withdrew"):
        Vault().load("ana").check_consent()


def test_a_renewed_consent_that_stands_leaves_its_backups_alone(
    cli: Cli, kept: tuple[str, ...]
) -> None:
    earlier = Vault().load("ana").check_record().id
    assert cli("consent", "renew", "ana", "--scripted-consent", "again")[0] == 0
    renewed = Vault().load("ana").check_record().id
    assert cli(*kept, "--replace")[0] == 0
    Vault().load("ana").check_consent()
    # The renewed one, which the backup took the place of, is withdrawn with it.
    assert cli("consent", "revoke", "ana")[0] == 0
    assert len(device_revocations().entries()) == 2
    assert renewed in device_revocations() and earlier in device_revocations()


@pytest.mark.parametrize("log", ["on", "off"])
def test_nor_does_one_from_before_another_enrolment(
    cli: Cli,
    kept: tuple[str, ...],
    recordings: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: str,
) -> None:
    if log == "off":
        monkeypatch.setenv("VOICELET_AUDIT", "off")

    def enrol(*_: object, **options: object) -> Profile:
        return agreed(draft("ana", f0_hz=215.0))

    monkeypatch.setattr(enrolment, "enrol", enrol)
    again = ("enrol", "ana", "a.wav", "--scripted-consent", "two", "--replace")
    assert cli(*again)[0] == 0
    assert cli("consent", "revoke", "ana")[0] == 0
    code, _, err = cli(*kept, "--name", "ana2")
    assert code == 62 and "withdrawn here" in err and Vault().names() == ["ana"]


@pytest.mark.parametrize("log", ["on", "off"])
def test_nor_one_from_before_a_profile_was_saved_over(
    monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    """By the audit log where there is one, else by the vault's index."""
    if log == "off":
        monkeypatch.setenv("VOICELET_AUDIT", "off")
    first, second, third = someone(), someone(f0_hz=215.0), someone(f0_hz=220.0)
    for each in (first, second, third):
        Vault().save(each)
    assert third.check_record().replaces == ()
    revoke_consent(third)
    for each in (first, second):
        with pytest.raises(ConsentEndedError, match="withdrawn here"):
            import_profile(Vault(), sealed(each), KEY, name="back", replace=True)
    assert Vault().names() == ["ana"]


def test_nor_one_from_before_it_was_erased_and_enrolled_again(cli: Cli) -> None:
    first, second = someone(), someone(f0_hz=215.0)
    Vault().save(first)
    Vault().erase("ana")
    Vault().save(second)
    assert cli("consent", "revoke", "ana")[0] == 0
    with pytest.raises(ConsentEndedError, match="withdrawn here"):
        import_profile(Vault(), sealed(first), KEY, replace=True, accept_erased=True)


def test_a_record_whose_profile_is_not_here_takes_what_it_replaced_with_it(cli: Cli) -> None:
    first = someone()
    renewed = give_consent(first, scripted())
    assert cli("consent", "revoke", "--id", renewed.check_record().id)[0] == 0
    assert first.check_record().id in device_revocations()


def test_what_an_older_version_withdrew_alone_counts_as_well() -> None:
    """It knew only the record of the moment; the audit log knows the others."""
    first, second = someone(), someone(f0_hz=215.0)
    device_revocations().add(second.check_record().id, now=LATER)
    assert first.check_record().id not in device_revocations()
    with pytest.raises(ConsentEndedError, match="withdrawn here"):
        import_profile(Vault(), sealed(first), KEY)
    with pytest.raises(ConsentEndedError, match="withdrawn here"):
        import_profile(Vault(), sealed(first), KEY, name="another")


def test_nobody_else_is_silenced() -> None:
    """Not who had the same profile's name before, nor who agrees anew afterwards."""
    other = agreed(draft("guest", d_vector=np.eye(256)[7]), speaker="Ben", given_by="Carl")
    Vault().save(other)
    Vault().save(agreed(draft("guest", d_vector=np.eye(256)[9]), speaker="Ana", given_by="Carl"))
    ana = Vault().load("guest")
    revoke_consent(ana)
    Vault().load("guest")
    import_profile(Vault(), sealed(other), KEY, name="ben").check_consent()
    again = give_consent(ana, scripted("Ana"))
    again.check_consent()
    import_profile(Vault(), sealed(again), KEY, replace=True).check_consent()


def test_another_persons_profile_is_not_followed() -> None:
    ben = agreed(draft("ana", d_vector=np.eye(256)[7]), speaker="Ben")
    assert follow_consent(someone(), ben).check_record().replaces == ()
    first, second = someone(), agreed(draft(f0_hz=200.0), speaker=" ana  SILVA")
    followed = follow_consent(second, first)
    assert followed.check_record().replaces == (first.check_record().id,)
    followed.check_consent()


def test_what_a_record_has_no_room_for_ends() -> None:
    first = profile = someone()
    record = profile.check_record()
    earlier = [f"{n:032x}" for n in range(MOST_REPLACED)]
    object.__setattr__(profile, "consent", record.following(earlier, device_key()))
    renewed = give_consent(profile, scripted()).check_record()
    assert renewed.replaces == (*earlier[1:], first.check_record().id)
    assert [e.id for e in device_revocations().entries()] == [earlier[0]]
