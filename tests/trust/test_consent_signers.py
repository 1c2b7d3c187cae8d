"""Whose signatures under consents count here: this device's, and those that somebody trusted."""

from __future__ import annotations

import dataclasses
import stat
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.consenting import agreed, draft, foreign, someone
from voicelet.errors import ConsentEndedError, ConsentError
from voicelet.profiles.profile import Profile
from voicelet.profiles.transfer import INFO, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent import clock
from voicelet.trust.consent.record import MOST_SIGNERS, ConsentRecord, to_iso, utc_now
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import (
    TrustedSigners,
    check_authority,
    device_signers,
    is_own,
    signers_of,
)
from voicelet.trust.consent.statement import PURPOSES, Consent, make_record
from voicelet.trust.keys import device_key as device_key_module
from voicelet.trust.keys import keystore
from voicelet.trust.keys.device_key import device_key, device_public_key
from voicelet.trust.keys.seal import new_sealing_key, new_signing_key, seal

ALL = ("own-use", "assistive", "publishing", "research", "federation")


def spoken_sentence(day: datetime, words: str = "onion, velvet, lantern, copper and meadow") -> str:
    ordinal = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    named = f"{day:%B} {day.day}{ordinal.get(day.day, 'th')}, {day.year}"
    return f"Today is {named}, and I let Voicelet learn my voice: {words}."


def as_spoken(**changes: Any) -> dict[str, Any]:
    """Fields of a record of a sentence that was read now."""
    values: dict[str, Any] = {
        "method": "spoken",
        "reason": "",
        "sentence": spoken_sentence(utc_now()),
        "audio_sha256": "ab" * 32,
    }
    return {**values, **changes}


# ---------------------------------------------------------------- other devices


def test_a_key_made_this_second_signs_for_nobody() -> None:
    stranger, key = foreign(draft(), purposes=ALL, **as_spoken())
    for purpose in ALL:
        with pytest.raises(ConsentError, match="voicelet consent trust ana"):
            stranger.check_consent(purpose)
    stranger.check_record()  # it is genuine; that says nothing
    assert stranger.check_record().device == key


def test_trusted_signers_speak_for_own_use_whatever_their_records_list() -> None:
    stranger, key = foreign(draft(), purposes=ALL, **as_spoken())
    device_signers().trust(key, "the clinic")
    stranger.check_consent("own-use")
    stranger.check_consent("assistive")
    for purpose in ("publishing", "research", "federation"):
        with pytest.raises(ConsentError, match="the clinic"):
            stranger.check_consent(purpose)
    assert stranger.allowed_purposes() == ("own-use", "assistive")
    device_signers().trust(key, "the clinic", ("own-use", "publishing"))
    stranger.check_consent("publishing")
    device_signers().untrust(key)
    with pytest.raises(ConsentError, match="isn't known here"):
        stranger.check_consent()


def test_a_device_whose_key_was_lost_gets_its_voices_back_by_one_command() -> None:
    ana = someone()
    ana.check_consent()
    for file in keystore.keys_folder().glob("device*"):
        file.unlink()
    device_key_module._load.cache_clear()  # as another process would find it
    with pytest.raises(ConsentError, match="voicelet consent trust ana"):
        ana.check_consent()
    assert ana.consent is not None and ana.consent.device != device_public_key().hex()
    device_signers().trust(ana.consent.device)
    ana.check_consent()


def test_without_any_key_nothing_is_made_by_asking() -> None:
    folder = keystore.keys_folder()
    ana = someone()
    for file in folder.glob("device*"):
        file.unlink()
    with pytest.raises(ConsentError):
        check_authority(ana.check_record(), "own-use")
    assert not list(folder.glob("device*"))


