"""`voicelet profiles backup`, and `import` of what it wrote."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.consenting import someone
from voicelet.profiles import backup
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys.passphrase import Stretch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that scrypt may be told to do."""
    monkeypatch.setattr(
        backup, "new_stretch", lambda: Stretch(secrets.token_hex(16), n=1 << 14, p=1)
    )


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("kettle marble seven harbour\n", encoding="utf-8")
    return path


def test_a_backup_and_back(cli: Cli, tmp_path: Path, words: Path) -> None:
    ana = someone()
    Vault().save(ana)
    file, given = tmp_path / "ana.backup", ("--backup-passphrase-file", str(words))
    code, out, _ = cli("profiles", "backup", "ana", "-o", str(file), *given)
    assert code == 0 and "voicelet profiles import ana.backup" in out
    code, _, err = cli("profiles", "backup", "ana", "-o", str(file), *given)
    assert code == 50 and "--force" in err
    assert cli("profiles", "backup", "ana", "-o", str(file), *given, "--force")[0] == 0
    code, out, _ = cli("erase", "ana", "--yes")
    assert code == 0 and "backup of it was made" in out and "delete the file" in out
    code, _, err = cli("profiles", "import", str(file), *given)
    assert code == 40 and "--accept-erased" in err
    code, out, _ = cli("profiles", "import", str(file), *given, "--accept-erased")
    assert code == 0 and "imported ana" in out and Vault().load("ana") == ana


def test_what_goes_wrong_is_named(cli: Cli, tmp_path: Path, words: Path) -> None:
    Vault().save(someone())
    file, given = tmp_path / "ana.backup", ("--backup-passphrase-file", str(words))
    code, _, err = cli("profiles", "backup", "ana", "-o", str(file))
    assert code == 2 and "--backup-passphrase-file" in err  # there is no terminal to ask on
    assert cli("profiles", "backup", "nobody", "-o", str(file), *given)[0] == 41
    weak = tmp_path / "weak"
    weak.write_text("12345678\n", encoding="utf-8")
    command = ("profiles", "backup", "ana", "-o", str(file), "--backup-passphrase-file")
    code, _, err = cli(*command, str(weak))
    assert code == 2 and "sequence" in err and not file.exists()
    assert cli("profiles", "backup", "ana", "-o", str(file), *given)[0] == 0
    weak.write_text("other words that nobody chose\n", encoding="utf-8")
    code, _, err = cli("profiles", "import", str(file), "--backup-passphrase-file", str(weak))
    assert code == 42 and "wrong passphrase" in err
    code, _, err = cli("profiles", "import", str(file))
    assert code == 2 and "--backup-passphrase-file" in err
    file.write_bytes(file.read_bytes()[:-1])
    code, _, err = cli("profiles", "import", str(file), *given)
    assert code == 40 and "cut short" in err


def test_a_weak_passphrase_protects_no_new_vault(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voicelet.errors import ConfigError

    monkeypatch.setenv("VOICELET_PASSPHRASE", "12345678")
    with pytest.raises(ConfigError, match="sequence"):
        Vault().save(someone())
    assert not list(Vault().path.glob("*.vclp"))


def test_a_weak_passphrase_of_an_older_vault_still_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voicelet.profiles.vault import keys

    stretch = Stretch(secrets.token_hex(16), n=1 << 14, p=1)
    monkeypatch.setattr(keys, "new_stretch", lambda: stretch)
    with monkeypatch.context() as m:
        m.setattr(keys.passphrases, "check_strength", lambda passphrase: passphrase)
        Vault(tmp_path, passphrase="12345678").save(someone())
    for name in ("ben", "cleo"):
        Vault(tmp_path, passphrase="12345678").save(someone(name, f0_hz=120.0))
    Vault(tmp_path, passphrase="12345678").erase("ben")  # which brings the rest under a new key
    Vault(tmp_path, passphrase="12345678").rotate_key()
    assert Vault(tmp_path, passphrase="12345678").load("cleo").name == "cleo"


def test_an_owner_agrees_anew_to_a_backup_whose_consent_ended(
    cli: Cli, tmp_path: Path, words: Path
) -> None:
    Vault().save(someone())
    file, given = tmp_path / "ana.backup", ("--backup-passphrase-file", str(words))
    assert cli("profiles", "backup", "ana", "-o", str(file), *given)[0] == 0
    assert cli("consent", "revoke", "ana")[0] == 0
    assert cli("erase", "ana", "--yes")[0] == 0
    back = ("profiles", "import", str(file), *given, "--accept-erased")
    code, _, err = cli(*back)
    assert code != 0 and "--scripted-consent" in err and Vault().names() == []
    assert cli(*back, "--scripted-consent", "Ana asked for it by letter")[0] == 0
    ana = Vault().load("ana")
    assert ana.check_record().reason == "Ana asked for it by letter"
    assert ana.allowed_purposes() == ("own-use",)
    code, _, err = cli(*back)
    assert code == 40 and "--replace" in err


def test_the_sentence_of_a_backup_is_for_the_name_it_gets(
    cli: Cli, tmp_path: Path, words: Path
) -> None:
    Vault().save(someone())
    file, given = tmp_path / "ana.backup", ("--backup-passphrase-file", str(words))
    assert cli("profiles", "backup", "ana", "-o", str(file), *given)[0] == 0
    command = ("profiles", "import", str(file), *given, "--name", "Ana 2")
    code, out, _ = cli(*command, "--sentence")
    assert code == 0 and len(out.split()) > 5 and Vault().names() == ["ana"]
