"""What is kept of a person: the profile, its file, its vault, and lists of protected voices."""