def test_the_list_is_private_kept_whole_and_read_again() -> None:
    mine, other = device_signers(), TrustedSigners()
    key = new_signing_key().public_key().public_bytes_raw().hex()
    assert mine.get(key) is None
    added = other.trust(" ".join([key[:32].upper(), key[32:]]), "Ängie", "publishing")
    assert mine.get(key) == added and mine.entries() == [added]
    assert stat.S_IMODE(mine.path.stat().st_mode) == 0o600
    for wrong in ("", "ab", key + "0", "zz" * 32):
        with pytest.raises(ConsentError, match="64 hexadecimal digits"):
            mine.trust(wrong)
    with pytest.raises(ConsentError, match="isn't trusted here"):
        mine.untrust("00" * 32)
    assert other.entries() == [added]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.sampled_from([b"{}", b'{"version": 1}', b"[" * 60_000]))
def test_a_damaged_list_is_named_and_silences_no_voice_of_this_device(raw: bytes) -> None:
    ana = someone()
    stranger, _ = foreign(draft("ben"))
    path = device_signers().path
    path.write_bytes(raw)
    with pytest.raises(ConsentError, match="signers"):
        device_signers().entries()
    with pytest.raises(ConsentError, match="signers"):
        device_signers().trust("ab" * 32)
    assert path.read_bytes() == raw
    ana.check_consent()
    with pytest.raises(ConsentError):
        stranger.check_consent()
    path.unlink()


# ---------------------------------------------------------------- what was read, and when


def test_the_sentence_of_a_record_has_to_be_one_of_ours_and_of_its_day() -> None:
    now, key = utc_now(), new_signing_key()
    device_signers().trust(key.public_key().public_bytes_raw().hex())
    good, _ = foreign(draft(), key, **as_spoken())
    good.check_consent()
    for sentence, match in (
        ("I agree.", "isn't one that voicelet asks"),
        (spoken_sentence(now).replace("learn", "sell"), "isn't one that voicelet asks"),
        (spoken_sentence(now - timedelta(days=9)), "names"),
        (spoken_sentence(now + timedelta(days=9)), "names"),
        ("Today is February 31st, 2026, and I let Voicelet learn my voice: a.", "no real day"),
        ("Today is Brumaire 3rd, 2026, and I let Voicelet learn my voice: a.", "isn't one"),
    ):
        wrong, _ = foreign(draft(), key, **as_spoken(sentence=sentence))
        with pytest.raises(ConsentError, match=match):
            wrong.check_consent()


@settings(max_examples=60, deadline=None)
@given(st.integers(-12, 14), st.integers(0, 24 * 60), st.datetimes(datetime(2026, 1, 1)))
def test_a_sentence_fits_wherever_on_earth_it_was_read(
    ahead_h: int, waited_min: int, drawn: datetime
) -> None:
    from voicelet.trust.consent.sentence import check_read_on

    zone = timezone(timedelta(hours=ahead_h))
    if drawn.year > 9000:
        return
    moment = drawn.replace(tzinfo=timezone.utc)
    sentence = spoken_sentence(moment.astimezone(zone))
    check_read_on(sentence, moment + timedelta(minutes=waited_min))


# ---------------------------------------------------------------- dates to come


def dated(moment: datetime) -> Profile:
    """A profile of this device whose record bears that date."""
    bare = draft()
    record = make_record(Consent.scripted("Ana", "a test"), bare.voice_sha256, moment)
    return dataclasses.replace(bare, consent=record)


def test_a_record_of_2040_does_not_speak_before_2040() -> None:
    ana = dated(datetime(2040, 1, 1, tzinfo=timezone.utc))
    with pytest.raises(ConsentError, match="set the clock"):
        ana.check_consent()
    ana.check_consent(now=datetime(2040, 1, 2, tzinfo=timezone.utc))
    dated(utc_now() + timedelta(hours=14)).check_consent()  # a clock that keeps local time


