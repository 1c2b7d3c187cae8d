"""Training of the teacher models."""
