"""Who speaks: d-vectors, the speaker vector, voice match, alignment, where a recording is from."""
