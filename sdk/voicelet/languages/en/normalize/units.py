"""Numbers with a unit: "5km", "20 °C", "70 mph", "3.5GHz", "12%"."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule, word_set

_REGULAR = {
    "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "nm": "nanometer",
    "μm": "micrometer", "µm": "micrometer", "mi": "mile", "yd": "yard", "yds": "yard",
    "kg": "kilogram", "mg": "milligram", "μg": "microgram", "µg": "microgram", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "ml": "milliliter", "mL": "milliliter", "cl": "centiliter",
    "dl": "deciliter", "gal": "gallon", "qt": "quart", "pt": "pint", "tsp": "teaspoon",
    "tbsp": "tablespoon", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute",
    "sec": "second", "secs": "second", "ms": "millisecond", "μs": "microsecond",
    "µs": "microsecond", "ns": "nanosecond", "kB": "kilobyte", "KB": "kilobyte",
    "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte", "Mb": "megabit",
    "Gb": "gigabit", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt", "kV": "kilovolt",
    "mV": "millivolt", "mA": "milliamp", "mAh": "milliamp hour", "kWh": "kilowatt hour",
    "Wh": "watt hour", "kcal": "kilocalorie", "kJ": "kilojoule", "dB": "decibel",
    "kPa": "kilopascal", "hPa": "hectopascal", "psi": "^PSI", "px": "pixel", "MP": "megapixel",
    "fps": "frame per second", "rpm": "^RPM", "bpm": "beat per minute", "dpi": "^DPI",
    "ppm": "part per million", "acre": "acre", "ha": "hectare", "ft": "foot",
    "kn": "knot", "Ω": "ohm", "kΩ": "kiloohm", "Mbps": "megabit per second",
    "Gbps": "gigabit per second", "kbps": "kilobit per second", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "THz": "terahertz", "mph": "mile per hour",
    "kph": "kilometer per hour", "kmh": "kilometer per hour", "sq ft": "square foot",
    "sq mi": "square mile", "sq km": "square kilometer", "°C": "degree Celsius",
    "°F": "degree Fahrenheit", "°": "degree", "%": "percent", "‰": "per mille",
}  # fmt: skip
_ATTACHED = {
    "m": "meter", "g": "gram", "l": "liter", "L": "liter", "s": "second", "h": "hour", "W": "watt",
    "V": "volt", "in": "inch", "x": "times", "d": "day", "K": "^K", "k": "^K", "p": "^P",
}  # fmt: skip
"""Letters that are units only where they touch the number or are followed by an exponent."""

_PER = {"h": "hour", "hr": "hour", "s": "second", "sec": "second", "min": "minute", "day": "day",
        "week": "week", "month": "month", "year": "year", "yr": "year", "kg": "kilogram",
        "l": "liter", "L": "liter", "ml": "milliliter", "m": "meter", "km": "kilometer",
        "lb": "pound", "gal": "gallon", "mi": "mile", "person": "person"}  # fmt: skip
_POWERS = {"²": "square ", "³": "cubic ", "^2": "square ", "^3": "cubic "}
_AMOUNTS = word_set("dollar dollars cent cents pound pounds pence euro euros yen")
SYMBOLS = frozenset(_REGULAR)
"""Every symbol of a unit that may stand apart from its number."""

_UNCHANGED = ("hertz", "Celsius", "Fahrenheit", "percent", "mille", "times")


def _alternatives(names: dict[str, str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_NUMBER = r"([0-9]{1,3}(?:,[0-9]{3}){1,6}(?:\.[0-9]{1,20})?|[0-9]{1,24}(?:\.[0-9]{1,20})?)"
_UNIT = (
    r"(?:(?P<sep>[ -]?)(?P<unit>" + _alternatives(_REGULAR) + r")|(?P<glued>"
    + _alternatives(_ATTACHED) + r")|[ -]?(?P<spaced>m|g|l|L|h|s)(?=[²³/]))"
    r"(?P<power>[²³]|\^[23])?(?:/(?P<per>" + _alternatives(_PER) + r"))?(?P<cubed>[²³])?"
    r"(?![A-Za-z0-9'])"
)  # fmt: skip


def plural(unit: str) -> str:
    """The plural of a unit's name: "miles per hour", "square feet", "hertz"."""
    head, joint, tail = unit.partition(" per ")
    if head.startswith("degree "):
        return "degrees" + head[6:] + joint + tail
    if head.endswith(_UNCHANGED) or head.startswith("^"):
        return unit
    if head.endswith("foot"):
        head = head[:-4] + "feet"
    else:
        head += "es" if head.endswith("inch") else "s"
    return head + joint + tail


