"""What makes speech accountable: keys, consent records, the audit log, watermarks, labels."""
