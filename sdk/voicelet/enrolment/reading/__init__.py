"""What a person reads, repeats or names when a voice is recorded."""
