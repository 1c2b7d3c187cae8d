"""A module of speech-dispatcher: Orca and spd-say speak with the voice."""
