"""What is left of a profile that was erased while something else was wrong with its vault."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.profiles.test_vault import profile
from voicelet.errors import ProfileError
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys import keystore


def test_a_damaged_index_doesnt_keep_the_key_of_the_erased(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    Vault(folder).save(profile("ana"))
    shutil.copytree(folder, tmp_path / "copy")
    for index in (folder / "index", folder / "backup" / "index"):
        index.write_bytes(b"noise")
    Vault(folder).erase("ana")
    assert not list(keystore.keys_folder().glob("vault-*"))
    with pytest.raises(ProfileError):
        Vault(tmp_path / "copy").load("ana")
    Vault(folder).save(profile("ana"))  # and the next one begins anew
    assert Vault(folder).load("ana") == profile("ana")


def test_a_lock_that_is_no_file_doesnt_keep_the_key_of_the_erased(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    Vault(folder).save(profile("ana"))
    shutil.copytree(folder, tmp_path / "copy")
    (folder / "vault.json").unlink()
    (folder / "vault.json").symlink_to("elsewhere")
    assert Vault(folder).load("ana") == profile("ana")  # by the copy
    with pytest.raises(ProfileError, match="symbolic link"):
        Vault(folder).erase("ana")  # nothing is said to be erased that isn't
    (folder / "vault.json").unlink()
    Vault(folder).erase("ana")
    with pytest.raises(ProfileError):
        Vault(tmp_path / "copy").load("ana")
