"""SSML: every element does what it says, and nothing in it can do harm."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import PhoneError, SsmlError, VoiceletError
from voicelet.text.front_end import clauses
from voicelet.text.language import Pauses
from voicelet.text.ssml import MAX_DEPTH, SayEvent, TextEvent, looks_like_ssml, parse
from voicelet.text.words import Clause, InnerMark, Word

PAUSES = Pauses()


def read(body: str) -> list[Clause]:
    return list(clauses(f"<speak>{body}</speak>"))


def said(body: str) -> str:
    return " | ".join(" ".join(t.text for t in c.tokens) for c in read(body))


def words(body: str) -> list[Word]:
    return [t for c in read(body) for t in c.tokens if isinstance(t, Word)]


def test_text_and_entities_are_read_as_one() -> None:
    assert (
        said("Tom &amp; Jerry cost &#36;5 &lt;now&gt;") == "Tom and Jerry cost five dollars now ."
    )


def test_auto_only_takes_documents() -> None:
    assert looks_like_ssml(' \n<?xml version="1.0"?>\n<speak>a</speak>')
    assert not looks_like_ssml("I <speak> up")
    assert not looks_like_ssml("<speaker>")
    plain = [t.text for c in clauses("a <b> c") for t in c.tokens if isinstance(t, Word)]
    assert plain == ["a", "b", "c"]
    assert list(clauses("<speak>hi</speak>", ssml=False)) != list(clauses("<speak>hi</speak>"))


def test_a_fragment_needs_no_speak() -> None:
    found = list(clauses('Hello <break time="1s"/> you', ssml=True))
    assert [c.pause_after_ms for c in found] == [1000, 0]
    assert found[1].tokens[0].span == (25, 28)  # type: ignore[union-attr]


def test_breaks() -> None:
    assert [c.pause_after_ms for c in read("a<break time='500ms'/>b<break time='1.5s'/>c")] == [
        500,
        1500,
        0,
    ]
    assert read("a.<break strength='x-strong'/>b")[0].pause_after_ms == 1000
    assert read("a. <break strength='none'/> b")[0].pause_after_ms == 0
    assert read("a<break time='9999999s'/>b")[0].pause_after_ms == 10_000
    lead = read("<break time='2s'/>hello")
    assert lead[0].tokens == () and lead[0].pause_after_ms == 2000
    assert read("<s>a</s><break time='1s'/><s>b</s>")[0].pause_after_ms == 1000


def test_paragraphs_and_sentences() -> None:
    found = read("<p><s>One</s><s>Two</s></p><p>Three</p>")
    assert [c.pause_after_ms for c in found] == [PAUSES.sentence_ms, PAUSES.paragraph_ms, 0]
    assert all(c.sentence_end for c in found)


def test_prosody() -> None:
    inner = "<prosody rate='200%'>c</prosody>"
    body = f"a <prosody rate='80%' pitch='+2st' volume='+6dB'>b {inner}</prosody> d"
    a, b, c, d = (clause.prosody for clause in read(body))
    assert a == d == type(a)()
    assert (b.speed, b.pitch_semitones) == (0.8, 2.0)
    assert b.energy == pytest.approx(1.995, abs=1e-3)
    assert (c.speed, c.pitch_semitones) == (1.6, 2.0)


@pytest.mark.parametrize(
    ("attributes", "field", "value"),
    [
        ("rate='slow'", "speed", 0.75),
        ("rate='+20%'", "speed", 1.2),
        ("rate='1.5'", "speed", 1.5),
        ("rate='900%'", "speed", 3.0),
        ("pitch='high'", "pitch_semitones", 3.0),
        ("pitch='-3st'", "pitch_semitones", -3.0),
        ("pitch='+100%'", "pitch_semitones", 12.0),
        ("pitch='-50%'", "pitch_semitones", -12.0),
        ("volume='silent'", "energy", 0.0),
        ("volume='-6dB'", "energy", 0.501),
        ("volume='50'", "energy", 0.5),
        ("volume='x-loud'", "energy", 2.0),
        ("range='high' contour='(0%,+20Hz)'", "speed", 1.0),
    ],
)
def test_prosody_values(attributes: str, field: str, value: float) -> None:
    prosody = read(f"<prosody {attributes}>a word</prosody>")[0].prosody
    assert getattr(prosody, field) == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(
    ("interpret", "text", "expected"),
    [
        ("characters", "AB1", "A B one"),
        ("spell-out", "cat", "C A T"),
        ("cardinal", "1984", "one thousand nine hundred eighty four"),
        ("cardinal", "-7", "minus seven"),
        ("ordinal", "21", "twenty first"),
        ("digits", "1234", "one two three four"),
        ("telephone", "5550123", "five five five zero one two three"),
        ("fraction", "3/4", "three quarters"),
        ("fraction", "1 1/2", "one and a half"),
        ("time", "2:05pm", "two oh five PM"),
        ("currency", "$3.20", "three dollars and twenty cents"),
        ("date", "2024-05-06", "May sixth , twenty twenty four"),
        ("unheard-of", "NASA 5", "Nasa five"),
        ("cardinal", "many", "many"),
    ],
)
def test_say_as(interpret: str, text: str, expected: str) -> None:
    assert said(f"<say-as interpret-as='{interpret}'>{text}</say-as>") == expected + " ."


def test_say_as_date_formats() -> None:
    assert said("<say-as interpret-as='date' format='dmy'>6/5/2024</say-as>").startswith(
        "May sixth"
    )
    assert said("<say-as interpret-as='date' format='md'>6/5</say-as>") == "June fifth ."
    assert said("<say-as interpret-as='date' format='y'>1984</say-as>") == "nineteen eighty four ."


def test_sub_and_phoneme_keep_the_span_of_what_they_replace() -> None:
    text = "<speak>The <sub alias='World Wide Web'>WWW</sub></speak>"
    found = [t for c in clauses(text) for t in c.tokens if isinstance(t, Word)]
    assert [w.text for w in found] == ["The", "World", "Wide", "Web"]
    assert all(text[slice(*w.span)] == "WWW" for w in found[1:])
    (word,) = words("<phoneme alphabet='ipa' ph='təˈmeɪtoʊ'>tomato</phoneme>")
    assert (word.phones, word.text) == ("təˈmAtO", "tomato")
    assert words("<phoneme alphabet='x-voicelet' ph='həlˈO'>hi</phoneme>")[0].phones == "həlˈO"


def test_emphasis_and_marks() -> None:
    assert [w.emphasis for w in words("a <emphasis level='strong'>big</emphasis> dog")] == [
        "none",
        "strong",
        "none",
    ]
    found = read("<mark name='a'/>one <mark name='b'/> two. <mark name='c'/>Three<mark name='d'/>")
    assert [c.marks for c in found] == [("a",), ("c",), ("d",)]
    assert [c.inner_marks for c in found] == [(InnerMark("b", 1),), (), ()]
    assert found[-1].tokens == ()


def test_marks_change_nothing_else() -> None:
    """Neither rules that look ahead nor clauses, nor a word that a mark stands in."""
    body = "Dr. Smith paid $5 on Jan. 3rd, in St. Ives (or so), said the unhappy ones at 5 km."
    plain = read(body)
    for marked in (
        " ".join(f"<mark name='m'/>{w}" for w in body.split()),
        " ".join(f"{w}<mark name='m'/>" for w in body.split()),
        body.replace("unhappy", "un<mark name='m'/>happy"),
    ):
        found = [c for c in read(marked) if c.tokens]
        assert [[t.text for t in c.tokens] for c in found] == [
            [t.text for t in c.tokens] for c in plain
        ]
        assert [c.pause_after_ms for c in found] == [c.pause_after_ms for c in plain]
    long = " ".join(f"<mark name='{i}'/>word" for i in range(300))
    names = [n for c in read(long) for n in (*c.marks, *(m.name for m in c.inner_marks))]
    assert names == [str(i) for i in range(300)]


def test_marks_keep_their_place_among_breaks() -> None:
    found = read("<break time='1s'/><mark name='a'/>one<mark name='b'/><break time='2s'/>two")
    assert [(c.marks, c.pause_after_ms) for c in found] == [((), 1000), (("a",), 2000), ((), 0)]
    assert found[1].inner_marks == (InnerMark("b", 1),)


def test_languages_are_inherited() -> None:
    events = parse(
        "<speak xml:lang='en-US'>a <p xml:lang='fr'>b <lang xml:lang='es'>c</lang> d</p>"
        " <s xml:lang=''>e</s> <say-as interpret-as='date' xml:lang='it'>f</say-as> g</speak>"
    )
    spoken = [e for e in events if isinstance(e, (TextEvent, SayEvent))]
    text = {e.piece.text.strip() if isinstance(e, TextEvent) else e.text: e for e in spoken}
    languages = {name: e.style.language for name, e in text.items() if name}
    assert languages == {
        "a": "en-US", "b": "fr", "c": "es", "d": "fr", "e": None, "f": "it", "g": "en-US"
    }  # fmt: skip
    assert said("one <lang xml:lang='fr'>two</lang> three") == "one two three ."
    (event,) = (e for e in parse("<speak>plain</speak>") if isinstance(e, TextEvent))
    assert event.style.language is None


def test_spans_reach_through_the_markup() -> None:
    text = "<speak>Héllo <emphasis>wörld</emphasis> &amp; 😂 <s>you</s></speak>"
    found = [t for c in clauses(text) for t in c.tokens if isinstance(t, Word)]
    spans = {w.text: text[slice(*w.span)] for w in found}
    assert spans["Héllo"] == "Héllo"
    assert spans["wörld"] == "wörld"
    assert spans["and"] == "&amp;"
    assert spans["joy"] == "😂"
    assert spans["you"] == "you"


def test_foreign_elements_keep_their_text() -> None:
    body = "<voice name='x'><lang xml:lang='fr'>bonjour</lang></voice><metadata>no</metadata>"
    assert said(body) == "bonjour ."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<speak>a", "line 1.*not well formed"),
        ("<speak>\n<p>a</s></speak>", "line 2.*mismatched"),
        ("<speak>a & b</speak>", "&amp;"),
        ("<speak>&nbsp;</speak>", "line 1"),
        ("<speak><brake/></speak>", "did you mean 'break'"),
        ("<speak><script>x</script></speak>", "script.*not supported"),
        ("<speak>a<break time='soon'/></speak>", "500ms"),
        ("<speak><break strength='huge'/></speak>", "x-strong"),
        ("<speak><prosody rate='quick'>a</prosody></speak>", "rate 'quick'"),
        ("<speak><prosody pitch='+5Hz'>a</prosody></speak>", "pitch"),
        ("<speak><emphasis level='max'>a</emphasis></speak>", "strong"),
        ("<speak><say-as>a</say-as></speak>", "interpret-as"),
        ("<speak><mark/></speak>", "name"),
        ("<speak><lang>a</lang></speak>", "xml:lang"),
        ("<speak xml:lang='french!'>a</speak>", "line 1.*french!.*BCP 47"),
        ("<speak><phoneme alphabet='x-sampa' ph='a'>a</phoneme></speak>", "x-voicelet"),
        ("<speak>a</speak><speak>b</speak>", "not well formed"),
        ("<?xml version='1.0'?><p>a</p>", "<speak>"),
        ("<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>", "document type"),
    ],
)
def test_errors_name_line_and_remedy(text: str, message: str) -> None:
    with pytest.raises(SsmlError, match=message):
        clauses(text, ssml=True)


def test_wrong_phones_are_named() -> None:
    with pytest.raises(PhoneError, match="line 2.*Ж"):
        clauses("<speak>\n<phoneme ph='Ж'>a</phoneme></speak>")


def test_bombs() -> None:
    laughs = "".join(f"<!ENTITY l{i + 1} '{f'&l{i};' * 10}'>" for i in range(9))
    bomb = f"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY l0 'ha'>{laughs}]><speak>&l9;</speak>"
    with pytest.raises(SsmlError, match="document type"):
        clauses(bomb, ssml=True)
    outside = "<!DOCTYPE s SYSTEM 'file:///etc/passwd'><speak>a</speak>"
    with pytest.raises(SsmlError, match="document type"):
        clauses(outside, ssml=True)
    deep = "<speak>" + "<p>" * 50_000 + "</p>" * 50_000 + "</speak>"
    with pytest.raises(SsmlError, match=f"deeper than {MAX_DEPTH}"):
        clauses(deep)
    with pytest.raises(SsmlError, match="too many"):
        clauses("<speak>" + "a" * 2_000_001 + "</speak>")
    long_name = "<speak><" + "a" * 100_000 + "/></speak>"
    with pytest.raises(SsmlError) as error:
        clauses(long_name)
    assert len(str(error.value)) < 200


def test_many_elements_are_read() -> None:
    found = read("<s>hi there</s><break time='1ms'/>" * 2000)
    assert len(found) == 2000


def test_controls_and_surrogates_are_spaces() -> None:
    assert said("a\x00b\ud800c") == "a b c ."


@pytest.mark.parametrize("empty", ["<sub alias='x'></sub>", "<sub alias='x'/>"])
def test_what_is_said_for_an_empty_element_stands_where_its_tag_does(empty: str) -> None:
    text = f"<speak>go {empty} on</speak>"
    words = [t for c in clauses(text) for t in c.tokens if isinstance(t, Word)]
    assert [w.text for w in words] == ["go", "x", "on"]
    first, last = words[1].span
    assert empty.startswith(text[first:last]) and first < last


TAGS = st.sampled_from(
    [
        *("<p>", "</p>", "<s>", "</s>", "<break/>", "<prosody rate='fast'>", "</prosody>"),
        *("<sub alias='x'>", "</sub>", "<say-as interpret-as='date'>", "</say-as>"),
        *("<mark name='m'/>", "hello", " 5 ", "&amp;", "<emphasis>", "</emphasis>", "<!-- c -->"),
        *("<![CDATA[<p>]]>", "😂", ".", "\n", "é"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(TAGS, max_size=25).map("".join))
def test_any_markup(body: str) -> None:
    text = f"<speak>{body}</speak>"
    try:
        found = list(clauses(text))
    except VoiceletError:
        return
    spans = [t.span for c in found for t in c.tokens if isinstance(t, Word)]
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert [a for a, _ in spans] == sorted(a for a, _ in spans)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100))
def test_any_document(text: str) -> None:
    with contextlib.suppress(VoiceletError):
        parse("<speak>" + text)
