"""The device's key and where secrets are kept."""

from __future__ import annotations

import stat
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from voicelet.errors import SealError
from voicelet.trust.keys import device_key as module
from voicelet.trust.keys import keystore
from voicelet.trust.keys.device_key import device_key, device_public_key

SDK = Path(keystore.__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    module._load.cache_clear()
    yield
    module._load.cache_clear()


class Ring(types.ModuleType):
    """A keystore in memory, by the three functions of `keyring` that are used."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, name: str) -> str | None:
        if self.locked:
            raise RuntimeError("locked")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.locked:
            raise RuntimeError("locked")
        self.kept[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self.kept[service, name]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    ring = Ring()
    monkeypatch.setattr(keystore, "_keyring", lambda: ring)
    return ring


def test_the_device_keeps_one_key_in_a_private_file() -> None:
    key = device_key()
    public = key.public_key().public_bytes_raw()
    module._load.cache_clear()
    assert device_key().private_bytes_raw() == key.private_bytes_raw()
    assert device_public_key() == public
    folder = keystore.keys_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [p for p in folder.iterdir() if p.suffix in (".key", ".json")]
    assert len(files) == 2
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}


def test_processes_that_start_together_make_one_key() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(SDK)!r})\n"
        "from voicelet.trust.keys.device_key import device_key\n"
        "print(device_key().public_key().public_bytes_raw().hex())"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)
    ]
    told = {process.communicate()[0] for process in running}
    assert told == {device_public_key().hex().encode() + b"\n"}


def test_a_keystore_that_is_locked_makes_no_second_key(ring: Ring) -> None:
    key = device_key()
    assert not list(keystore.keys_folder().glob("*.key"))
    ring.locked = True
    module._load.cache_clear()
    assert device_public_key() == key.public_key().public_bytes_raw()
    with pytest.raises(SealError, match="unlock"):
        device_key()
    ring.locked = False
    assert device_key().private_bytes_raw() == key.private_bytes_raw()
    ring.kept.clear()
    module._load.cache_clear()
    with pytest.raises(SealError, match="gone from the keystore"):
        device_key()


def test_a_keystore_that_refuses_is_replaced_by_a_file(ring: Ring) -> None:
    ring.locked = True
    assert keystore.write("a", b"secret") == keystore.FILE
    assert keystore.read("a", keystore.FILE) == b"secret"
    ring.locked = False
    assert keystore.write("b", b"secret") == keystore.KEYSTORE
    assert keystore.read("b", keystore.KEYSTORE) == b"secret"
    keystore.delete("b", keystore.KEYSTORE)
    assert keystore.read("b", keystore.KEYSTORE) is None


def test_damaged_and_lost_files_are_named(caplog: pytest.LogCaptureFixture) -> None:
    public = device_key().public_key().public_bytes_raw()
    folder = keystore.keys_folder()
    (secret,), (copy,) = folder.glob("*.key"), folder.glob("*.key.copy")
    whole = secret.read_bytes()
    assert len(whole) == 40 and copy.read_bytes() == whole
    for content in (b"", whole[:-1], b"\x00" * 40, bytes([whole[0] ^ 1]) + whole[1:]):
        module._load.cache_clear()
        secret.write_bytes(content)
        assert device_key().public_key().public_bytes_raw() == public
        assert "its copy is used" in caplog.text
        module._load.cache_clear()
        copy.write_bytes(content)
        with pytest.raises(SealError, match="so is its copy"):
            device_key()
        copy.write_bytes(whole)
    secret.unlink()
    copy.unlink()
    with pytest.raises(SealError, match="gone from the file"):
        device_key()
    for marker in (b"{", b"[]", b'{"where": "file", "public_key": "00"}', b"\xff"):
        (folder / "device.json").write_bytes(marker)
        assert device_public_key() == public
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_marker", lambda *_: folder / "device.json")
            with pytest.raises(SealError, match="damaged"):
                device_public_key()


def test_a_file_that_others_can_read_is_made_private(caplog: pytest.LogCaptureFixture) -> None:
    keystore.write("a", b"secret")
    path = keystore.keys_folder() / "a.key"
    path.chmod(0o644)
    assert keystore.read("a", keystore.FILE) == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "readable by others" in caplog.text and "secret" not in caplog.text
    keystore.delete("a", keystore.FILE)
    assert list(keystore.keys_folder().iterdir()) == []
    with pytest.raises(SealError, match="name of a key"):
        keystore.write("../a", b"")


def test_the_keyring_library_is_used_as_it_wants_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyring.backend")
    fail = pytest.importorskip("keyring.backends.fail")
    kept: dict[tuple[str, str], str] = {}

    class Memory(backend.KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[service, username]

    before = keyring.get_keyring()
    try:
        keyring.set_keyring(Memory())
        assert keystore.write("a", b"secret") == keystore.FILE  # VOICELET_KEYSTORE=file
        monkeypatch.delenv("VOICELET_KEYSTORE")
        assert keystore.write("b", b"secret") == keystore.KEYSTORE
        assert list(kept) == [("voicelet", "b")]
        assert keystore.read("b", keystore.KEYSTORE) == b"secret"
        keystore.delete("b", keystore.KEYSTORE)
        assert not kept
        keyring.set_keyring(fail.Keyring())  # what a machine without a keystore has
        assert keystore.write("c", b"secret") == keystore.FILE
        with pytest.raises(SealError, match="unlock"):
            keystore.read("b", keystore.KEYSTORE)
    finally:
        keyring.set_keyring(before)
