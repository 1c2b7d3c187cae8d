"""Packs inside a bundle: listed, hashed and signed with it, and used before the package's."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import pytest

from tests.packs.test_installed import said, spanish
from tests.packs.toy import write_toy_pack
from tests.synth.voices import tiny_voice
from voicelet import Voice
from voicelet.bundle import open_bundle, pack
from voicelet.cli.main import main
from voicelet.errors import BundleTamperedError, PackError
from voicelet.packs import installed as store
from voicelet.packs.bundled import bundled_pack, bundled_tags, pack_files
from voicelet.packs.installed import install_pack
from voicelet.synth.languages import BundleLanguages
from voicelet.text.phones import MULTILINGUAL_SYMBOLS


@pytest.fixture(autouse=True)
def _fresh_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_WARNED", set())


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A voice of English, Esperanto and Spanish that brings packs of the last two."""
    files = pack_files(write_toy_pack(tmp_path / "source"))
    files |= pack_files(spanish(tmp_path / "es", "mía"))
    return tiny_voice(
        tmp_path / "voice",
        packs=files,
        languages=("en", "eo", "es"),
        phones=MULTILINGUAL_SYMBOLS,
    )


def test_it_reads_by_its_own_packs(bundle: Path) -> None:
    assert bundled_tags(open_bundle(bundle)) == ("eo", "es")
    assert said(bundle, "2 km") == "du kilometroj"
    assert said(bundle, "21", "es") == "mía"
    assert said(bundle, "21", "en") == "twenty one"


def test_its_files_are_listed_under_their_own_paths(bundle: Path) -> None:
    data = open_bundle(bundle).manifest.data
    assert data["text/eo/tables/units.tsv"].file == "text/eo/tables/units.tsv"
    assert "text/eo/manifest.json" not in data


def test_an_archive_carries_them(bundle: Path, tmp_path: Path) -> None:
    archive = pack(bundle, tmp_path / "v.voicelet")
    assert said(archive, "2 km") == "du kilometroj"


def test_an_installed_pack_goes_before_the_bundles(bundle: Path, tmp_path: Path) -> None:
    install_pack(spanish(tmp_path / "new" / "es", "nueva"), trust_pack=True)
    assert said(bundle, "21", "es") == "nueva"


def test_a_changed_file_is_tampering(bundle: Path) -> None:
    path = bundle / "text" / "es" / "rules.json"
    path.write_text(path.read_text("utf-8").replace("mía", "tuya"), "utf-8")
    with pytest.raises(BundleTamperedError, match=r"rules\.json"):
        Voice.load(bundle)


def test_a_file_that_is_changed_or_slipped_in_after_opening_is_not_read(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_bundle(bundle)
    path = bundle / "text" / "es" / "rules.json"
    old = path.read_text("utf-8")
    path.write_text(old.replace("mía", "tuy"), "utf-8")
    with pytest.raises(PackError, match=r"rules\.json"):
        bundled_pack(opened, "es")
    languages = BundleLanguages(opened)
    with caplog.at_level(logging.WARNING):
        assert languages.pack("es").source == "package"
    assert any("'es' isn't used" in r.message for r in caplog.records)
    path.write_text(old, "utf-8")
    (bundle / "text" / "es" / "weak.json").write_text('{"format": 1, "clitics": 5}', "utf-8")
    copy = bundled_pack(opened, "es")
    assert copy is not None
    assert not (copy / "weak.json").exists()
    assert said(bundle, "21", "es") == "mía"


def test_what_happens_to_the_copy_is_mended(bundle: Path) -> None:
    opened = open_bundle(bundle)
    copy = bundled_pack(opened, "es")
    assert copy is not None
    (copy / "weak.json").write_text("{}", "utf-8")
    (copy / "rules.json").write_text("{}", "utf-8")
    assert said(bundle, "21", "es") == "mía"
    assert bundled_pack(opened, "es") == copy
    assert not (copy / "weak.json").exists()


def test_without_a_cache_it_reads_all_the_same(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert said(bundle, "21", "es") == "mía"


def test_a_bundle_without_packs_has_none(tmp_path: Path) -> None:
    plain = open_bundle(tiny_voice(tmp_path / "plain"))
    assert bundled_tags(plain) == ()
    assert bundled_pack(plain, "en") is None
    names = {f.name for f in dataclasses.fields(plain.manifest)}
    assert "packs" not in names  # older versions refuse manifests with keys that they don't know


def test_a_wrong_pack_goes_into_no_bundle(tmp_path: Path) -> None:
    folder = spanish(tmp_path / "es")
    (folder / "rules.json").write_text('{"rules": [{}]}', "utf-8")
    with pytest.raises(PackError):
        pack_files(folder)


def test_info_and_voices_name_languages_and_packs(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(bundle)]) == 0
    shown = capsys.readouterr().out
    assert "en, eo, es" in shown
    assert "eo, es" in shown
    assert main(["info", str(bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["language_packs"] == ["eo", "es"]
    assert main(["voices", "--bundle", str(bundle), "--install", str(bundle)]) == 0
    assert capsys.readouterr().out.count("en, eo, es") == 3
    assert main(["voices", "--bundle", str(bundle), "--json"]) == 0
    voices = json.loads(capsys.readouterr().out)["voices"]
    assert all(v["languages"] == ["en", "eo", "es"] for v in voices)
