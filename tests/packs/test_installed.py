"""Packs installed alone: checked whole, vouched for, replaced whole, never able to break speech."""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.packs.toy import write_toy_pack
from tests.synth.voices import tiny_voice
from tests.tiny import TEST_KEY
from voicelet import Voice
from voicelet.bundle.trust import KEYS_NAME, trust_key
from voicelet.cli.main import main
from voicelet.errors import ConfigError, PackError, PackUnsignedError
from voicelet.files import data_dir
from voicelet.packs import installed as store
from voicelet.packs.contents import MANIFEST, SIGNATURE, read_pack, write_archive
from voicelet.packs.installed import (
    RECORD,
    install_pack,
    installed_pack,
    installed_tags,
    packs_folder,
    remove_pack,
)
from voicelet.synth.explain import explain
from voicelet.text.pack.folder import PACKAGED
from voicelet.text.phones import MULTILINGUAL_SYMBOLS

STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))


def hexadecimal(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


@pytest.fixture(autouse=True)
def _fresh_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_WARNED", set())


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_toy_pack(tmp_path / "source")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_voice(tmp_path / "voice", languages=("en", "eo", "es"), phones=MULTILINGUAL_SYMBOLS)


def said(bundle: Path, text: str, language: str = "eo") -> str:
    return " ".join(w.said for w in explain(Voice.load(bundle), text, language=language).words)


def spanish(folder: Path, version: str = "mía") -> Path:
    """A small pack that says every number of Spanish in one way."""
    folder.mkdir(parents=True)
    (folder / "pack.json").write_text('{"format": 1, "language": "es"}', "utf-8")
    rule = {"id": "n", "at": "digit", "match": "[0-9]{1,9}", "cases": [{"say": version}]}
    rules = json.dumps({"rules": [rule]}, ensure_ascii=False)
    (folder / "rules.json").write_text(rules, "utf-8")
    shutil.copy(PACKAGED / "es" / "letters.json", folder)
    return folder


def test_a_pack_that_nobody_vouches_for_is_refused(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(PackUnsignedError, match=r"signed by nobody.*--trust-pack"):
        install_pack(toy)
    archive = tmp_path / "eo.pack"
    write_archive(toy, archive, key=STRANGER)
    with pytest.raises(PackUnsignedError, match=hexadecimal(STRANGER)):
        install_pack(archive)
    assert installed_tags() == ()


def test_a_trusted_key_is_enough(toy: Path, tmp_path: Path) -> None:
    archive = tmp_path / "eo.pack"
    write_archive(toy, archive, "2.1", TEST_KEY)
    pack = install_pack(archive)
    assert (pack.tag, pack.version, pack.trusted_by) == ("eo", "2.1", "key")
    assert pack.signed_by == hexadecimal(TEST_KEY)
    assert installed_pack("eo") == pack


def test_the_command_line_trusts_a_key_and_installs(
    toy: Path, tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "eo.pack"
    pem = tmp_path / "key.pem"
    from cryptography.hazmat.primitives import serialization as s

    pem.write_bytes(STRANGER.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    assert main(["pack", "make", str(toy), "-o", str(archive), "--sign", str(pem)]) == 0
    assert hexadecimal(STRANGER) in capsys.readouterr().out
    assert main(["pack", "install", str(archive)]) == PackUnsignedError.exit_code
    assert main(["pack", "install", str(archive), "--trust-key", hexadecimal(STRANGER)]) == 0
    assert said(bundle, "2 km") == "du kilometroj"
    capsys.readouterr()
    assert main(["pack", "list", "--json"]) == 0
    packs = json.loads(capsys.readouterr().out)["packs"]
    (own,) = [p for p in packs if p["language"] == "eo"]
    assert own == {
        "language": "eo", "from": "installed", "version": "1", "trusted_by": "key",
        "signed_by": hexadecimal(STRANGER), "used": True,
    }  # fmt: skip
    assert {p["language"] for p in packs if p["from"] == "package"} >= {"en", "es", "fr"}
    assert main(["pack", "remove", "eo"]) == 0
    assert installed_tags() == ()
    assert main(["pack", "remove", "eo"]) == ConfigError.exit_code


def test_the_same_pack_gives_the_same_bytes(toy: Path, tmp_path: Path) -> None:
    first = write_archive(toy, tmp_path / "a.pack", key=TEST_KEY)
    write_archive(toy, tmp_path / "b.pack", key=TEST_KEY)
    assert (tmp_path / "a.pack").read_bytes() == (tmp_path / "b.pack").read_bytes()
    assert first.files["pack.json"] == (toy / "pack.json").read_bytes()


def test_a_signature_of_a_bundle_is_none_of_a_pack(toy: Path) -> None:
    from voicelet.bundle.integrity import sign

    raw = read_pack(toy).raw_manifest
    (toy / MANIFEST).write_bytes(raw)
    (toy / SIGNATURE).write_bytes(sign(raw, TEST_KEY))
    with pytest.raises(PackError, match="doesn't match"):
        install_pack(toy)


def test_an_installed_pack_goes_before_the_packages_and_can_be_taken_back(
    bundle: Path, tmp_path: Path
) -> None:
    assert said(bundle, "21", "es") == "veintiuno"
    install_pack(spanish(tmp_path / "es"), trust_pack=True)
    assert said(bundle, "21", "es") == "mía"
    assert said(bundle, "21", "en") == "twenty one"
    remove_pack("es")
    assert said(bundle, "21", "es") == "veintiuno"


BROKEN: dict[str, tuple[str, str]] = {
    "a rule": ("rules.json", '{"rules": [{"id": "x", "at": "digit", "match": "a*", "cases": []}]}'),
    "a slow rule": (
        "rules.json",
        '{"rules": [{"id": "x", "at": "letter", "match": "(?:a{0,90}){0,90}b", "cases": []}]}',
    ),
    "numbers": ("numbers.rbnf", "%number:\n0: =%nowhere=;\n"),
    "letters": ("letters.json", '{"format": 1, "passes": [{"name": "x", "rules": [["", "["]]}]}'),
    "a table": ("tables/units.tsv", "one\tother\n"),
    "a word list": ("lexicon.tsv", "word\tphone€\n"),
    "settings": ("pack.json", '{"format": 1, "language": "eo", "letterz": "a"}'),
    "a graph": ("g2p.onnx", "not a graph"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_wrong_pack_is_refused_whole_and_the_old_one_stays(
    what: str, toy: Path, bundle: Path
) -> None:
    install_pack(toy, trust_pack=True)
    name, content = BROKEN[what]
    (toy / name).write_text(content, "utf-8")
    if what == "a graph":
        (toy / "letters.json").unlink()
    with pytest.raises(PackError):
        install_pack(toy, trust_pack=True)
    assert said(bundle, "2 km") == "du kilometroj"
    assert [p.name for p in packs_folder().iterdir()] == ["eo"]


def test_too_large_a_pack_is_refused(toy: Path, tmp_path: Path) -> None:
    (toy / "notes.txt").write_bytes(b" " * (9 << 20))
    with pytest.raises(PackError):
        install_pack(toy, trust_pack=True)
    archive = tmp_path / "bomb.pack"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pack.json", b" " * (100 << 20))
    assert archive.stat().st_size < 1 << 20
    with pytest.raises(PackError, match="at most"):
        install_pack(archive, trust_pack=True)


@pytest.mark.parametrize("name", ["../pack.json", "/etc/pack.json", "a/b/c.json", "x.py"])
def test_an_archive_can_write_nowhere_else(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "odd.pack"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pack.json", '{"format": 1, "language": "eo"}')
        file.writestr(name, "{}")
    with pytest.raises(PackError, match="which no pack has"):
        install_pack(archive, trust_pack=True)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"PK\x03\x04" + b"\x00" * 200, b"{}"])
def test_what_is_no_pack_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.pack"
    path.write_bytes(content)
    with pytest.raises(PackError, match="not a pack"):
        install_pack(path, trust_pack=True)
    with pytest.raises(PackError, match="can't be read"):
        install_pack(tmp_path / "nowhere", trust_pack=True)


def test_a_folder_of_another_language_is_refused(toy: Path) -> None:
    (toy / "pack.json").write_text('{"format": 1, "language": "../../x"}', "utf-8")
    with pytest.raises(PackError):
        install_pack(toy, trust_pack=True)


def _cut(folder: Path) -> None:
    path = folder / "rules.json"
    path.write_bytes(path.read_bytes()[:40])


def _unlisted(folder: Path) -> None:
    (folder / "weak.json").write_text('{"format": 1}', "utf-8")


def _no_record(folder: Path) -> None:
    (folder.parent / RECORD).unlink()


def _other_record(folder: Path) -> None:
    (folder.parent / RECORD).write_text('{"trusted_by": "caller", "digest": "0"}', "utf-8")


def _gone(folder: Path) -> None:
    (folder / "pack.json").unlink()


@pytest.mark.parametrize("damage", [_cut, _unlisted, _no_record, _other_record, _gone])
def test_a_damaged_installed_pack_falls_back_with_one_warning(
    damage: Any, bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pack = install_pack(spanish(tmp_path / "es"), trust_pack=True)
    damage(pack.folder)
    with caplog.at_level(logging.WARNING):
        assert said(bundle, "21", "es") == "veintiuno"
        assert said(bundle, "21", "es") == "veintiuno"
    assert len([r for r in caplog.records if "'es' isn't used" in r.message]) == 1


def test_a_key_that_is_trusted_no_longer_ends_its_packs(
    bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = tmp_path / "es.pack"
    write_archive(spanish(tmp_path / "es"), archive, key=STRANGER)
    trust_key(hexadecimal(STRANGER))
    install_pack(archive)
    assert said(bundle, "21", "es") == "mía"
    keys = data_dir() / KEYS_NAME
    keys.write_text(keys.read_text().replace(hexadecimal(STRANGER), hexadecimal(TEST_KEY)))
    assert said(bundle, "21", "es") == "veintiuno"


def test_an_installed_variety_inherits_from_the_package(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "es-mx"
    folder.mkdir()
    settings = {"format": 1, "language": "es-MX", "inherits": "es"}
    (folder / "pack.json").write_text(json.dumps(settings), "utf-8")
    rule = {"id": "mxn", "at": "letter", "match": "QRS", "cases": [{"say": "pesos"}]}
    (folder / "rules.json").write_text(json.dumps({"rules": [rule]}), "utf-8")
    install_pack(folder, trust_pack=True)
    assert said(bundle, "21 QRS", "es-MX") == "veintiuno pesos"
    assert said(bundle, "21 QRS", "es") == said(bundle, "21 QRS", "es-AR") == "veintiuno QRS"
