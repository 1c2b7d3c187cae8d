"""Archives for Android: aligned, the same twice, and silent."""

from __future__ import annotations

import hashlib
import os
import shutil
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from android_bridge.release.__main__ import main
from android_bridge.release.aar import MODULES, build_aar
from android_bridge.release.archive import (
    PAGE_BYTES,
    Entry,
    PackingError,
    misaligned,
    write_archive,
)
from android_bridge.release.telemetry import scan

BRIDGE = Path(__file__).resolve().parents[2] / "android_bridge"
LIBRARY = bytes(range(256)) * 300
ENTRIES = [
    Entry("lib/arm64-v8a/libb.so", LIBRARY, stored=True),
    Entry("assets/voice/manifest.json", b"{}", stored=True),
    Entry("classes.dex", b"dex\n035\0" + bytes(3000)),
    Entry("assets/voice/acoustic.onnx", LIBRARY[:777], stored=True),
    Entry("lib/arm64-v8a/liba.so", LIBRARY[:5], stored=True),
]


def data_offset(path: Path, name: str) -> int:
    """Where a file's bytes begin, found by looking for them rather than by reading headers."""
    with zipfile.ZipFile(path) as archive:
        content, info = archive.read(name), archive.getinfo(name)
    return path.read_bytes().index(content, info.header_offset + 30 + len(name))


def manifest_apk(path: Path, manifest: bytes) -> Path:
    write_archive(path, [Entry("AndroidManifest.xml", manifest)])
    return path


def compiled_string(text: str, encoding: str) -> bytes:
    """A string as a compiled manifest holds it."""
    if encoding == "utf-8":
        return bytes([len(text), len(text)]) + text.encode() + b"\0"
    return len(text).to_bytes(2, "little") + text.encode("utf-16-le") + b"\0\0"


def test_stored_files_begin_where_android_maps_them(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    write_archive(path, ENTRIES)
    assert data_offset(path, "lib/arm64-v8a/libb.so") % PAGE_BYTES == 0
    assert data_offset(path, "lib/arm64-v8a/liba.so") % PAGE_BYTES == 0
    assert data_offset(path, "assets/voice/acoustic.onnx") % 4 == 0
    assert data_offset(path, "assets/voice/manifest.json") % 4 == 0
    assert misaligned(path) == []


def test_contents_come_back_and_only_stored_files_are_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    write_archive(path, ENTRIES)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            entry.name: entry.content for entry in ENTRIES
        }
        stored = {i.filename for i in archive.infolist() if i.compress_type == zipfile.ZIP_STORED}
    assert stored == {entry.name for entry in ENTRIES if entry.stored}


def test_an_archive_of_another_tool_is_found_misaligned(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lib/arm64-v8a/libb.so", LIBRARY)
        archive.writestr("classes.dex", b"dex", zipfile.ZIP_DEFLATED)
    assert misaligned(path) == ["lib/arm64-v8a/libb.so"]


def test_the_same_files_make_the_same_bytes_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.apk", tmp_path / "b.apk"
    write_archive(first, ENTRIES)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    old = os.umask(0o077)
    try:
        write_archive(second, reversed(ENTRIES))
    finally:
        os.umask(old)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("name", ["/etc/a", "../a", "a//b", "a/./b", "a\\b", ""])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackingError, match="relative to its root"):
        write_archive(tmp_path / "a.apk", [Entry(name, b"")])


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackingError, match=r"a\.txt is in the archive twice"):
        write_archive(tmp_path / "a.apk", [Entry("a.txt", b"1"), Entry("a.txt", b"2")])


