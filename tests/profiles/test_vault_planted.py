"""Files that somebody puts into a vault's folder: a plain profile, or a lock that says "plain"."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.consenting import agreed, draft, foreign, someone
from voicelet.errors import ProfileError, VoiceProtectedError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.profile import MAGIC, Profile
from voicelet.profiles.transfer import import_profile
from voicelet.profiles.vault.disk import Disk, is_encrypted
from voicelet.profiles.vault.lock import FILE, PLAIN, Lock, Slot, read_lock, write_lock
from voicelet.profiles.vault.vault import Vault
from voicelet.speaker.voice_match import voice_scale
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys import keystore
from voicelet.trust.keys.seal import new_sealing_key, new_signing_key

WORDS = "kettle marble seven harbour"


def plant_lock(folder: Path) -> None:
    """As an attacker writes it: of another vault, which isn't encrypted."""
    write_lock(Disk(folder), Lock("ab" * 8, (Slot("cd" * 8, PLAIN),)))


def plain_files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*.vclp") if p.read_bytes().startswith(MAGIC)]


def planted() -> tuple[Profile, str]:
    """Another device's, whose signer is trusted here, with an adaptation that nobody heard."""
    adaptation = Adaptation("ab" * 32, np.full(8, 0.3, np.float32))
    bare = replace(draft("carl"), adaptation=adaptation)
    record = foreign(draft("carl"))[0].check_record()
    key = new_signing_key()
    signed = replace(record, voice_sha256=bare.voice_sha256).signed_by(key)
    device_signers().trust(signed.device, "Bob's tablet")
    return replace(bare, consent=signed), signed.device


@pytest.mark.parametrize("emptied", [False, True])
@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_a_lock_of_another_vault_lays_nothing_open(
    tmp_path: Path, passphrase: str | None, emptied: bool
) -> None:
    vault = Vault(tmp_path, passphrase=passphrase)
    vault.save(someone())
    if emptied:
        for name in ("ana.vclp", "index"):
            for path in (tmp_path / name, tmp_path / "backup" / name):
                path.unlink()
    plant_lock(tmp_path)
    for attempt in (vault.save, Vault(tmp_path).save):
        with pytest.raises(ProfileError, match="nobody chose that here|encrypted profiles"):
            attempt(someone("ben"))
    with pytest.raises(ProfileError):
        vault.rotate_key()
    if not emptied:
        with pytest.raises(ProfileError, match="another one"):
            Vault(tmp_path, protection=PLAIN).save(someone("ben"))
        with pytest.raises(ProfileError, match="another one"):
            vault.rotate_key(PLAIN)
    assert not plain_files(tmp_path)


def test_a_plain_vault_of_before_is_read_and_asks_what_is_wanted(tmp_path: Path) -> None:
    """Versions before 0.2 noted nowhere that somebody chose it."""
    Vault(tmp_path / "v", protection=PLAIN).save(someone())
    for note in keystore.keys_folder().glob("*.plain"):
        note.unlink()
    vault = Vault(tmp_path / "v")
    assert vault.load("ana").check_consent() is None
    with pytest.raises(ProfileError, match="rotate-key --protect plain"):
        vault.save(someone("ben"))
    shutil.copytree(tmp_path / "v", tmp_path / "other")
    vault.rotate_key(PLAIN)
    vault.save(someone("ben"))
    assert len(plain_files(tmp_path / "v")) == 4
    other = Vault(tmp_path / "other")
    other.rotate_key(FILE)
    other.save(someone("ben"))
    assert not plain_files(tmp_path / "other") and other.names() == ["ana", "ben"]


def test_plain_that_was_chosen_stays_chosen_until_it_isnt(tmp_path: Path) -> None:
    Vault(tmp_path, protection=PLAIN).save(someone())
    Vault(tmp_path).save(someone("ben"))
    imported, _ = planted()
    (tmp_path / "carl.vclp").write_bytes(imported.to_bytes())
    assert Vault(tmp_path).load("carl") == imported  # plain protects from nobody
    Vault(tmp_path).rotate_key(FILE)
    assert not plain_files(tmp_path) and Vault(tmp_path).names() == ["ana", "ben", "carl"]
    assert not list(keystore.keys_folder().glob("*.plain"))
    plant_lock(tmp_path)
    with pytest.raises(ProfileError, match="encrypted profiles"):
        Vault(tmp_path).save(someone("dan"))


