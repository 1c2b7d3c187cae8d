"""From recordings to a profile: the gate, consent while enrolling, enrolment itself."""
