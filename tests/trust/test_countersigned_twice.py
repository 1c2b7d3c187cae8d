"""A consent in writing that one hand signed twice."""

from __future__ import annotations

import dataclasses

import pytest

from tests.consenting import someone
from voicelet.errors import ConsentError
from voicelet.trust.consent.record import COUNTERSIGN_CONTEXT, PURPOSES
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys import seal


def test_nobody_countersigns_their_own_record() -> None:
    profile, clinic, other = someone(), seal.new_signing_key(), seal.new_signing_key()
    assert profile.consent is not None
    asked = dataclasses.replace(profile.consent, purposes=("own-use", "publishing"))
    record = asked.signed_by(clinic)
    for key in (clinic, other):
        device_signers().trust(key.public_key().public_bytes_raw().hex(), "", PURPOSES)
    twice = dataclasses.replace(
        record,
        countersigner=record.device,
        countersignature=seal.sign(clinic, COUNTERSIGN_CONTEXT, record._countersigned()).hex(),
    )
    twice.verify()  # it is sound; it just isn't two people's
    with pytest.raises(ConsentError, match="countersigner"):
        dataclasses.replace(profile, consent=twice).check_consent("publishing")
    by_two = record.countersigned_by(other)
    dataclasses.replace(profile, consent=by_two).check_consent("publishing")
