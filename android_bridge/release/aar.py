"""Packs the compiled modules as an Android library, with the sources and the pom beside it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

from .archive import Entry, PackingError, write_archive

MODULES = ("core", "ort", "tts")
MIN_SDK = 24

_GROUP = "io.github.voicelet"
_MAVEN = "{http://maven.apache.org/POM/4.0.0}"
# No permission and no component: what an app asks for is the app's to say.
_MANIFEST = f"""<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{_GROUP}">
    <uses-sdk android:minSdkVersion="{MIN_SDK}" />
</manifest>
"""
_RULES = """# ONNX Runtime's native code looks its Java classes up by name.
-keep class ai.onnxruntime.** { *; }
# The tables of Unicode lie beside the classes that read them.
-keeppackagenames io.github.voicelet.**
"""


def build_aar(bridge: Path, out: Path) -> list[Path]:
    """Pack the library; the same compiled classes make the same bytes.

    Args:
        bridge: the folder of the Maven modules, compiled.
        out: the folder to write to; made if it isn't there.

    Returns:
        The files written: `voicelet.aar`, `voicelet-sources.jar` and `voicelet.pom`.

    Raises:
        PackingError: a module isn't compiled, or a pom lacks a version.
    """
    pom = _pom(bridge)
    classes = [entry for module in MODULES for entry in _compiled(bridge / module)]
    sources = [
        entry
        for module in MODULES
        for folder in ("java", "resources")
        for entry in _files(bridge / module / "src" / "main" / folder)
    ]
    out.mkdir(parents=True, exist_ok=True)
    library, source_jar, pom_file = (
        out / name for name in ("voicelet.aar", "voicelet-sources.jar", "voicelet.pom")
    )
    write_archive(source_jar, sources)
    # Passes through a file of its own, for an AAR holds its classes as a whole archive.
    class_jar = out / "classes.jar"
    write_archive(class_jar, classes)
    write_archive(
        library,
        [
            Entry("AndroidManifest.xml", _MANIFEST.encode()),
            Entry("R.txt", b""),
            Entry("classes.jar", class_jar.read_bytes()),
            Entry("proguard.txt", _RULES.encode()),
        ],
    )
    class_jar.unlink()
    pom_file.write_text(pom, encoding="utf-8", newline="\n")
    return [library, source_jar, pom_file]


def _compiled(module: Path) -> list[Entry]:
    entries = list(_files(module / "target" / "classes"))
    if not any(entry.name.endswith(".class") for entry in entries):
        raise PackingError(f"{module.name} isn't compiled; run make android-test first")
    return entries


def _files(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield Entry(path.relative_to(folder).as_posix(), path.read_bytes())


def _pom(bridge: Path) -> str:
    parent = ElementTree.parse(bridge / "pom.xml").getroot()
    properties = {
        element.tag.removeprefix(_MAVEN): element.text or ""
        for element in parent.findall(f"{_MAVEN}properties/*")
    }
    try:
        version = properties["revision"]
        runtime = properties["onnxruntime.version"]
    except KeyError as missing:
        raise PackingError(f"{bridge / 'pom.xml'} has no property {missing}; put it back") from None
    # The JVM's jar of ONNX Runtime has no libraries for Android: its AAR takes the place.
    needed = [("com.microsoft.onnxruntime", "onnxruntime-android", runtime, "aar")]
    if _uses_bouncycastle(bridge):
        needed.append(
            ("org.bouncycastle", "bcprov-jdk18on", properties["bouncycastle.version"], "jar")
        )
    dependencies = "".join(
        f"""    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{number}</version>
      <type>{kind}</type>
      <scope>runtime</scope>
    </dependency>
"""
        for group, artifact, number, kind in needed
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{_GROUP}</groupId>
  <artifactId>voicelet</artifactId>
  <version>{version}</version>
  <packaging>aar</packaging>
  <name>voicelet for Android</name>
  <licenses>
    <license>
      <name>Apache-2.0</name>
      <url>https://www.apache.org/licenses/LICENSE-2.0.txt</url>
    </license>
  </licenses>
  <dependencies>
{dependencies}  </dependencies>
</project>
"""


def _uses_bouncycastle(bridge: Path) -> bool:
    for module in MODULES:
        root = ElementTree.parse(bridge / module / "pom.xml").getroot()
        for dependency in root.findall(f"{_MAVEN}dependencies/{_MAVEN}dependency"):
            shipped = dependency.findtext(f"{_MAVEN}scope", "compile") in ("compile", "runtime")
            if shipped and dependency.findtext(f"{_MAVEN}groupId") == "org.bouncycastle":
                return True
    return False
