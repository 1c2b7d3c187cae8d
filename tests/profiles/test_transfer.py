"""Profiles on their way to another device."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.consenting import agreed, draft, someone
from voicelet.enrolment.consent import note_consent
from voicelet.errors import ConsentEndedError, ConsentError, ProfileError, SealError
from voicelet.profiles.transfer import INFO, export_profile, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import default_log
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.keys.seal import new_sealing_key, seal

KEY = new_sealing_key()


def test_there_and_back(tmp_path: Path) -> None:
    here, there = Vault(tmp_path / "here"), Vault(tmp_path / "there", keys=tmp_path / "keys")
    ana = someone("ana")
    here.save(ana)
    sealed = export_profile(here, "ana", KEY.public)
    assert ana.d_vector.tobytes()[:32] not in sealed and b"ana" not in sealed
    assert import_profile(there, sealed, KEY) == ana == there.load("ana")
    with pytest.raises(ProfileError, match="--name.*--replace"):
        import_profile(there, sealed, KEY)
    renamed = import_profile(there, sealed, KEY, name="Ana at home", replace=True)
    assert there.load("Ana at home").consent == renamed.consent == ana.consent
    assert there.names() == ["ana", "Ana at home"]
    events = [r.event for r in default_log().records()]
    assert "export" in events and events.count("import") == 2
    with pytest.raises(SealError):
        import_profile(there, sealed, new_sealing_key())


@pytest.mark.parametrize("spelling", ["NFC", "NFD"])
def test_a_name_is_one_name_however_its_accents_are_spelled(tmp_path: Path, spelling: str) -> None:
    name = unicodedata.normalize(spelling, "Zoë Núñez")  # type: ignore[arg-type]
    here, there = Vault(tmp_path / "here"), Vault(tmp_path / "there", keys=tmp_path / "keys")
    here.save(someone("zoe"))
    sealed = export_profile(here, "zoe", KEY.public)
    arrived = import_profile(there, sealed, KEY, name=name)
    assert arrived.name == "Zoë Núñez" and there.names() == ["Zoë Núñez"]
    for other in ("NFC", "NFD"):
        assert there.load(unicodedata.normalize(other, name)) == arrived  # type: ignore[arg-type]
    assert someone(name).name == "Zoë Núñez"


def test_no_profile_travels_without_a_consent_that_stands(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    bare = seal(KEY.public, draft("ana").to_bytes(), info=INFO)
    with pytest.raises(ConsentError, match="no consent record"):
        import_profile(vault, bare, KEY)
    ana = someone("ana")
    vault.save(ana)
    sealed = export_profile(vault, "ana", KEY.public)
    assert ana.consent is not None
    device_revocations().add(ana.consent.id, "changed my mind")
    with pytest.raises(ConsentEndedError):
        export_profile(vault, "ana", KEY.public)
    with pytest.raises(ConsentEndedError, match="withdrawn here.*--spoken-consent") as refusal:
        import_profile(vault, sealed, KEY, name="again")
    assert "consent add" not in str(refusal.value)  # there is no profile here to add one to
    assert vault.names() == ["ana"]


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v")
    for plain in (b"", b"VCLP", b"\x00" * 300, someone("ana").to_bytes()[:-1]):
        with pytest.raises(ProfileError):
            import_profile(vault, seal(KEY.public, plain, info=INFO), KEY)
    assert not (tmp_path / "v").exists()


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 10_000), change=st.integers(1, 255), how=st.sampled_from("fcg"))
def test_any_change_on_the_way_is_found(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: int, how: str
) -> None:
    at %= len(SEALED)
    if how == "f":
        bad = SEALED[:at] + bytes([SEALED[at] ^ change]) + SEALED[at + 1 :]
    else:
        bad = SEALED[:at] if how == "c" else SEALED[:at] + bytes([change]) + SEALED[at:]
    with pytest.raises(SealError):
        import_profile(Vault(tmp_path_factory.getbasetemp() / "missing"), bad, KEY)


SEALED = seal(KEY.public, b"a profile" * 50, info=INFO)


def test_what_was_erased_comes_back_only_if_its_owner_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sealed profile, or a plain file, as much as a backup."""
    vault = Vault(tmp_path)
    ana = someone()
    vault.save(ana)
    note_consent("consent", ana)
    sealed = export_profile(vault, "ana", KEY.public)
    vault.erase("ana")
    for data in (sealed, ana.to_bytes()):
        for name in (None, "another"):
            with pytest.raises(ProfileError, match="erased here.*--accept-erased"):
                import_profile(vault, data, KEY, name=name)
    assert vault.names() == []
    assert import_profile(vault, sealed, KEY, accept_erased=True) == ana
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("VOICELET_AUDIT", "off")
        other = agreed(draft("ana", f0_hz=150.0), speaker="Another Ana")
    vault.erase("ana")
    arrived = import_profile(vault, seal(KEY.public, other.to_bytes(), info=INFO), KEY)
    assert arrived == other  # who never was here wasn't erased here
