"""Which symbol has which id in a public VITS."""

from __future__ import annotations

from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.models.teachers.symbols import SymbolTable

# The order of the authors' 178 symbols (LJ Speech and VCTK models): pad, punctuation, letters, IPA.
_PUNCTUATION = ';:,.!?¡¿—…"«»“” '
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IPA = (
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑ"
    "ʼʴʰʱʲʷˠˤ˞↓↑→↗↘'̩'ᵻ"
)


def official_symbols(config: dict[str, Any], n_symbols: int) -> SymbolTable:
    """The authors' symbols.

    Raises:
        ConfigError: the model has another number of them.
    """
    symbols = "_" + _PUNCTUATION + _LETTERS + _IPA
    if n_symbols != len(symbols):
        raise ConfigError(
            f"the model knows {n_symbols} symbols, not the authors' {len(symbols)}; give "
            "--symbols, a JSON of symbol to id"
        )
    blank = 0 if config["data"].get("add_blank", True) else None
    table: dict[str, tuple[int, ...]] = {}
    for index, symbol in enumerate(symbols):  # of the doubled quote the latter counts
        table[symbol] = (index,)
    return SymbolTable("ipa", {k: v for k, v in table.items() if k != "_"}, blank)


def coqui_symbols(config: dict[str, Any]) -> SymbolTable:
    """The symbols of a Coqui configuration, in the order in which its tokenizer numbers them.

    Raises:
        ConfigError: they aren't there.
    """
    given = config.get("characters")
    if not isinstance(given, dict):
        raise ConfigError("no `characters` in the configuration; give --symbols")
    parts = {k: given.get(k) or "" for k in ("pad", "eos", "bos", "blank", "punctuations")}
    letters, phonemes = given.get("characters") or "", given.get("phonemes") or ""
    if not all(isinstance(v, str) for v in (*parts.values(), letters, phonemes)):
        raise ConfigError("`characters` must hold strings; give --symbols")
    kind = str(given.get("characters_class") or "")
    if kind.endswith("VitsCharacters"):
        blank = "<BLNK>"
        vocabulary = [parts["pad"], *parts["punctuations"], *letters, *phonemes, blank]
    else:
        inner = list(phonemes or letters)
        if given.get("is_unique", True):
            inner = list(dict.fromkeys(inner))
        if given.get("is_sorted", True):
            inner.sort()
        blank = parts["blank"]
        ends = [p for p in (parts["pad"], parts["eos"], parts["bos"], blank) if p]
        vocabulary = [*ends, *inner, *parts["punctuations"]]
    table: dict[str, tuple[int, ...]] = {
        symbol: (index,) for index, symbol in enumerate(vocabulary)
    }
    between: int | None = None
    if config.get("add_blank", True):
        between = table[blank][0] if blank else table[parts["pad"]][0]
    spoken = {s: ids for s, ids in table.items() if len(s) == 1 and s not in "_^$"}
    if not spoken:
        raise ConfigError("`characters` holds no symbols; give --symbols")
    return SymbolTable("ipa", spoken, between)
