"""Voices of other people and protected voices are refused; their owners' own aren't."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.consenting import draft, give_consent, scripted
from voicelet.enrolment.enrolment import GE2E_ENCODER_ID
from voicelet.errors import ProfileError, ProfileNotFoundError, SealError, VoiceProtectedError
from voicelet.profiles.guard import find_duplicates, guard_voice
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import (
    BITS,
    FLIP,
    ProtectedVoices,
    decode_list,
    device_lists,
    encode_list,
    lists_folder,
    load_list,
    protect,
    remove_list,
)
from voicelet.profiles.transfer import INFO, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.speaker.vector import KNOWN_ENCODERS
from voicelet.speaker.voice_match import voice_scale
from voicelet.trust.keys.seal import new_sealing_key, seal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def voice(seed: int, jitter: float = 0.0) -> np.ndarray:
    """A made-up person's d-vector: near the middle of the cohort, as real ones are."""
    rng = np.random.default_rng(seed)
    cohort = voice_scale().cohort
    vector = cohort.mean(axis=0) + 0.9 * cohort[seed % len(cohort)]
    vector = vector + 0.03 * rng.standard_normal(256)
    vector = vector + jitter * np.random.default_rng(seed + 1000).standard_normal(256)
    return np.float32(vector / np.linalg.norm(vector))


def person(
    name: str, speaker: str, seed: int, jitter: float = 0.0, encoder_id: str = GE2E_ENCODER_ID
) -> Profile:
    made = draft(name, d_vector=voice(seed, jitter), encoder_id=encoder_id)
    return give_consent(made, scripted(speaker))


def protected(voices: dict[str, np.ndarray]) -> ProtectedVoices:
    """A list that is the same every time."""
    rng = np.random.default_rng(3)
    return protect("choir", voices, GE2E_ENCODER_ID, salt=bytes(range(16)), rng=rng)


def test_another_persons_voice_is_refused_and_ones_own_isnt() -> None:
    ana, thief = person("ana", "Ana Silva", 1), person("mine", "Mallory", 1, 0.005)
    assert [d.name for d in find_duplicates(thief, [ana])] == ["ana"]
    with pytest.raises(VoiceProtectedError, match="'ana' by another person"):
        guard_voice(thief, [ana], lists=())
    guard_voice(person("ana-2", " ana  SILVA ", 1, 0.005), [ana], lists=())  # her own, again
    guard_voice(person("bea", "Bea", 2), [ana], lists=())
    for unknown in ("another", GE2E_ENCODER_ID + " ", ""):
        with pytest.raises(ProfileError, match="enrol the voice again"):
            guard_voice(person("mine", "Mallory", 1, encoder_id=unknown), [ana], lists=())


