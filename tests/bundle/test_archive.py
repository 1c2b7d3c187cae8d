"""Zipped bundles: the same voice as the folder, and no way to do harm with one."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voicelet.bundle import install, open_bundle, pack
from voicelet.bundle.archive import staging
from voicelet.errors import (
    BundleError,
    BundleTamperedError,
    BundleTruncatedError,
    BundleUnsignedError,
    BundleVersionError,
)
from voicelet.files import cache_dir

Make = Callable[..., Path]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def zipped(archive: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return archive


def unpacked() -> list[Path]:
    folder = cache_dir() / "bundles"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_archive_opens_like_the_folder_and_is_unpacked_once(
    make_bundle: Make, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    folder = make_bundle(signing_key=key)
    archive = pack(folder, tmp_path / "tiny.voicelet")
    bundle = open_bundle(archive, require_signature=True)
    assert bundle.manifest == open_bundle(folder).manifest
    assert contents(bundle.root) == contents(folder)
    before = (bundle.root / "vocoder.onnx").stat().st_ino
    assert open_bundle(archive).root == bundle.root
    assert (bundle.root / "vocoder.onnx").stat().st_ino == before
    assert unpacked() == [bundle.root]
    assert install(archive).manifest == bundle.manifest


def test_packing_is_reproducible(make_bundle: Make, tmp_path: Path) -> None:
    folder = make_bundle()
    first = pack(folder, tmp_path / "a.voicelet").read_bytes()
    os.utime(folder / "vocoder.onnx", (1, 1))
    (folder / "stray.txt").write_text("not in the manifest")
    assert pack(folder, tmp_path / "b.voicelet").read_bytes() == first


def test_a_damaged_cache_is_mended(make_bundle: Make, tmp_path: Path) -> None:
    archive = pack(make_bundle(), tmp_path / "tiny.voicelet")
    root = open_bundle(archive).root
    (root / "vocoder.onnx").write_bytes(b"rot")
    assert open_bundle(archive).root == root
    assert (root / "vocoder.onnx").stat().st_size > 3


def test_truncated_anywhere(make_bundle: Make, tmp_path: Path) -> None:
    whole = pack(make_bundle(), tmp_path / "tiny.voicelet").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        short = tmp_path / "short.voicelet"
        short.write_bytes(whole[:length])
        with pytest.raises(BundleError):
            open_bundle(short)
    assert unpacked() == []


def test_no_byte_of_the_archive_can_change_the_voice(make_bundle: Make, tmp_path: Path) -> None:
    folder = make_bundle()
    whole = pack(folder, tmp_path / "tiny.voicelet").read_bytes()
    manifest = open_bundle(folder).manifest
    changed = tmp_path / "changed.voicelet"
    for at in range(0, len(whole), 37):
        content = bytearray(whole)
        content[at] ^= 0x55
        changed.write_bytes(content)
        try:
            bundle = open_bundle(changed)
        except BundleError:
            continue
        # Flips in zip's own bookkeeping (dates, attributes) may pass; the contents may not differ.
        assert bundle.manifest == manifest
        assert contents(bundle.root) == contents(folder)


def test_traversal_and_strays_are_not_unpacked(make_bundle: Make, tmp_path: Path) -> None:
    files = contents(make_bundle())
    archive = zipped(
        tmp_path / "evil.voicelet",
        {**files, "../escape.txt": b"x", "/tmp/escape-absolute.txt": b"x", "stray.txt": b"x"},
    )
    bundle = open_bundle(archive)
    assert sorted(contents(bundle.root)) == sorted(files)
    assert not (bundle.root.parent / "escape.txt").exists()


def test_bomb_is_refused_by_its_length(make_bundle: Make, tmp_path: Path) -> None:
    files = contents(make_bundle())
    archive = zipped(tmp_path / "bomb.voicelet", {**files, "vocoder.onnx": b"\0" * (64 << 20)})
    with pytest.raises(BundleTamperedError, match="where the manifest lists"):
        open_bundle(archive)
    bomb = zipped(tmp_path / "bomb2.voicelet", {**files, "manifest.json": b" " * (64 << 20)})
    with pytest.raises(BundleError, match="too large"):
        open_bundle(bomb)
    assert unpacked() == []


def test_directory_of_thousands_is_refused_unread(make_bundle: Make, tmp_path: Path) -> None:
    files = contents(make_bundle())
    many = {f"f{i}": b"" for i in range(300)}
    with pytest.raises(BundleError, match="directory"):
        open_bundle(zipped(tmp_path / "many.voicelet", {**files, **many}))


def test_a_directory_that_only_zip64_tells_of_is_refused_unread(
    make_bundle: Make, tmp_path: Path
) -> None:
    """The numbers of a zip64 record go before those of the end record, which look harmless."""
    many = {f"f{i}": b"" for i in range(300)}
    archive = zipped(tmp_path / "z.voicelet", {**contents(make_bundle()), **many})
    raw = archive.read_bytes()
    end = raw[-22:]
    count, size, start = struct.unpack("<H2L", end[10:20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(raw) - 22, 1)
    small = struct.pack("<2H2L", 3, 3, 200, start)
    archive.write_bytes(raw[:-22] + record + locator + end[:8] + small + end[20:])
    with zipfile.ZipFile(archive) as opened:
        assert len(opened.infolist()) == count > 300
    with pytest.raises(BundleError, match="directory"):
        open_bundle(archive)


def test_lying_header_lengths(make_bundle: Make, tmp_path: Path) -> None:
    """A central directory that promises the listed length for a longer or shorter stream."""
    files = contents(make_bundle())
    listed = len(files["vocoder.onnx"])
    for real in (listed * 4, listed // 2):
        archive = zipped(tmp_path / "liar.voicelet", {**files, "vocoder.onnx": b"\1" * real})
        raw = archive.read_bytes().replace(struct.pack("<L", real), struct.pack("<L", listed))
        archive.write_bytes(raw)
        with pytest.raises(BundleError):
            open_bundle(archive)
    assert unpacked() == []


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(make_bundle: Make, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "twice.voicelet", contents(make_bundle()))
    with zipfile.ZipFile(archive, "a") as out:
        out.writestr("vocoder.onnx", b"other")
    with pytest.raises(BundleError, match="twice"):
        open_bundle(archive)


def test_wrong_contents(make_bundle: Make, tmp_path: Path) -> None:
    files = contents(make_bundle())
    without = {n: c for n, c in files.items() if n != "vocoder.onnx"}
    with pytest.raises(BundleError, match=r"lacks vocoder\.onnx"):
        open_bundle(zipped(tmp_path / "a.voicelet", without))
    with pytest.raises(BundleError, match=r"holds no manifest\.json"):
        open_bundle(zipped(tmp_path / "b.voicelet", {"x/" + n: c for n, c in files.items()}))
    short = {**files, "vocoder.onnx": files["vocoder.onnx"][:-1]}
    with pytest.raises(BundleTruncatedError):
        open_bundle(zipped(tmp_path / "c.voicelet", short))
    newer = json.dumps({**json.loads(files["manifest.json"]), "schema_version": 2}).encode()
    with pytest.raises(BundleVersionError):
        open_bundle(zipped(tmp_path / "d.voicelet", {**files, "manifest.json": newer}))
    with pytest.raises(BundleUnsignedError):
        open_bundle(zipped(tmp_path / "e.voicelet", files), require_signature=True)
    not_zip = tmp_path / "f.voicelet"
    not_zip.write_bytes(b"RIFF" + bytes(1000))
    with pytest.raises(BundleError, match="not a bundle archive"):
        open_bundle(not_zip)
    assert unpacked() == []


def test_a_bundle_moved_aside_for_one_that_never_came_is_put_back(
    make_bundle: Make, tmp_path: Path
) -> None:
    archive = pack(make_bundle(), tmp_path / "tiny.voicelet")
    root = open_bundle(archive).root
    before = contents(root)
    aside, other = root.parent / ".outgoing-a", root.parent / ".outgoing-b"
    aside.mkdir()
    root.rename(aside / root.name)
    (other / "gone").mkdir(parents=True)
    (other / "gone" / "x").write_bytes(b"x")
    (root.parent / "gone").mkdir()
    for path in (aside, other):
        os.utime(path, (1, 1))
    with staging(root.parent / "new") as folder:
        (folder / "x").write_bytes(b"new")
    assert contents(root) == before
    assert not list(root.parent.glob(".outgoing-*")) and not any((root.parent / "gone").iterdir())
