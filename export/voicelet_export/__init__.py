"""The server side of voicelet: corpora, teachers, training, compression, bundles."""