@rule(_NUMBER + _UNIT)
def measure(m: re.Match[str], context: RuleContext) -> str | None:
    symbol = m["unit"] or m["glued"] or m["spaced"]
    if m["glued"] == "m" and context.previous.lower() in ("dollars", "pounds", "euros"):
        return f"{numbers.number(m[1])} million"
    name = {**_ATTACHED, **_REGULAR}[symbol]
    if m["power"]:
        name = _POWERS[m["power"]] + name
    said = numbers.number(m[1])
    # "a 5-km run" takes the singular; "%" has none.
    if said != "one" and m["sep"] != "-":
        name = plural(name)
    if m["per"]:
        name += f" per {_PER[m['per']]}" + (" squared" if m["cubed"] == "²" else "")
    return f"{said} {name}"


@rule(r"([0-9]{1,2})'\s?([0-9]{1,2})(?:\"|'')")
def feet_and_inches(m: re.Match[str], context: RuleContext) -> str | None:
    feet = "foot" if m[1] == "1" else "feet"
    inches = "inch" if m[2] == "1" else "inches"
    return f"{numbers.cardinal(int(m[1]))} {feet} {numbers.cardinal(int(m[2]))} {inches}"


@rule(r"°([CF])\b")
def degrees(m: re.Match[str], context: RuleContext) -> str | None:
    return "degrees " + ("Celsius" if m[1] == "C" else "Fahrenheit")


_BARE = r"(km|cm|mm|mi|ft|m)([²³])(?![A-Za-z0-9])"


@rule(_BARE)
def bare_power(m: re.Match[str], context: RuleContext) -> str | None:
    """ "km²" with no number before it."""
    name = {**_ATTACHED, **_REGULAR}[m[1]]
    return _POWERS[m[2]] + plural(name)


@rule(r"(?<=[0-9¼-¾⅐-⅞] )(" + _alternatives(_REGULAR) + r")\b(?![°%])")
def after_fraction(m: re.Match[str], context: RuleContext) -> str | None:
    """ "1/4 tsp", "2 1/2 lb": one and more take the plural."""
    before = context.text[max(0, m.start() - 12) : m.start()]
    if re.search(r"[0-9] ?(?:[0-9]+/[0-9]+|[¼-¾⅐-⅞]) $", before):
        return plural(_REGULAR[m[1]])
    return _REGULAR[m[1]] if re.search(r"(?:/[0-9]+|[¼-¾⅐-⅞]) $", before) else None


@rule(r"/ ?(" + _alternatives(_PER) + r"|night|unit|mo|wk|oz)\b")
def per(m: re.Match[str], context: RuleContext) -> str | None:
    """ "$20/hour", "$6,250/month"."""
    if not re.search(r"[0-9A-Za-z] ?$", context.text[max(0, m.start() - 2) : m.start()]):
        return None
    if context.previous.lower() not in _AMOUNTS:
        return None
    names = {**_PER, "mo": "month", "wk": "week", "oz": "ounce"}
    return "per " + names.get(m[1], m[1])


DIGIT_RULES: tuple[Rule, ...] = (feet_and_inches, measure)
LETTER_RULES: tuple[Rule, ...] = (bare_power, after_fraction)
SYMBOL_RULES: tuple[Rule, ...] = (degrees, per)
