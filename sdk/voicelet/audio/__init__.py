"""Audio in and out: files, resampling, features, f0, voice activity."""