@pytest.mark.parametrize("boot", [datetime(1970, 1, 1), datetime(2027, 5, 1)])
def test_a_clock_that_is_behind_silences_nobody(
    boot: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = datetime(2027, 6, 1, tzinfo=timezone.utc)
    monkeypatch.setattr("voicelet.trust.consent.statement.utc_now", lambda: right)
    monkeypatch.setattr(clock, "utc_now", lambda: right)
    ana = someone()
    assert ana.consent is not None and ana.consent.created == to_iso(right)
    ana.check_consent(now=boot.replace(tzinfo=timezone.utc))
    # Without the time that was kept, only a clock that can't be right is forgiven.
    clock.default_file().write_bytes(b"\xff")
    if boot.year == 1970:
        ana.check_consent(now=boot.replace(tzinfo=timezone.utc))
    else:
        with pytest.raises(ConsentError, match="set the clock"):
            ana.check_consent(now=boot.replace(tzinfo=timezone.utc))


def test_the_latest_time_only_grows() -> None:
    late = datetime(2031, 1, 1, tzinfo=timezone.utc)
    clock.remember_time(late)
    clock.remember_time(late - timedelta(days=400))
    assert clock.latest_time() == late


# ---------------------------------------------------------------- in writing, signed twice


def test_what_was_only_written_down_serves_the_speaker_alone() -> None:
    ana = someone(purposes=ALL)
    for purpose in ("own-use", "assistive"):
        ana.check_consent(purpose)
    for purpose in ("publishing", "research", "federation"):
        with pytest.raises(ConsentError, match="only written down"):
            ana.check_consent(purpose)
    assert ana.allowed_purposes() == ("own-use", "assistive")


def countersigned(profile: Profile) -> tuple[Profile, str]:
    record = profile.check_record().countersigned_by(new_signing_key())
    return dataclasses.replace(profile, consent=record), record.countersigner


def test_a_second_signature_counts_if_its_signer_is_trusted_with_that() -> None:
    ana, clinic = countersigned(someone(purposes=ALL))
    with pytest.raises(ConsentError, match=f"voicelet consent trust {clinic}"):
        ana.check_consent("publishing")
    device_signers().trust(clinic)  # with own use alone
    with pytest.raises(ConsentError, match="isn't trusted with publishing"):
        ana.check_consent("publishing")
    device_signers().trust(clinic, "clinic", ("publishing",))
    ana.check_consent("publishing")
    with pytest.raises(ConsentError, match="federation"):
        ana.check_consent("federation")
    again = Profile.from_bytes(ana.to_bytes())
    assert again == ana
    again.check_consent("publishing")
    assert ConsentRecord.from_bytes(ana.check_record().to_bytes()) == ana.check_record()


def test_nobody_countersigns_themselves() -> None:
    from voicelet.trust.keys.device_key import device_key

    ana = someone(purposes=ALL)
    with pytest.raises(ConsentError, match="somebody else"):
        ana.check_record().countersigned_by(device_key())
    # Nor does this device lend a stranger's record what its own lacks.
    stranger, key = foreign(draft(), purposes=ALL)
    device_signers().trust(key, "", ALL)
    device_signers().trust(device_public_key().hex(), "", ALL)
    mine = stranger.check_record().countersigned_by(device_key())
    with pytest.raises(ConsentError, match="countersigner"):
        dataclasses.replace(stranger, consent=mine).check_consent("publishing")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_of_a_countersigned_record_is_found(data: st.DataObject) -> None:
    raw = bytearray(COUNTERSIGNED)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConsentError):
        ConsentRecord.from_bytes(bytes(raw)).verify()


def _made_once() -> bytes:
    from voicelet.trust.consent.record import unsigned_record

    values = dict.fromkeys(("scope", "sentence", "audio_sha256"), "")
    record = unsigned_record(
        speaker="Ana",
        given_by="Ana",
        purposes=("own-use", "publishing"),
        created="2026-11-23T12:00:00Z",
        expires=None,
        method="scripted",
        reason="a test",
        voice_sha256="ab" * 32,
        **values,
    )
    return record.signed_by(new_signing_key()).countersigned_by(new_signing_key()).to_bytes()


COUNTERSIGNED = _made_once()


def test_records_of_version_1_have_no_place_for_it() -> None:
    record = ConsentRecord.from_bytes(COUNTERSIGNED)
    plain = dataclasses.replace(record, countersigner="", countersignature="", version=1)
    old = plain.signed_by(new_signing_key())
    old.verify()
    assert b"countersign" not in old.to_bytes()
    assert ConsentRecord.from_bytes(old.to_bytes()) == old
    with pytest.raises(ConsentError, match="renew"):
        old.countersigned_by(new_signing_key())
    with pytest.raises(ConsentError):
        dataclasses.replace(record, version=1)


