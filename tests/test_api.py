"""The public API: what `voicelet` declares, what its page says, what type checkers see."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

import voicelet

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "python.md"

UNLISTED = {
    "Bundle.graph",
    "ConsentRecord.from_dict",
    "ConsentRecord.countersigned_by",
    "ConsentRecord.following",
    "ConsentRecord.needs_countersigner",
    "ConsentRecord.renewed",
    "ConsentRecord.signed_by",
    "ConsentRecord.to_dict",
    "GateConfig.consistency_threshold",
    "Label.cue",
    "Label.facts",
    "Label.tags",
    "Profile.check_record",
    "Profile.speaker_vector",
    "SpokenConsent.sha256",
    "Voice.front_end",
}
"""Of public classes, but for voicelet's own use: the page doesn't name them, so they may change."""


# ---------------------------------------------------------------- names


def test_every_declared_name_is_there() -> None:
    for name in voicelet.__all__:
        assert getattr(voicelet, name) is not None, name
    assert list(voicelet.__all__) == sorted(voicelet.__all__)


def test_enrol_is_a_function_and_only_that() -> None:
    assert inspect.isfunction(voicelet.enrol)
    assert "recordings" in inspect.signature(voicelet.enrol).parameters


def test_type_checkers_and_the_running_package_see_the_same_names() -> None:
    """What is imported for types is what is found when first used, from the same modules."""
    tree = ast.parse(Path(str(voicelet.__file__)).read_text(encoding="utf-8"))
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES"
    )
    typed = {
        alias.name: statement.module
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert typed == homes
    assert {*homes, "VoiceletError", "__version__", "errors"} == set(voicelet.__all__)


# ---------------------------------------------------------------- signatures


def default(value: Any) -> str:
    """A default as the page shows it: literals, and dots for what is made."""
    plain = value is None or isinstance(value, (bool, int, float, str, tuple))
    if not plain or value == voicelet.__version__:
        return "..."
    return repr(value).replace("'", '"')


def rendered(name: str, function: Any) -> str:
    """`Voice.load(path: str | None = None) -> Voice`."""
    parts: list[str] = []
    signature = inspect.signature(function)
    starred = False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        mark = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        text = f"{mark}{parameter.name}: {parameter.annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {default(parameter.default)}"
        parts.append(text)
    returns = "" if inspect.isclass(function) else f" -> {signature.return_annotation}"
    return f"{name}({', '.join(parts)}){returns}"


def members(thing: type) -> Iterator[tuple[str, Any]]:
    """Public attributes that a class itself defines."""
    for name, value in vars(thing).items():
        if not name.startswith("_"):
            yield name, value


def entries(name: str) -> set[str]:
    """All that the page has to show in the code of a name's section."""
    thing = getattr(voicelet, name)
    if not inspect.isclass(thing):
        return {rendered(name, thing)}
    found = {rendered(name, thing)}
    for attribute, value in members(thing):
        if f"{name}.{attribute}" in UNLISTED:
            continue
        if isinstance(value, (classmethod, staticmethod)) or inspect.isfunction(value):
            found.add(rendered(f"{name}.{attribute}", getattr(thing, attribute)))
    return found


def attributes(name: str) -> set[str]:
    """Fields and properties that a class's section has to explain."""
    thing = getattr(voicelet, name)
    found = (
        {f.name for f in dataclasses.fields(thing) if not f.name.startswith("_")}
        if (dataclasses.is_dataclass(thing))
        else set()
    )
    found |= {n for n, v in members(thing) if isinstance(v, (property, cached_property))}
    return {n for n in found if f"{name}.{n}" not in UNLISTED}


CALLABLE = [
    name
    for name in voicelet.__all__
    if callable(getattr(voicelet, name)) and name != "VoiceletError"
]
CLASSES = [name for name in CALLABLE if inspect.isclass(getattr(voicelet, name))]


