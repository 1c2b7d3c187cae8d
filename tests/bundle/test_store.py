"""A bundle is opened whole, or refused with the right error; installing it is all or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.tiny import TINY_FILES, tiny_bundle, tiny_manifest
from voicelet.bundle import install, installed, open_bundle, write_bundle
from voicelet.bundle.store import read_data
from voicelet.errors import (
    BundleError,
    BundleTamperedError,
    BundleTruncatedError,
    BundleUnsignedError,
    BundleVersionError,
    EngineError,
)

Make = Callable[..., Path]


def public_hex(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def edit(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_written_is_what_is_opened(make_bundle: Make) -> None:
    bundle = open_bundle(make_bundle())
    manifest = bundle.manifest
    assert manifest.statistics.mel_mean == (-5.0,) * 80
    assert manifest.graphs["vocoder"].context_frames == 8
    assert manifest.presets[0].name == "low"
    assert manifest.total_bytes == sum(len(b) for b in TINY_FILES.values())
    path, file = bundle.graph_path("vocoder")
    assert path.read_bytes() == TINY_FILES["vocoder.onnx"]
    assert file.inputs[0].shape == (1, "frames", 80)
    assert bundle.data_path("lexicon").read_bytes() == TINY_FILES["text/lexicon.txt"]
    assert bundle.signed_by is None


def test_unknown_roles_and_engines_are_named(make_bundle: Make) -> None:
    bundle = open_bundle(make_bundle())
    with pytest.raises(BundleError, match="did you mean 'vocoder'"):
        bundle.graph("vocodr")
    with pytest.raises(BundleError, match="did you mean 'lexicon'"):
        bundle.data_path("lexikon")
    with pytest.raises(EngineError, match="comes for onnx, not for litert"):
        bundle.graph_path("vocoder", ("litert",))


def test_truncated_file(make_bundle: Make) -> None:
    folder = make_bundle()
    path = folder / "vocoder.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleTruncatedError, match=r"vocoder\.onnx: truncated") as caught:
        open_bundle(folder)
    assert not isinstance(caught.value, BundleTamperedError)  # nobody changed it
    assert caught.value.exit_code == 34


def test_one_flipped_bit(make_bundle: Make) -> None:
    folder = make_bundle()
    path = folder / "vocoder.onnx"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleTamperedError, match="SHA-256 differs"):
        open_bundle(folder)


def test_longer_file(make_bundle: Make) -> None:
    folder = make_bundle()
    with open(folder / "MODEL_CARD.md", "ab") as file:
        file.write(b"more")
    with pytest.raises(BundleTamperedError, match="11 bytes where the manifest lists 7"):
        open_bundle(folder)


def test_missing_file(make_bundle: Make) -> None:
    folder = make_bundle()
    (folder / "vocoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"vocoder\.onnx: No such file"):
        open_bundle(folder)


def test_newer_schema_is_told_apart_from_damage(make_bundle: Make) -> None:
    folder = make_bundle()
    edit(folder, schema_version=99, something_new=True)
    with pytest.raises(BundleVersionError, match="schema 99.*upgrade voicelet"):
        open_bundle(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["manifest.json", "vocoder.onnx", "manifest.sig"])
def test_a_pipe_instead_of_a_file_does_not_hang(make_bundle: Make, name: str) -> None:
    folder = make_bundle()
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(BundleError, match="not a regular file"):
        open_bundle(folder)


def test_signature_covers_every_file(make_bundle: Make) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    folder = make_bundle(signing_key=key)
    signed = open_bundle(folder, require_signature=True)
    assert signed.signed_by == public_hex(key)
    assert open_bundle(folder, trusted_keys=[public_hex(key)]).signed_by == public_hex(key)

    # A forger who changes a file has to change its hash, and that breaks the signature.
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["measured"]["wer_percent"] = 1.0
    edit(folder, **manifest)
    with pytest.raises(BundleTamperedError, match="signature doesn't match"):
        open_bundle(folder)


def test_unsigned_or_signed_by_a_stranger(make_bundle: Make) -> None:
    ours, theirs = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    unsigned = make_bundle("unsigned")
    with pytest.raises(BundleUnsignedError):
        open_bundle(unsigned, require_signature=True)
    with pytest.raises(BundleUnsignedError):
        open_bundle(unsigned, trusted_keys=[public_hex(ours)])
    strange = make_bundle("strange", signing_key=theirs)
    with pytest.raises(BundleTamperedError, match="isn't a trusted key"):
        open_bundle(strange, trusted_keys=[public_hex(ours)])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"algorithm": "none", "public_key": "", "signature": ""}',
        b'{"algorithm": "Ed25519", "public_key": "00", "signature": "00"}',
        b'{"algorithm": "Ed25519", "public_key": 5, "signature": 5}',
        b"[" * 2000,
        b"x" * 5000,
    ],
)
def test_damaged_signature(make_bundle: Make, content: bytes) -> None:
    folder = make_bundle()
    (folder / "manifest.sig").write_bytes(content)
    with pytest.raises(BundleTamperedError):
        open_bundle(folder)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such bundle"):
        open_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"manifest\.json: No such file"):
        open_bundle(tmp_path)
    for odd in ("\0", "x" * 10000):
        with pytest.raises(BundleError):
            open_bundle(odd)


def test_install_list_open_by_name(make_bundle: Make) -> None:
    assert installed() == []
    assert install(make_bundle("first")).root == installed()[0]
    assert open_bundle("first").manifest.name == "first"
    with pytest.raises(BundleError, match="did you mean 'first'"):
        open_bundle("fist")
    install(make_bundle("second", version="2"), name="first")
    assert open_bundle("first").manifest.version == "2"
    assert [f.name for f in installed()[0].parent.iterdir()] == ["first"]


def test_a_failed_install_changes_nothing(make_bundle: Make) -> None:
    install(make_bundle("voice", version="1"))
    bad = make_bundle("bad", version="2")
    (bad / "vocoder.onnx").write_bytes(b"")
    with pytest.raises(BundleTruncatedError):
        install(bad, name="voice")
    assert open_bundle("voice").manifest.version == "1"
    with pytest.raises(BundleError, match="can't be the name"):
        install(make_bundle("good"), name="../escape")


def test_data_folder_that_cannot_be_written(
    make_bundle: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(BundleError, match="XDG_DATA_HOME"):
        install(make_bundle())


def test_writer_refuses_a_mismatch_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"\['MODEL_CARD.md', 'text/lexicon.txt'\]"):
        write_bundle(
            tmp_path / "out", tiny_manifest(), {"vocoder.onnx": TINY_FILES["vocoder.onnx"]}
        )
    with pytest.raises(BundleError, match="No such file"):
        write_bundle(
            tmp_path / "out", tiny_manifest(), {**TINY_FILES, "MODEL_CARD.md": tmp_path / "gone"}
        )
    assert list(tmp_path.iterdir()) == []


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tiny_bundle(tmp_path / "a"), tiny_bundle(tmp_path / "b")
    tiny_bundle(tmp_path / "a")
    for path in ("manifest.json", "vocoder.onnx"):
        assert (first / path).read_bytes() == (second / path).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_what_is_read_is_what_was_checked(make_bundle: Make) -> None:
    """A file that is changed after the bundle was opened is refused when it is used."""
    folder = make_bundle()
    bundle = open_bundle(folder)
    path, sound = folder / "text" / "lexicon.txt", TINY_FILES["text/lexicon.txt"]
    assert read_data(bundle, "lexicon") == sound
    for data, error in (
        (bytes(len(sound)), BundleTamperedError),
        (sound + b"more", BundleTamperedError),
        (sound[:-1], BundleTruncatedError),
    ):
        path.write_bytes(data)
        with pytest.raises(error):
            read_data(bundle, "lexicon")
    path.write_bytes(sound)
    with pytest.raises(BundleError, match="allowed"):
        read_data(bundle, "lexicon", limit=len(sound) - 1)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BundleError, match="not a regular file"):
        read_data(bundle, "lexicon")
