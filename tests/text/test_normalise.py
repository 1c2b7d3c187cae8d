"""What written English becomes: one row a case, checked word for word."""

from __future__ import annotations

import pytest

from voicelet.text.cleanup import plain_pieces
from voicelet.text.normalise import Boundary, Scanner
from voicelet.text.words import Mark

CASES = [
    # cardinals and digit strings
    ("0", "zero"),
    ("7 cats", "seven cats"),
    ("21", "twenty one"),
    ("101 dalmatians", "one hundred one dalmatians"),
    ("1,234", "one thousand two hundred thirty four"),
    ("1,000,000", "one million"),
    ("250000 people", "two hundred fifty thousand people"),
    ("007", "zero zero seven"),
    ("12345678901", "one two three four , five six seven eight , nine zero one"),
    ("-5", "minus five"),
    ("−12 degrees", "minus twelve degrees"),
    ("٣ cats", "three cats"),
    ("１２ cats", "twelve cats"),
    # ordinals
    ("1st", "first"),
    ("2nd place", "second place"),
    ("the 23rd", "the twenty third"),
    ("100th", "one hundredth"),
    ("1,000th visitor", "one thousandth visitor"),
    # years and decades
    ("1984", "nineteen eighty four"),
    ("in 2026", "in twenty twenty six"),
    ("in 2005", "in two thousand five"),
    ("since 1905", "since nineteen oh five"),
    ("the year 1066", "the year one thousand sixty six"),
    ("1500 soldiers", "one thousand five hundred soldiers"),
    ("in 1500 ships", "in fifteen hundred ships"),
    ("the 1900s", "the nineteen hundreds"),
    ("the 1980s", "the nineteen eighties"),
    ("the '90s", "the nineties"),
    ("the ’60s", "the sixties"),
    ("class of '05", "class of oh five"),
    ("1939–45", "nineteen thirty nine to forty five"),
    ("1999-2004", "nineteen ninety nine to two thousand four"),
    # decimals and fractions
    ("3.14", "three point one four"),
    ("0.5", "zero point five"),
    (".5", "point five"),
    ("1,234.56", "one thousand two hundred thirty four point five six"),
    ("3/4", "three quarters"),
    ("1/2 cup", "one half cup"),
    ("2/3", "two thirds"),
    ("5/8", "five eighths"),
    ("½", "one half"),
    ("2½ hours", "two and a half hours"),
    ("1 3/4 inches", "one and three quarters inches"),
    ("355/113", "three hundred fifty five over one hundred thirteen"),
    # ranges and scores
    ("10-20", "ten to twenty"),
    ("pp. 3–5", "pages three to five"),
    ("10-20%", "ten to twenty percent"),
    ("won 3-2", "won three to two"),
    ("5 – 10", "five to ten"),
    ("$5-10", "five to ten dollars"),
    ("$5–$10 million", "five to ten million dollars"),
    # money
    ("$1", "one dollar"),
    ("$1.50", "one dollar and fifty cents"),
    ("$20", "twenty dollars"),
    ("$0.99", "ninety nine cents"),
    ("$5.00", "five dollars"),
    ("$1,299.01", "one thousand two hundred ninety nine dollars and one cent"),
    ("£3m", "three million pounds"),
    ("€2.5 billion", "two point five billion euros"),
    ("$5k", "five thousand dollars"),
    ("£1.01", "one pound and one penny"),
    ("-$5", "minus five dollars"),
    ("US$40", "forty ^US dollars"),
    ("50¢", "fifty cents"),
    ("1¢", "one cent"),
    ("100€", "one hundred euros"),
    ("¥500", "five hundred yen"),
    ("20 USD", "twenty ^US dollars"),
    ("EUR 30", "thirty euros"),
    # units
    ("5km", "five kilometers"),
    ("1 km", "one kilometer"),
    ("a 5-km run", "a five kilometer run"),
    ("20 °C", "twenty degrees Celsius"),
    ("72°F", "seventy two degrees Fahrenheit"),
    ("45°", "forty five degrees"),
    ("70 mph", "seventy miles per hour"),
    ("100 km/h", "one hundred kilometers per hour"),
    ("9.8 m/s²", "nine point eight meters per second squared"),
    ("3.5GHz", "three point five gigahertz"),
    ("16GB", "sixteen gigabytes"),
    ("12 m²", "twelve square meters"),
    ("6 ft", "six feet"),
    ("5'11\"", "five feet eleven inches"),
    ("12.5%", "twelve point five percent"),
    ("100 %", "one hundred percent"),
    ("10 lbs", "ten pounds"),
    ("3x faster", "three times faster"),
    # dates
    ("12/25/2024", "December twenty fifth , twenty twenty four"),
    ("25/12/2024", "December twenty fifth , twenty twenty four"),
    ("2024-12-25", "December twenty fifth , twenty twenty four"),
    ("25.12.2024", "December twenty fifth , twenty twenty four"),
    ("Dec. 3rd", "December third"),
    ("Dec 25", "December twenty fifth"),
    ("January 1, 2000", "January first , two thousand"),
    ("March 2021", "March twenty twenty one"),
    ("3 May 1999", "the third of May , nineteen ninety nine"),
    ("the 3rd of May", "the third of May"),
    ("on 4 July", "on the fourth of July"),
    ("Sept. 11, 2001", "September eleventh , two thousand one"),
    ("I may 5 times", "I may five times"),
    # times
    ("3:45pm", "three forty five ^PM"),
    ("3:45 p.m. sharp", "three forty five ^PM sharp"),
    ("at 5 a.m.", "at five ^AM ."),
    ("14:30", "fourteen thirty"),
    ("9:05", "nine oh five"),
    ("7:00", "seven o'clock"),
    ("7 o'clock", "seven o'clock"),
    ("00:15", "zero fifteen"),
    ("10am", "ten ^AM"),
    ("16:9", "sixteen to nine"),
    ("1:02:03", "one hour two minutes three seconds"),
    # telephone numbers
    ("555-0123", "five five five , zero one two three"),
    ("(555) 123-4567", "five five five , one two three , four five six seven"),
    ("1-800-555-0199", "one , eight hundred , five five five , zero one nine nine"),
    (
        "+44 20 7946 0958",
        "plus four four , two zero , seven nine four six , zero nine five eight",
    ),
    ("020 7946 0958", "zero two zero , seven nine four six , zero nine five eight"),
    ("call 911", "call nine one one"),
    (
        "4111 1111 1111 1111",
        "four one one one , " * 1 + "one one one one , " * 2 + "one one one one",
    ),
    # versions and addresses of machines
    ("v2.10.3", "version two point ten point three"),
    ("version 1.2", "version one point two"),
    ("192.168.0.1", "one hundred ninety two dot one hundred sixty eight dot zero dot one"),
    # Roman numerals
    ("Henry VIII", "Henry the eighth"),
    ("Louis XIV ruled", "Louis the fourteenth ruled"),
    ("Chapter IV", "Chapter four"),
    ("World War II", "World War two"),
    ("Part I", "Part one"),
    ("Act III, Scene II", "Act three , Scene two"),
    ("Rocky IV", "Rocky four"),
    ("Henry I of England", "Henry the first of England"),
    ("Henry, I think", "Henry , I think"),
    ("XVIth century", "sixteenth century"),
    ("I am", "I am"),
    # mathematics
    ("3 + 4 = 7", "three plus four equals seven"),
    ("2 × 3", "two times three"),
    ("10 ÷ 2", "ten divided by two"),
    ("x = 5", "^x equals five"),
    ("3 < 4", "three is less than four"),
    ("5 ≥ 2", "five is at least two"),
    ("10^6", "ten to the six"),
    ("10⁻⁹", "ten to the minus nine"),
    ("4²", "four squared"),
    ("±3", "plus or minus three"),
    ("6.02e23", "six point zero two times ten to the twenty three"),
    ("π", "pi"),
    # fixed expressions
    ("24/7", "twenty four seven"),
    ("9/11", "nine eleven"),
    ("#1", "number one"),
    ("No. 5", "number five"),
    ("Fig. 3", "figure three"),
    ("room 1408", "room fourteen oh eight"),
    ("R&D", "^R and ^D"),
    ("AT&T", "^AT and ^T"),
    ("salt & pepper", "salt and pepper"),
    ("and/or", "and or"),
    ("C++", "^C plus plus"),
    # the net
    ("john.doe@example.com", "john dot doe at example dot com"),
    ("https://www.example.com/a", "example dot com slash a"),
    ("www.bbc.co.uk", "^BBC dot co dot uk"),
    ("See example.org.", "See example dot org ."),
    ("report.pdf", "report dot ^PDF"),
    ("my_file.txt", "my underscore file dot ^TXT"),
    ("@some_handle", "at some handle"),
    ("#NoMoreWar", "hashtag No More War"),
    ("/usr/local/bin", "slash usr slash local slash bin"),
    # acronyms and capitals
    ("The FBI", "The ^FBI"),
    ("NASA said", "Nasa said"),
    ("two CDs", "two ^CDs"),
    ("the FBI's files", "the ^FBI's files"),
    ("U.S. policy", "^US policy"),
    ("a PhD", "a ^PHD"),
    ("I said STOP", "I said stop"),
    ("an MP3 player", "an ^MP three player"),
    ("COVID-19", "Covid nineteen"),
    ("a T-shirt", "a ^T shirt"),
    ("an e-mail", "an ^E mail"),
    ("vitamin C", "vitamin ^C"),
    ("NOBODY LEAVES THIS ROOM ALIVE", "nobody leaves this room alive"),
    # abbreviations
    ("Dr. Smith", "Doctor Smith"),
    ("Mr. and Mrs. Brown", "Mister and Missus Brown"),
    ("St. Paul", "Saint Paul"),
    ("10 Main St.", "ten Main Street ."),
    ("Main St. in town", "Main Street in town"),
    ("Mt. Everest", "Mount Everest"),
    ("cats, dogs, etc. were there", "cats , dogs , et cetera were there"),
    ("e.g. this", "for example this"),
    ("i.e. that", "that is that"),
    ("Acme Inc. was sued", "Acme Incorporated was sued"),
    ("Apple vs. Google", "Apple versus Google"),
    ("J. R. R. Tolkien", "^J ^R ^R Tolkien"),
    ("Prof. Jones", "Professor Jones"),
    ("Lt. Col. Blake", "Lieutenant Colonel Blake"),
    ("approx. 5 items", "approximately five items"),
    ("Martin Luther King Jr. spoke", "Martin Luther King Junior spoke"),
    # sentences that abbreviations end, or don't
    ("He left at 5 p.m. The end.", "He left at five ^PM . The end ."),
    ("in Washington D.C. on Jan. 3rd.", "in Washington ^DC on January third ."),
    ("I like tea. No. Never.", "I like tea . No . Never ."),
    # punctuation and signs
    ("Well... no", "Well … no"),
    ("What?!?!", "What ?"),
    ("Stop!!!", "Stop !"),
    ("a - b", "a — ^b"),
    ("yes—no", "yes — no"),
    ("well-known", "well known"),
    ("“quoted”", '" quoted "'),
    ("‘single’ quotes", "single quotes"),
    ("don’t", "don't"),
    ("rock 'n' roll", "rock 'n roll"),
    ("'tis", "'tis"),
    ("[sic]", "( sic )"),
    ("*bold* _under_", "bold under"),
    ("=====", ""),
    # Unicode
    ("ﬁne", "fine"),
    ("𝐇𝐞𝐥𝐥𝐨", "Hello"),
    ("zero\u200bwidth", "zerowidth"),
    ("nul\x00l", "null"),
    ("cafe\u0301", "café"),
    ("I ❤ you", "I red heart you"),
    ("wow 😂😂😂", "wow face with tears of joy"),
    ("👍🏽", "thumbs up"),
    ("🇺🇸", "flag ^US"),
    ("你好", "Chinese characters"),
    ("©2024", "copyright twenty twenty four"),
]


def say(text: str) -> str:
    """Words, marks as they are, "^" before what is spelled."""
    out = []
    for item in Scanner(plain_pieces(text)).items():
        if isinstance(item, Boundary):
            out.append(f"<{item.kind}>")
        elif isinstance(item, Mark):
            out.append(item.text)
        else:
            out.append("^" * item.spell + item.text)
    return " ".join(out)


@pytest.mark.parametrize(("written", "said"), CASES, ids=[c[0][:40] for c in CASES])
def test_case(written: str, said: str) -> None:
    assert say(written) == said


def test_there_are_many_cases() -> None:
    assert len({written for written, _ in CASES}) >= 150
