"""Training: loops that go on where they were cut off, one module a task."""
