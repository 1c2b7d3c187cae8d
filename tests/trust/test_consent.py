"""Consent records: what can be stated, and that nothing in a record can change unseen."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import AudioError, ConsentEndedError, ConsentError, VoiceletError
from voicelet.trust.consent.record import covers, to_iso
from voicelet.trust.consent.statement import (
    PURPOSES,
    Consent,
    ConsentRecord,
    SpokenConsent,
    make_record,
    require_consent,
)
from voicelet.trust.keys.device_key import device_key, device_public_key
from voicelet.trust.keys.seal import new_signing_key

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
VOICE = "ab" * 32
WHY = "signed form 118"


@dataclasses.dataclass(frozen=True)
class Said:
    text: str = (
        "Today is November 23rd, 2026, and I let Voicelet learn my voice: harbour, onion, velvet,"
        " lantern, copper and meadow."
    )


def consent(**changes: object) -> Consent:
    return Consent.scripted("Ana Silva", WHY, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> ConsentRecord:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        given = consent(purposes=("publishing", "own-use"), expires=date(2200, 1, 31), scope="é")
        return make_record(given, VOICE, NOW)


def test_a_record_holds_what_was_stated(record: ConsentRecord) -> None:
    assert record.speaker == record.given_by == "Ana Silva"
    assert record.purposes == ("own-use", "publishing")
    assert (record.method, record.reason, record.sentence) == ("scripted", WHY, "")
    assert (record.created, record.expires) == ("2026-11-23T12:00:00Z", "2200-01-31T23:59:59Z")
    record.verify(VOICE)
    with pytest.raises(ConsentError, match="another voice's"):
        record.verify("cd" * 32)
    assert ConsentRecord.from_bytes(record.to_bytes()) == record
    assert ConsentRecord.from_dict(json.loads(json.dumps(record.to_dict()))) == record
    assert record.signature not in repr(record)


def test_this_device_signs() -> None:
    first, second = (make_record(consent(), VOICE) for _ in range(2))
    assert first.device == second.device == device_public_key().hex()
    assert first.id != second.id
    assert first.expires is None and first.days_left() is None


def test_a_spoken_one_holds_sentence_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    path.write_bytes(b"RIFF")
    spoken = SpokenConsent(path, Said())
    made = make_record(Consent("Ana", spoken, given_by="Rui"), VOICE, NOW)
    assert (made.method, made.sentence, made.given_by) == ("spoken", Said.text, "Rui")
    same = (b"RIFF", bytearray(b"RIFF"), str(path), io.BytesIO(b"RIFF"))
    assert {SpokenConsent(r, Said()).sha256() for r in same} == {made.audio_sha256}  # type: ignore[arg-type]
    samples = np.arange(5, dtype=np.int16)
    hashes = {SpokenConsent((samples, rate), Said()).sha256() for rate in (16000, 24000, 16000)}
    assert len(hashes) == 2
    with pytest.raises(AudioError, match="'gone.wav'"):
        SpokenConsent(tmp_path / "gone.wav", Said()).sha256()
    with pytest.raises(ConsentError, match="sentence"):
        SpokenConsent(path, "words")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"speaker": ""}, "empty"),
        ({"speaker": "a\nb"}, "invisible"),
        ({"speaker": "a\ud800"}, "invisible"),
        ({"speaker": 7}, "text"),
        ({"reason": " "}, "nobody has agreed"),
        ({"reason": "x" * 501}, "longer"),
        ({"purposes": ()}, "purpose"),
        ({"purposes": "publish"}, "did you mean 'publishing'"),
        ({"purposes": 3}, "list"),
        ({"expires": "2001-01-01"}, "past"),
        ({"expires": "soon"}, "2027-01-31"),
        ({"expires": 5}, "no day"),
        ({"spoken": object()}, "SpokenConsent"),
        ({"spoken": SpokenConsent(b"", Said())}, "no reason"),
    ],
)
def test_impossible_statements(wrong: dict[str, object], match: str) -> None:
    with pytest.raises(ConsentError, match=match):
        Consent(**{"speaker": "Ana", "reason": WHY, **wrong})  # type: ignore[arg-type]


def test_nobody_agreed() -> None:
    with pytest.raises(ConsentError, match=r"Consent\.scripted"):
        Consent("Ana")
    for nothing in (None, "yes", {"speaker": "Ana"}):
        with pytest.raises(ConsentError, match=r"Consent\.scripted"):
            require_consent(nothing)


def test_purposes_are_covered_or_not(record: ConsentRecord) -> None:
    for purpose in ("own-use", "assistive"):
        record.check(purpose, NOW)
    with pytest.raises(ConsentError, match="only written down"):
        record.check("publishing", NOW)
    for purpose in ("research", "federation"):
        with pytest.raises(ConsentError, match=f"not to {purpose}"):
            record.check(purpose, NOW)
    with pytest.raises(ConsentError, match="did you mean 'own-use'"):
        record.check("ownuse", NOW)
    assert covers(["assistive"], "own-use")  # an aid is its owner's own use
    assert not covers(["publishing"], "own-use") and not covers(["own-use"], "publishing")
    assert not any(covers([p], "publishing") for p in PURPOSES if p != "publishing")


def test_expiry_to_the_second() -> None:
    end = datetime(2200, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    made = make_record(consent(expires=end), VOICE, NOW)
    assert made.expires == to_iso(end) == "2200-01-01T10:00:00Z"
    made.check("own-use", end - timedelta(seconds=1))
    with pytest.raises(ConsentEndedError, match="2200-01-01"):
        made.check("own-use", end)
    assert made.days_left(end - timedelta(days=2)) == pytest.approx(2.0)
    assert made.days_left(end + timedelta(days=1)) == pytest.approx(-1.0)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_any_changed_byte_is_found(record: ConsentRecord, data: st.DataObject) -> None:
    raw = bytearray(record.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConsentError):
        ConsentRecord.from_bytes(bytes(raw)).verify(VOICE)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 5000), st.integers(0, 5000))
def test_cut_and_reordered_records_are_found(record: ConsentRecord, a: int, b: int) -> None:
    raw = record.to_bytes()
    a, b = a % len(raw), b % len(raw)
    for other in (raw[:a], raw[a:] + raw[:a], raw[: min(a, b)] + raw[max(a, b) :], raw + raw[a:]):
        if other != raw:
            with pytest.raises(ConsentError):
                ConsentRecord.from_bytes(other).verify(VOICE)


CHANGES = {
    "id": "0" * 32,
    "speaker": "Eve",
    "given_by": "Eve",
    "purposes": ["own-use", "publishing", "research"],
    "scope": "",
    "created": "2026-11-23T12:00:01Z",
    "expires": None,
    "reason": "no reason",
    "voice_sha256": "cd" * 32,
    "device": "00" * 32,
    "signature": "00" * 64,
}


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_is_signed(record: ConsentRecord, field: str) -> None:
    assert record.to_dict()[field] != CHANGES[field]
    forged = ConsentRecord.from_dict({**record.to_dict(), field: CHANGES[field]})
    with pytest.raises(ConsentError, match="changed since it was signed"):
        forged.verify()


def test_a_signature_for_another_purpose_is_worth_nothing(record: ConsentRecord) -> None:
    from voicelet.trust.keys import seal

    key = new_signing_key()
    public = key.public_key().public_bytes_raw().hex()
    stolen = dataclasses.replace(record, device=public)
    signature = seal.sign(key, "voicelet-other-1", stolen._signed()).hex()
    with pytest.raises(ConsentError):
        dataclasses.replace(stolen, signature=signature).verify()
    record.signed_by(key).verify(VOICE)  # another device may sign, and is named


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), value=json_values)
def test_impossible_values_are_consent_errors(
    record: ConsentRecord, data: st.DataObject, value: object
) -> None:
    field = data.draw(st.sampled_from([*record.to_dict(), "extra"]))
    changed = {**record.to_dict(), field: value}
    if changed == record.to_dict():
        return
    with pytest.raises(ConsentError):
        ConsentRecord.from_dict(changed).verify(VOICE)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()))
def test_garbage_is_no_record(raw: bytes) -> None:
    with pytest.raises(ConsentError):
        ConsentRecord.from_bytes(raw)
    with pytest.raises(ConsentError):
        ConsentRecord.from_bytes(b"[" * 50_000 + raw)


def test_missing_fields_and_newer_versions(record: ConsentRecord) -> None:
    following = record.following(["ab" * 16], device_key())
    for each in (record, following):
        for field in each.to_dict():
            if field != "version":  # without one it is none that is known
                less = {k: v for k, v in each.to_dict().items() if k != field}
                with pytest.raises(ConsentError, match=field):
                    ConsentRecord.from_dict(less)
    with pytest.raises(ConsentError, match="update voicelet"):
        ConsentRecord.from_dict({**record.to_dict(), "version": 4})


def test_a_record_names_what_it_follows_under_its_signature(record: ConsentRecord) -> None:
    assert record.version == 2 and not {"replaces", "earlier_signers"} & set(record.to_dict())
    first, second = "ab" * 16, "cd" * 16
    following = record.following([first, second, first], device_key())
    assert following.version == 3 and following.replaces == (first, second)
    following.verify(record.voice_sha256)
    assert ConsentRecord.from_bytes(following.to_bytes()) == following
    for changes in ({"replaces": (first,)}, {"replaces": (), "version": 2}):
        with pytest.raises(ConsentError, match="changed since"):
            dataclasses.replace(following, **changes).verify()  # type: ignore[arg-type]
    for impossible in (
        {"replaces": ()},
        {"version": 2},
        {"replaces": (first, first)},
        {"replaces": (record.id,)},
        {"replaces": ("AB" * 16,)},
        {"replaces": tuple(f"{n:032x}" for n in range(257))},
        {"earlier_signers": (following.device,)},
    ):
        with pytest.raises(ConsentError):
            dataclasses.replace(following, **impossible)  # type: ignore[arg-type]
    many = record.following([f"{n:032x}" for n in range(300)], device_key())
    assert len(many.replaces) == 256 and many.replaces[-1] == f"{299:032x}"
    assert len(many.to_bytes()) < 1 << 16


def test_too_long_a_record_is_none() -> None:
    with pytest.raises(ConsentError):
        ConsentRecord.from_bytes(b"x" * (1 << 17))


@settings(deadline=None, max_examples=150)
@given(
    speaker=st.text(max_size=20),
    why=st.text(max_size=20),
    scope=st.text(max_size=20),
    purposes=st.lists(st.sampled_from(PURPOSES), max_size=5),
    expires=st.none() | st.dates() | st.datetimes() | st.text(max_size=12),
)
def test_whatever_is_stated_is_refused_or_survives(
    speaker: str, why: str, scope: str, purposes: list[str], expires: object
) -> None:
    try:
        stated = Consent.scripted(
            speaker,
            why,
            scope=scope,
            purposes=purposes,
            expires=expires,  # type: ignore[arg-type]
        )
    except VoiceletError as error:
        assert isinstance(error, ConsentError)
        return
    made = make_record(stated, VOICE, NOW - timedelta(days=365_0))
    again = ConsentRecord.from_bytes(made.to_bytes())
    again.verify(VOICE)
    assert again == made
