"""Few-shot adaptation of the default voice to one person, on the device (`voicelet adapt`)."""
