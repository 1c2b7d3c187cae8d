"""The default kind of voice: FastSpeech 2 makes frames, a source-filter vocoder makes samples."""