def test_the_vault_takes_no_second_owner_of_a_voice(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.save(person("ana", "Ana Silva", 1))
    with pytest.raises(VoiceProtectedError, match="'ana'"):
        vault.save(person("mine", "Mallory", 1, 0.005))
    assert vault.names() == ["ana"]
    vault.save(person("bea", "Bea", 2))
    vault.save(person("ana-2", "Ana Silva", 1, 0.005))
    assert vault.names() == ["ana", "ana-2", "bea"]


def test_a_list_finds_its_voices_and_no_others() -> None:
    listed = {f"voice {n}": voice(n) for n in range(8)}
    voices = protected(listed)
    for number in range(8):
        found = voices.find(voice(number, 0.005))
        assert found is not None and found.label == f"voice {number}"
    assert all(voices.find(voice(number)) is None for number in range(20, 34))
    assert protect("x", listed, GE2E_ENCODER_ID).salt != voices.salt


def test_templates_are_noised_and_lists_cant_be_linked() -> None:
    one = {"a": voice(1)}
    first = protect("x", one, "e", salt=bytes(16), rng=np.random.default_rng(0)).templates[0]
    again = protect("x", one, "e", salt=bytes(16), rng=np.random.default_rng(1)).templates[0]
    other = protect("x", one, "e", salt=b"1" * 16, rng=np.random.default_rng(0)).templates[0]
    expected = 2 * FLIP * (1 - FLIP)
    assert abs((first != again).mean() - expected) < 4 * np.sqrt(expected / BITS)
    assert abs((first != other).mean() - 0.5) < 4 * np.sqrt(0.25 / BITS)


def test_a_loaded_list_guards_the_device(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    voices = protected({"a": voice(1), "b": voice(2)})
    file.write_bytes(encode_list(voices, KEY))
    guard_voice(person("bea", "Bea", 2), [])
    assert load_list(file).labels == ("a", "b")
    with pytest.raises(VoiceProtectedError, match="'choir'"):
        guard_voice(person("bea", "Bea", 2), [])
    with pytest.raises(VoiceProtectedError, match="'choir'"):
        Vault(tmp_path / "vault").save(person("bea", "Bea", 2))
    load_list(file)  # of the same keeper, again
    file.write_bytes(encode_list(voices, Ed25519PrivateKey.generate()))
    with pytest.raises(ProfileError, match="another keeper"):
        load_list(file)
    assert [v.name for v in device_lists()] == ["choir"]
    remove_list("choir")
    guard_voice(person("bea", "Bea", 2), [])
    with pytest.raises(ProfileNotFoundError):
        remove_list("choir")


def test_a_damaged_list_lets_nobody_pass() -> None:
    lists_folder().mkdir(parents=True)
    (lists_folder() / "choir.protected.json").write_bytes(b"{}")
    with pytest.raises(ProfileError, match=r"choir\.protected\.json"):
        guard_voice(person("bea", "Bea", 2), [])


def test_taking_a_voice_off_a_list_is_noticed() -> None:
    voices = protect("choir", {"a": voice(1), "b": voice(2)}, GE2E_ENCODER_ID)
    body = json.loads(encode_list(voices, KEY))
    body["voices"].pop()
    with pytest.raises(SealError):
        decode_list(json.dumps(body).encode())
    body = json.loads(encode_list(voices, KEY))
    body["version"] = 2
    with pytest.raises(ProfileError, match="update voicelet"):
        decode_list(json.dumps(body).encode())


_WHOLE = encode_list(protect("choir", {"a": voice(1)}, GE2E_ENCODER_ID, salt=bytes(16)), KEY)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_a_list_is_named(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(_WHOLE) - 1))
    letter = data.draw(st.integers(0, 255))
    for changed in (
        _WHOLE[:place],
        _WHOLE[:place] + bytes([letter]) + _WHOLE[place + 1 :],
        _WHOLE[place:] + _WHOLE[:place],
        data.draw(st.binary(max_size=80)),
    ):
        try:
            decode_list(changed)
        except (ProfileError, SealError):
            continue
        assert changed == _WHOLE


def test_a_voice_that_nobody_can_compare_gets_in_nowhere(tmp_path: Path) -> None:
    """Another encoder's id would be a way past the guard: its d-vector is compared with nothing."""
    assert voice_scale().encoder_id == GE2E_ENCODER_ID == KNOWN_ENCODERS[0]
    vault, key = Vault(tmp_path), new_sealing_key()
    vault.save(person("ana", "Ana Silva", 1))
    for unknown in ("another", GE2E_ENCODER_ID + " "):
        thief = person("mine", "Mallory", 1, encoder_id=unknown)
        with pytest.raises(ProfileError, match="speaker encoder"):
            vault.save(thief)
        with pytest.raises(ProfileError, match="speaker encoder"):
            import_profile(vault, seal(key.public, thief.to_bytes(), info=INFO), key)
        with pytest.raises(ProfileError, match="speaker encoder"):
            thief.check_consent()
        (tmp_path / "mine.vclp").write_bytes(thief.to_bytes())
        with pytest.raises(ProfileError, match="speaker encoder"):
            vault.load("mine")
        (tmp_path / "mine.vclp").unlink()
    assert vault.names() == ["ana"]