def sections() -> dict[str, str]:
    """The page's sections by the name in their heading."""
    parts = re.split(r"^### `([\w.]+)`\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(set(parts[1::2])) == len(parts[1::2]), "a name has two sections"
    return {
        n: re.split(r"^## ", t, flags=re.MULTILINE)[0] for n, t in zip(parts[1::2], parts[2::2])
    }


def shown(section: str) -> set[str]:
    """The signatures in the section's code, each on one line."""
    found = set()
    for block in re.findall(r"^```py\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
        for entry in re.split(r"\n(?=\w)", block.strip()):
            line = " ".join(entry.split())
            found.add(line.replace("( ", "(").replace(", )", ")"))
    return found


def test_every_public_name_has_its_section() -> None:
    assert set(sections()) == set(voicelet.__all__)


@pytest.mark.parametrize("name", CALLABLE)
def test_the_page_shows_the_signature(name: str) -> None:
    assert shown(sections()[name]) == entries(name)


@pytest.mark.parametrize("name", CLASSES)
def test_the_page_explains_every_attribute(name: str) -> None:
    section = re.sub(r"^```.*?^```", "", sections()[name], flags=re.MULTILINE | re.DOTALL)
    explained = {w for code in re.findall(r"`([^`]+)`", section) for w in re.findall(r"\w+", code)}
    assert attributes(name) <= explained


def test_what_is_unlisted_is_there_and_not_on_the_page() -> None:
    for name in UNLISTED:
        owner, attribute = name.split(".")
        assert hasattr(getattr(voicelet, owner), attribute), name


def test_no_public_signature_says_any() -> None:
    for name in CALLABLE:
        for entry in entries(name):
            assert not re.search(r"\b(Any|inspect\._empty)\b", entry), entry


def test_every_error_is_in_the_table() -> None:
    row = r"^\| `(\w+)` \| (\d+) \| (?:`(\w+)`)? ?\| \w"
    rows = re.findall(row, sections()["errors"], re.MULTILINE)
    classes = {
        name: (thing.exit_code, thing.__base__.__name__.replace("Exception", ""))
        for name, thing in vars(voicelet.errors).items()
        if inspect.isclass(thing) and issubclass(thing, voicelet.VoiceletError)
    }
    assert {name: (int(code), below) for name, code, below in rows} == classes
    assert len(rows) == len(classes)


def test_settings_are_the_fields_of_the_options() -> None:
    from voicelet.synth.options import SpeechSettings

    fields = {f.name: f.type for f in dataclasses.fields(voicelet.SpeechOptions)}
    settings = {n: t.__forward_arg__ for n, t in SpeechSettings.__annotations__.items()}
    assert settings == fields


# ---------------------------------------------------------------- a user's types

SCRIPT = '''
"""What users write, with every public name; mypy --strict has to understand all of it."""

import voicelet
from voicelet import errors


def speak(voice: voicelet.Voice, profile: voicelet.Profile) -> float:
    brisk = voicelet.SpeechOptions(speed=1.2, style="lively", language="en", label="eu")
    audio: voicelet.Audio = voice.synthesize("Hi", speed=1.2)
    reveal_type(voice.synthesize("Hi", profile=profile, options=brisk, seed=3).samples)
    for chunk in voice.stream("A long story", profile=profile, purpose="own-use", ssml=False):
        piece: voicelet.Chunk = chunk
        words: tuple[voicelet.WordTiming, ...] = piece.words
        marks: tuple[voicelet.MarkTiming, ...] = piece.marks
        reveal_type(words[0].start_s + marks[0].time_s)
    reveal_type(voice.synthesize_phones("həlˈO", options=brisk))
    info: voicelet.VoiceInfo = voice.info
    reveal_type(info.languages)
    why: voicelet.Explanation = voicelet.explain(voice, "Zoltrix", options=brisk)
    reveal_type([why.lexicon_line(word) for word in why.guessed])
    signer: voicelet.FileSigner = voicelet.device_signer()
    signer = voicelet.file_signer("chain.pem", "key.pem")
    audio.save("a.wav", label=voicelet.Label("us-ca", "Acme"), signer=signer)
    label = voicelet.write_labelled("b.wav", voice, "Hi", profile=profile, energy=0.5)
    reveal_type(label.id)
    reveal_type(voicelet.read_label("a.wav"))
    reveal_type(voicelet.read_credentials("a.wav"))
    thorough = voicelet.ThoroughSearch(max_speed_change=0.1)
    found: voicelet.Detection = voicelet.detect_watermark(
        audio.samples, audio.sample_rate_hz, thorough=thorough
    )
    return found.probability


def enrol(voice: voicelet.Voice) -> voicelet.Profile:
    sentence = voicelet.consent_sentence()
    reveal_type(sentence.text)
    consent = voicelet.Consent("Ana", voicelet.SpokenConsent("consent.wav", sentence))
    gate = voicelet.GateConfig(min_snr_db=15.0)
    try:
        profile = voicelet.enrol(["a.wav"], consent=consent, name="ana", voice=voice, config=gate)
    except errors.VoiceletError as error:
        reveal_type(error.exit_code)
        raise voicelet.VoiceletError("no") from error
    report: voicelet.GateReport | None = profile.report
    record: voicelet.ConsentRecord | None = profile.consent
    reveal_type((report, record))
    vault = voicelet.Vault()
    voicelet.backup_profile(vault, "ana", "ana.backup", "kettle marble seven harbour")
    reveal_type(
        voicelet.restore_profile(vault, "ana.backup", "kettle marble seven harbour", replace=True)
    )
    vault.save(profile)
    reveal_type(vault.load("ana"))
    answer: voicelet.Verification = voicelet.verify_recording("call.wav", profile)
    reveal_type(answer.same_speaker)
    bundle: voicelet.Bundle = voicelet.open_bundle()
    reveal_type(bundle.root)
    reveal_type(voicelet.Voice.load(bundle.root).presets)
    return profile


reveal_type(voicelet.__version__)
reveal_type(voicelet.enrol)
reveal_type(voicelet.errors.ConfigError("a"))
'''

MISTAKES = """
import voicelet

voice = voicelet.Voice.load()
voice.synthesize("Hi", sped=1.2)
voice.synthesize("Hi", speed="fast")
voice.synthesize("Hi", profile="ana")
voicelet.enroll(["a.wav"])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel in it, and numpy for its types; returns its Python."""
    pytest.importorskip("build")
    pytest.importorskip("mypy")
    import numpy

    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source / name)
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "sdk", source / "sdk", ignore=ignore)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source)
    (wheel,) = folder.glob("voicelet-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env")
    python = folder / "env" / "bin" / "python"
    library = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", library, wheel)
    (library / "numpy").symlink_to(Path(numpy.__file__).parent, target_is_directory=True)
    return python