# ---------------------------------------------------------------- renewal


def test_a_renewed_record_is_revoked_with_the_old_one() -> None:
    from voicelet.trust.keys.device_key import device_key

    ana = agreed(draft(), purposes=("own-use", "publishing"))
    old = ana.check_record()
    new = old.renewed("cd" * 32, ("own-use",), device_key())
    assert (new.id, new.created, new.purposes) == (old.id, old.created, ("own-use",))
    new.verify("cd" * 32)
    with pytest.raises(ConsentError, match="weren't agreed"):
        old.renewed("cd" * 32, ("federation",), device_key())
    device_revocations().add(old.id)
    with pytest.raises(ConsentEndedError):
        device_revocations().check(new)


def test_what_people_are_asked_to_read_fits_the_form() -> None:
    from voicelet.enrolment.liveness.check import consent_sentence
    from voicelet.trust.consent.sentence import check_read_on

    check_read_on(consent_sentence().text, utc_now())


def adapted(profile: Profile, times: int = 1, key: Ed25519PrivateKey | None = None) -> Profile:
    """As `adapt_profile` signs it, by this device or another; nothing is learnt."""
    for _ in range(times):
        record = profile.check_record()
        renewed = record.renewed(profile.voice_sha256, record.purposes, key or device_key())
        profile = replace(profile, consent=renewed)
    return profile


def test_who_signed_before_an_adaptation_is_still_asked_for() -> None:
    stranger, key = foreign(draft())
    device_signers().trust(key, "the clinic")
    mine = adapted(stranger, times=3)
    record = mine.check_record()
    assert is_own(record) and record.earlier_signers == (key,) and signers_of(record) == (key,)
    assert record.id == stranger.check_record().id
    mine.check_consent()
    device_signers().untrust(key)
    with pytest.raises(ConsentError, match="isn't known here"):
        mine.check_consent()
    with pytest.raises(ConsentError, match="changed since"):
        bare = replace(record, earlier_signers=(), version=2)
        replace(mine, consent=bare).check_consent()
    own = adapted(someone())
    assert own.check_record().earlier_signers == () and own.check_record().version == 2


def test_all_that_signed_in_turn_are_asked_for(tmp_path: Path) -> None:
    first, second = new_signing_key(), new_signing_key()
    arrived = adapted(foreign(draft(), first)[0], key=second)
    keys = [k.public_key().public_bytes_raw().hex() for k in (first, second)]
    assert list(signers_of(arrived.check_record())) == keys
    sealing = new_sealing_key()
    sealed = seal(sealing.public, arrived.to_bytes(), info=INFO)
    for few in ([], keys[:1], keys[1:]):
        with pytest.raises(ConsentError, match="isn't known here"):
            import_profile(Vault(tmp_path), sealed, sealing, trusted_signers=few)
        assert device_signers().entries() == []
    import_profile(Vault(tmp_path), sealed, sealing, trusted_signers=keys).check_consent()
    assert {e.key for e in device_signers().entries()} == set(keys)
    here = adapted(arrived)
    assert list(here.check_record().earlier_signers) == keys
    for key in keys:
        device_signers().untrust(key)
        with pytest.raises(ConsentError, match="isn't known here"):
            here.check_consent()
        device_signers().trust(key)


def test_nobody_countersigns_what_they_signed_before(tmp_path: Path) -> None:
    key = new_signing_key()
    stranger, public = foreign(draft(), key, purposes=("own-use", "publishing"))
    device_signers().trust(public, "the clinic", PURPOSES)
    mine = adapted(stranger)
    twice = replace(mine, consent=mine.check_record().countersigned_by(key))
    with pytest.raises(ConsentError, match="countersigner"):
        twice.check_consent("publishing")


def test_the_list_of_signers_has_an_end() -> None:
    profile = foreign(draft())[0]
    for _ in range(MOST_SIGNERS):
        profile = adapted(profile, key=new_signing_key())
    with pytest.raises(ConsentError, match="consent renew"):
        adapted(profile, key=new_signing_key())
