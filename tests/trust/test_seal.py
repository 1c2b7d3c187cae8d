"""Sealing and signing: what was bound stays bound, and every change has a name."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import SealError
from voicelet.trust.keys import hpke
from voicelet.trust.keys.seal import (
    SealingKey,
    new_sealing_key,
    new_signing_key,
    open_sealed,
    public_from_text,
    public_to_text,
    seal,
    sign,
    signing_key_from_bytes,
    verify,
)

INFO = b"voicelet test 1"
CLASSIC = new_sealing_key(hybrid=False)
KEYS = [pytest.param(CLASSIC, id="x25519")]
if hpke.have_hybrid():
    KEYS.append(pytest.param(new_sealing_key(hybrid=True), id="mlkem768-x25519"))


@pytest.mark.parametrize("key", KEYS)
def test_only_the_recipient_and_purpose_open_it(key: SealingKey) -> None:
    box = seal(key.public, b"a voice", info=INFO, aad=b"ana")
    assert b"a voice" not in box
    assert open_sealed(key, box, info=INFO, aad=b"ana") == b"a voice"
    assert box != seal(key.public, b"a voice", info=INFO, aad=b"ana")
    hybrid = len(key.public) != 32
    for other, info, aad in [
        (new_sealing_key(hybrid), INFO, b"ana"),
        (key, b"voicelet test 2", b"ana"),
        (key, INFO, b"ben"),
        (key, INFO + b"a", b"na"),  # the border between info and aad is bound, too
    ]:
        with pytest.raises(SealError, match="can't be opened"):
            open_sealed(other, box, info=info, aad=aad)


def test_a_key_of_another_kind_is_named() -> None:
    if not hpke.have_hybrid():
        pytest.skip("this cryptography has no ML-KEM")
    box = seal(new_sealing_key(True).public, b"x", info=INFO)
    with pytest.raises(SealError, match="another kind"):
        open_sealed(CLASSIC, box, info=INFO)


BOX = seal(CLASSIC.public, b"a voice", info=INFO)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_a_box_is_named(data: st.DataObject) -> None:
    changed = bytearray(BOX)
    how = data.draw(st.sampled_from(["flip", "cut", "grow", "noise"]))
    at = data.draw(st.integers(0, len(BOX) - 1))
    if how == "flip":
        changed[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del changed[at:]
    elif how == "grow":
        changed[at:at] = data.draw(st.binary(min_size=1, max_size=40))
    else:
        changed = bytearray(data.draw(st.binary(max_size=120)))
    if bytes(changed) == BOX:
        return
    with pytest.raises(SealError):
        open_sealed(CLASSIC, bytes(changed), info=INFO)


def test_the_old_path_and_cryptography_s_own_speak_the_same() -> None:
    """For cryptography 42 to 46, see `hpke.py`."""
    pytest.importorskip("cryptography.hazmat.primitives.hpke")
    private = hpke.X25519PrivateKey.from_private_bytes(CLASSIC.private)
    ours = hpke._encrypt_x25519(private.public_key(), b"a voice", INFO)
    assert hpke.decrypt(CLASSIC.private, ours, INFO) == b"a voice"
    theirs = hpke.encrypt(CLASSIC.public, b"a voice", INFO)
    assert hpke._decrypt_x25519(private, theirs, INFO) == b"a voice"


def test_the_key_schedule_of_rfc_9180() -> None:
    """Appendix A.2.1 of RFC 9180: base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305."""
    private = hpke.X25519PrivateKey.from_private_bytes(
        bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
    )
    enc = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"
    ciphertext = (
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
    )
    public = hpke.X25519PublicKey.from_public_bytes(bytes.fromhex(enc))
    context = bytes.fromhex(enc) + private.public_key().public_bytes_raw()
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    key, nonce = hpke._schedule(private.exchange(public), context, info)
    assert key.hex() == "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
    assert nonce.hex() == "5c4d98150661b848853b547f"
    # The RFC's message has an aad, which the single-shot API lacks: only its length is the same.
    plain = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
    assert len(bytes.fromhex(ciphertext)) == len(plain) + 16
    aead = hpke.ChaCha20Poly1305(key)
    assert aead.decrypt(nonce, bytes.fromhex(ciphertext), b"Count-0") == plain


@pytest.mark.parametrize("key", KEYS)
def test_keys_as_text(key: SealingKey) -> None:
    assert SealingKey.from_text(key.to_text()).public == key.public
    assert public_from_text("\n  " + public_to_text(key.public)) == key.public
    assert key.private.hex() not in repr(key) and repr(key.private) not in repr(key)
    with pytest.raises(SealError, match="private key"):
        public_from_text(key.to_text())
    with pytest.raises(SealError):
        SealingKey.from_text(public_to_text(key.public))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60), st.integers(0, 100), st.characters())
def test_broken_key_texts_are_named(text: str, at: int, character: str) -> None:
    whole = public_to_text(CLASSIC.public)
    for broken in (text, whole[: at % len(whole)]):
        with pytest.raises(SealError):
            public_from_text(broken)
    try:  # a changed character may still be base64 of 32 bytes: then it is another key
        assert len(public_from_text(whole[:at] + character + whole[at + 1 :])) == 32
    except SealError:
        pass


def test_signatures_are_of_one_purpose() -> None:
    key = new_signing_key()
    public = key.public_key().public_bytes_raw()
    signature = sign(key, "voicelet-test-1", b"data")
    verify(public, "voicelet-test-1", b"data", signature)
    for context, data, value, owner in [
        ("voicelet-test-2", b"data", signature, public),
        ("voicelet-test-1", b"dat", signature, public),
        ("voicelet-test-1", b"data", signature[:-1], public),
        ("voicelet-test-1", b"data", signature, public[:-1]),
        ("voicelet-test-1", b"data", signature, new_signing_key().public_key().public_bytes_raw()),
    ]:
        with pytest.raises(SealError, match="doesn't hold"):
            verify(owner, context, data, value)
    with pytest.raises(SealError, match="no context"):
        sign(key, "voicelet\ntest", b"data")
    again = signing_key_from_bytes(key.private_bytes_raw())
    assert isinstance(again, Ed25519PrivateKey) and sign(again, "voicelet-test-1", b"data")
    with pytest.raises(SealError, match="32 bytes"):
        signing_key_from_bytes(b"short")