@pytest.mark.parametrize("name", ["lib/arm64-v8a/libonnxruntime.so", "classes2.dex"])
def test_telemetry_is_found_in_libraries_and_code(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.apk"
    write_archive(path, [Entry(name, b"\x7f" * 99 + b"OneCollector/1.0\0")])
    assert scan(path) == [f"{name}: OneCollector"]


def test_telemetry_is_found_in_a_jar_inside_an_aar(tmp_path: Path) -> None:
    jar, aar = tmp_path / "classes.jar", tmp_path / "a.aar"
    write_archive(jar, [Entry("a/B.class", b"\x01\0\x25com/microsoft/applications/events/X")])
    write_archive(aar, [Entry("classes.jar", jar.read_bytes())])
    assert scan(aar) == ["classes.jar!a/B.class: com/microsoft/applications/events"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("before", [b"", b"\x01"])
def test_a_compiled_manifest_is_read(tmp_path: Path, encoding: str, before: bytes) -> None:
    names = ["android.permission.RECORD_AUDIO", "android.permission.CAMERA", "provider"]
    content = before + b"".join(compiled_string(name, encoding) for name in names)
    assert scan(manifest_apk(tmp_path / "a.apk", content)) == [
        "AndroidManifest.xml: a content provider",
        "AndroidManifest.xml: permission android.permission.CAMERA",
    ]


def test_the_internet_is_found_in_a_manifest_of_text(tmp_path: Path) -> None:
    manifest = b'<manifest><uses-permission n:name="android.permission.INTERNET"/></manifest>'
    assert scan(manifest_apk(tmp_path / "a.aar", manifest)) == [
        "AndroidManifest.xml: android.permission.INTERNET",
        "AndroidManifest.xml: permission android.permission.INTERNET",
    ]


def test_a_silent_app_has_nothing_to_report(tmp_path: Path) -> None:
    manifest = (
        b'<manifest><uses-permission n:name="android.permission.RECORD_AUDIO"/>'
        b'<service n:permission="android.permission.BIND_VOICE_INTERACTION"/></manifest>'
    )
    path = tmp_path / "a.apk"
    write_archive(
        path,
        [
            Entry("AndroidManifest.xml", manifest),
            Entry("classes.dex", b"Ljava/security/Provider;"),
            Entry("lib/arm64-v8a/liba.so", b"CPUExecutionProvider", stored=True),
        ],
    )
    assert scan(path) == []


def test_what_is_no_archive_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    path.write_bytes(b"no zip file")
    with pytest.raises(PackingError, match="build it again"):
        scan(path)


def bridge(folder: Path) -> Path:
    """The poms of this repository over modules of one compiled class each."""
    for module in MODULES:
        place = f"io/github/voicelet/{module}"
        classes = folder / module / "target" / "classes" / place
        sources = folder / module / "src" / "main" / "java" / place
        classes.mkdir(parents=True)
        sources.mkdir(parents=True)
        (classes / "A.class").write_bytes(b"\xca\xfe\xba\xbe" + module.encode())
        (sources / "A.java").write_text("class A {}", encoding="utf-8")
        shutil.copy(BRIDGE / module / "pom.xml", folder / module / "pom.xml")
    shutil.copy(BRIDGE / "pom.xml", folder / "pom.xml")
    return folder


def test_the_library_has_what_gradle_reads_and_asks_for_nothing(tmp_path: Path) -> None:
    library, sources, pom = build_aar(bridge(tmp_path / "bridge"), tmp_path / "out")
    with zipfile.ZipFile(library) as archive:
        names = ["AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt"]
        assert archive.namelist() == names
        manifest = ElementTree.fromstring(archive.read("AndroidManifest.xml"))
        (tmp_path / "classes.jar").write_bytes(archive.read("classes.jar"))
    assert [element.tag for element in manifest.iter()] == ["manifest", "uses-sdk"]
    with zipfile.ZipFile(tmp_path / "classes.jar") as archive:
        assert archive.namelist() == [f"io/github/voicelet/{name}/A.class" for name in MODULES]
    with zipfile.ZipFile(sources) as archive:
        assert archive.namelist() == [f"io/github/voicelet/{name}/A.java" for name in MODULES]
    assert scan(library) == []
    artifacts = [
        (element.findtext("{*}artifactId"), element.findtext("{*}version"))
        for element in ElementTree.parse(pom).findall(".//{*}dependency")
    ]
    assert [name for name, _ in artifacts] == ["onnxruntime-android", "bcprov-jdk18on"]
    # From 1.29 on it sends telemetry.
    major, minor = (int(part) for part in str(artifacts[0][1]).split(".")[:2])
    assert (major, minor) <= (1, 28)


def test_the_library_is_the_same_twice(tmp_path: Path) -> None:
    modules = bridge(tmp_path / "bridge")
    first = build_aar(modules, tmp_path / "one")
    second = build_aar(modules, tmp_path / "two")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in first
    )


def test_a_module_that_is_not_compiled_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = bridge(tmp_path / "bridge")
    shutil.rmtree(modules / "ort" / "target")
    assert main(["aar", "--bridge", str(modules), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "ort isn't compiled; run make android-test first\n"


def test_the_command_fails_on_an_archive_with_telemetry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.apk"
    write_archive(path, [Entry("liba.so", b"OneCollector", stored=True)])
    assert main(["scan", str(path)]) == 1
    assert capsys.readouterr().err == f"{path}: liba.so: OneCollector\n"
