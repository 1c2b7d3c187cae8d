"""What earlier versions wrote still opens: profiles, vaults, consents, logs, ledgers, bundles."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from voicelet.bundle import open_bundle
from voicelet.errors import ConsentEndedError, ConsentError, ProfileLockedError
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import decode_list
from voicelet.profiles.transfer import import_profile, read_record
from voicelet.profiles.vault.vault import Vault
from voicelet.synth import Voice
from voicelet.trust.audit.log import AuditLog
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.seal import SealingKey

OLD = Path(__file__).parent / "fixtures" / "formats_0_1"
PASSPHRASE = "correct horse battery"


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the old device's folders, as this process's own."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "old" / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "old" / "state"))
    return tmp_path / "old"


@pytest.fixture
def reader() -> Profile:
    return Profile.from_bytes((OLD / "reader.vclp").read_bytes())


def test_a_profile_speaks(reader: Profile, device: Path) -> None:
    assert reader.name == "reader" and reader.speech_s > 15.0
    assert reader.consent is not None
    reader.consent.verify(reader.voiceprint_sha256)
    assert reader.consent.version == 1 and reader.check_record() == reader.consent
    audio = Voice.load().synthesize("A fixture of voicelet.", profile=reader)
    assert 0.8 < audio.seconds < 4.0 and np.abs(audio.samples).max() > 0.05


def test_a_profile_speaks_on_another_device_once_its_signer_is_trusted(reader: Profile) -> None:
    voice = Voice.load()
    with pytest.raises(ConsentError, match="voicelet consent trust reader"):
        voice.synthesize("Made on another device.", profile=reader)
    device_signers().trust(reader.check_record().device)
    assert voice.synthesize("Made on another device.", profile=reader).seconds > 0.8


def test_a_profile_is_written_as_it_was(reader: Profile) -> None:
    assert reader.to_bytes() == (OLD / "reader.vclp").read_bytes()


def test_a_consent_record(reader: Profile) -> None:
    data = (OLD / "reader.consent.json").read_bytes()
    record = ConsentRecord.from_bytes(data)
    assert record == reader.consent and record.to_bytes() == data
    assert set(record.purposes) == {"own-use", "assistive"}


def test_a_vault_whose_key_is_in_a_file(reader: Profile, device: Path) -> None:
    vault = Vault()
    assert vault.names() == ["reader", "withdrawn"] and vault.protection == "file"
    assert vault.load("reader") == reader
    vault.rotate_key()
    assert vault.load("reader") == reader


def test_a_withdrawn_consent_stays_withdrawn(device: Path) -> None:
    withdrawn = Vault().load("withdrawn")
    with pytest.raises(ConsentEndedError):
        Voice.load().synthesize("Not any more.", profile=withdrawn)


def test_a_vault_with_a_passphrase(reader: Profile, device: Path) -> None:
    assert Vault(device / "passphrase-vault", passphrase=PASSPHRASE).load("reader") == reader
    with pytest.raises(ProfileLockedError):
        Vault(device / "passphrase-vault", passphrase="another passphrase").load("reader")


def test_a_vault_in_plain(reader: Profile, device: Path) -> None:
    assert Vault(device / "plain-vault").load("reader") == reader


def test_a_profile_sealed_for_another_device(reader: Profile, tmp_path: Path) -> None:
    key = SealingKey.from_text((OLD / "recipient.key").read_text())
    vault = Vault(tmp_path / "profiles")
    sealed = (OLD / "reader.sealed").read_bytes()
    with pytest.raises(ConsentError, match="isn't known here"):
        import_profile(vault, sealed, key)
    signer = read_record(sealed, key).device
    arrived = import_profile(vault, sealed, key, trusted_signers=[signer])
    assert arrived == reader and vault.names() == ["reader"]


def test_a_list_of_protected_voices(reader: Profile) -> None:
    voices = decode_list((OLD / "fixture.protected").read_bytes())
    listed = voices.find(reader.d_vector)
    assert listed is not None and listed.label == "reader"
    assert voices.find(-reader.d_vector) is None


def test_an_audit_log(device: Path) -> None:
    (head,) = (device / "audit-head").iterdir()
    log = AuditLog(device / "state" / "voicelet" / "audit", device_key(), head_path=head)
    written = log.verify().records
    assert written >= 5
    assert {"enrol", "consent", "revoke"} & {record.event for record in log.records()}
    log.append("export", {"n": 1})
    assert log.verify().records == written + 1


def test_a_federation_ledger_and_the_state_of_a_run(device: Path) -> None:
    pytest.importorskip("flwr")
    pytest.importorskip("torch")
    from voicelet_federated.app.checkpoint import start_or_resume
    from voicelet_federated.app.config import FederationConfig
    from voicelet_federated.app.spend import open_ledger

    ledger = open_ledger(device / "device")
    assert ledger.epsilon == pytest.approx(4.21, abs=1e-3) and len(ledger.entries) == 1
    assert ledger.consent is not None and ledger.consent.rounds == 10
    state = start_or_resume(device / "run", FederationConfig(), "base")
    assert state.joins(1) == state.joins(2) == 1 and state.joins(3) == 0


def test_the_embedded_bundle_of_voice_0_4() -> None:
    bundle = open_bundle(None)
    assert bundle.manifest.version == "0.4" and bundle.manifest.architecture == "voicelet"