def test_a_plain_profile_of_another_device_is_not_taken_in(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.save(someone())
    carl, _ = planted()
    path = tmp_path / "carl.vclp"
    path.write_bytes(carl.to_bytes())
    with pytest.raises(ProfileError, match="voicelet profiles import"):
        vault.load("carl")
    assert [p.name for p in vault.list()] == ["ana"]
    vault.rotate_key()  # nor by the way
    assert path.read_bytes() == carl.to_bytes() and is_encrypted(
        (tmp_path / "ana.vclp").read_bytes()
    )
    with pytest.raises(ProfileError, match="voicelet profiles import"):
        vault.load("carl")
    with pytest.raises(ProfileError, match="carl"):
        vault.rotate_key(PLAIN)
    path.unlink()
    vault.rotate_key(PLAIN)


def test_nor_into_a_folder_without_a_lock_or_with_a_planted_one(tmp_path: Path) -> None:
    carl, _ = planted()
    for name in ("empty", "locked"):
        (tmp_path / name / "backup").mkdir(parents=True)
        if name == "locked":
            plant_lock(tmp_path / name)
        (tmp_path / name / "carl.vclp").write_bytes(carl.to_bytes())
        with pytest.raises(ProfileError, match="voicelet profiles import"):
            Vault(tmp_path / name).load("carl")


def test_an_import_asks_what_an_import_asks(tmp_path: Path) -> None:
    carl, signer = planted()
    with pytest.raises(ProfileError, match="adapted"):
        import_profile(Vault(tmp_path), carl.to_bytes(), new_sealing_key())
    bare, signer = foreign(draft("dora"))
    dora = import_profile(
        Vault(tmp_path), bare.to_bytes(), new_sealing_key(), trusted_signers=[signer]
    )
    assert Vault(tmp_path).load("dora") == dora == bare
    assert is_encrypted((tmp_path / "dora.vclp").read_bytes())


def test_somebody_elses_voice_is_not_taken_in_either(tmp_path: Path) -> None:
    """Signed by this device, but never saved here: a save would have refused it."""
    vault = Vault(tmp_path)
    known = voice_scale().encoder_id
    vector = voice_scale().cohort[0]
    vector = vector / np.linalg.norm(vector)
    vault.save(agreed(draft("ana", d_vector=vector, encoder_id=known), speaker="Ana"))
    eve = agreed(draft("eve", d_vector=vector, encoder_id=known), speaker="Eve")
    (tmp_path / "eve.vclp").write_bytes(eve.to_bytes())
    with pytest.raises(ProfileError, match="already enrolled"):
        vault.load("eve")
    mine = agreed(draft("ana2", d_vector=vector, encoder_id=known), speaker="Ana")
    (tmp_path / "ana2.vclp").write_bytes(mine.to_bytes())
    assert vault.load("ana2") == mine
    assert is_encrypted((tmp_path / "ana2.vclp").read_bytes())


def test_a_voice_without_consent_is_looked_at_when_it_gets_one(tmp_path: Path) -> None:
    vault, known = Vault(tmp_path), voice_scale().encoder_id
    vector = voice_scale().cohort[0] / np.linalg.norm(voice_scale().cohort[0])
    vault.save(agreed(draft("ana", d_vector=vector, encoder_id=known), speaker="Ana"))
    for name in ("eve", "old"):
        found = draft(name, d_vector=vector, encoder_id=known)
        (tmp_path / f"{name}.vclp").write_bytes(found.to_bytes())
        assert vault.load(name).consent is None
    with pytest.raises(VoiceProtectedError, match="'ana'"):
        vault.save(agreed(vault.load("eve"), speaker="Eve"))
    assert vault.load("eve").consent is None
    vault.save(agreed(vault.load("old"), speaker="Ana"))  # her own, from before
    vault.save(agreed(vault.load("old"), speaker="Ana"))


def test_what_a_planted_lock_calls_erased_keeps_its_key(tmp_path: Path) -> None:
    """Files away, the index gone, and a vault.json that names them as erased."""
    folder, kept = tmp_path / "vault", tmp_path / "kept"
    vault = Vault(folder)
    for name in ("ana", "ben"):
        vault.save(someone(name, speaker=name))
    shutil.copytree(folder, kept)
    for path in ("ben.vclp", "backup/ben.vclp", "index", "backup/index"):
        (folder / path).unlink()
    disk = Disk(folder)
    lock = read_lock(disk)
    assert lock is not None
    write_lock(disk, replace(lock, erased=("ben.vclp",)))
    assert Vault(folder).missing() == ["ben"]
    Vault(folder).erase("ana")
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)  # the owner's own copy
    assert Vault(folder).load("ben").name == "ben"
