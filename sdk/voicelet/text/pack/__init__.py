"""The language pack: a folder of data that makes a language (docs/reference/language-packs.md)."""