def run(*command: Any) -> str:
    done = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def check_types(script: str, python: Path, folder: Path) -> list[str]:
    """What `mypy --strict` says of a script that stands alone, beside the installed wheel."""
    (folder / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--no-color-output"),
            *(
                "--cache-dir",
                str(python.parent.parent / "mypy"),
                "--python-executable",
                str(python),
            ),
            "script.py",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_strict_types_hold_for_a_user_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    tree = ast.parse(SCRIPT)
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "voicelet"
    }
    assert used == set(voicelet.__all__)
    lines = check_types(SCRIPT, installed, tmp_path)
    assert not [line for line in lines if "error:" in line], "\n".join(lines)
    revealed = [line.split("Revealed type is ")[1] for line in lines if "Revealed type" in line]
    assert len(revealed) == SCRIPT.count("reveal_type(")
    assert revealed[0].startswith('"numpy.ndarray[')
    # numpy's own aliases say Any of shapes and types; nothing of voicelet's does.
    assert not [told for told in revealed if re.search(r"\bAny\b", told) and "numpy" not in told]


def test_a_users_mistakes_are_seen(installed: Path, tmp_path: Path) -> None:
    lines = check_types(MISTAKES, installed, tmp_path)
    wrong = {int(line.split(":")[1]) for line in lines if "error:" in line}
    assert wrong == {5, 6, 7, 8}, "\n".join(lines)
