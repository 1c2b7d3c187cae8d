"""The languages that voicelet reads, a package each; `voicelet.text.language` lists them."""
