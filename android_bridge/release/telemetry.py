"""Looks through an APK or AAR for what would let it talk to somebody.

ONNX Runtime for Android sends telemetry from 1.29 on, by a content provider that starts by itself.
voicelet ships an older one; this scan is what notices if that ever changes.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from .archive import PackingError

# Microsoft's telemetry library, its package, its server, and the permission that it needs.
WORDS = (
    "OneCollector",
    "com/microsoft/applications/events",
    "com.microsoft.applications.events",
    "events.data.microsoft.com",
    "android.permission.INTERNET",
    "android.permission.ACCESS_NETWORK_STATE",
)
ALLOWED_PERMISSIONS = frozenset({"android.permission.RECORD_AUDIO"})

_SCANNED = (".so", ".dex", ".class", ".xml")
_NESTED = (".jar", ".aar")
_PERMISSION = re.compile(r"android\.permission\.[A-Z_]+")
# A name alone: in XML as text, and in both kinds of string that a compiled manifest has.
_PROVIDER = (
    b"<provider",
    b"\x08\x08provider\x00",
    b"\x08\x00" + "provider".encode("utf-16-le") + b"\x00\x00",
)


def scan(path: Path) -> list[str]:
    """What an APK, AAR or jar holds that it mustn't, a line each; also what archives in it hold.

    Raises:
        PackingError: it isn't a zip file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _scan_archive(archive, "")
    except zipfile.BadZipFile as error:
        raise PackingError(f"{path} isn't a zip file ({error}); build it again") from error


def _scan_archive(archive: zipfile.ZipFile, prefix: str) -> list[str]:
    found = []
    for name in sorted(archive.namelist()):
        place = prefix + name
        if name.endswith(_NESTED):
            with zipfile.ZipFile(io.BytesIO(archive.read(name))) as inner:
                found += _scan_archive(inner, place + "!")
        elif name.endswith(_SCANNED):
            content = archive.read(name)
            found += [f"{place}: {word}" for word in WORDS if _holds(content, word)]
            if name.rsplit("/", 1)[-1] == "AndroidManifest.xml":
                found += [f"{place}: {line}" for line in _scan_manifest(content)]
    return found


def _scan_manifest(content: bytes) -> list[str]:
    found = ["a content provider"] if any(name in content for name in _PROVIDER) else []
    # A compiled manifest has its names in UTF-8, or in UTF-16 at even or at odd places.
    readings = [
        content.decode("latin-1"),
        content.decode("utf-16-le", "replace"),
        content[1:].decode("utf-16-le", "replace"),
    ]
    names = {name for reading in readings for name in _PERMISSION.findall(reading)}
    # BIND_… guards a service against callers; it asks the user for nothing.
    asked = {name for name in names if not name.startswith("android.permission.BIND_")}
    return found + [f"permission {name}" for name in sorted(asked - ALLOWED_PERMISSIONS)]


def _holds(content: bytes, word: str) -> bool:
    return word.encode() in content or word.encode("utf-16-le") in content
