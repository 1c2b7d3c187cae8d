package io.github.voicelet.text;

import io.github.voicelet.PhoneException;
import io.github.voicelet.SsmlException;
import io.github.voicelet.text.pack.Nearest;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * SSML, the subset that makes sense for one voice, parsed safely into a flat list of events.
 *
 * <p>Known elements: speak, p, s, break, prosody, say-as, sub, phoneme, emphasis, mark, lang; {@code xml:lang} is read on any. audio,
 * voice, desc, w and token are passed over and their text is kept; metadata, meta and lexicon are passed over with their text. Any
 * other element is an error, since a typo that is silently dropped is worse than one that is named. A document type is refused
 * outright, so nothing can expand or be fetched; depth and size are limited.
 */
final class SsmlParser implements XmlReader.Handler {
  private static final int MAX_DEPTH = 32;
  private static final int MAX_CHARS = 2_000_000;
  private static final int MAX_NAME_CHARS = 200;
  private static final int MAX_PROLOGUE_CHARS = 3000;
  private static final int SHOWN = 40;

  private static final List<String> KNOWN = words("speak p s break prosody say-as sub phoneme emphasis mark lang");
  private static final Set<String> TRANSPARENT = new HashSet<>(words("audio voice desc w token paragraph sentence"));
  private static final Set<String> SILENT = new HashSet<>(words("metadata meta lexicon"));
  private static final Set<String> BLOCKS = new HashSet<>(words("p s paragraph sentence"));
  private static final Map<String, String> NEEDED = new HashMap<>();
  private static final String BLANK = "[\\s\\u000b\\u001c-\\u001f\\u0085\\p{Z}]";
  private static final Pattern ROOT =
      Pattern.compile(
          BLANK + "*(?:<\\?xml\\b[^>]{0,200}\\?>" + BLANK + "*)?(?:<!--.{0,2000}?-->" + BLANK + "*)?<speak(?:" + BLANK + "|[/>])",
          Pattern.DOTALL);
  private static final Pattern DECLARED =
      Pattern.compile(BLANK + "*<(?:\\?xml|!DOCTYPE|speak(?:" + BLANK + "|[/>]))");

  static {
    NEEDED.put("say-as", "interpret-as");
    NEEDED.put("sub", "alias");
    NEEDED.put("phoneme", "ph");
  }

  private final InlinePhones written;
  private final int shift;
  private final XmlReader xml;
  private final List<SsmlEvent> events = new ArrayList<>();
  private final List<Frame> frames = new ArrayList<>();

  /** Text seen last, whose end isn't known yet; null for none. */
  private String pending;

  private int pendingAt;

  /** An open element: its style, and, where it gathers its text, what to do with it. */
  private static final class Frame {
    final String name;
    final SsmlEvent.Style style;

    /** Of an element that gathers its text; else null. */
    final Map<String, String> attributes;

    final StringBuilder text = new StringBuilder();
    int start;
    int end;

    Frame(String name, SsmlEvent.Style style, Map<String, String> attributes, int at) {
      this.name = name;
      this.style = style;
      this.attributes = attributes;
      start = at;
      end = at;
    }
  }

  private SsmlParser(String text, InlinePhones written) {
    this.written = written;
    int lead = leading(text);
    String body = legal(text.substring(lead));
    String wrap = DECLARED.matcher(body).lookingAt() ? "" : "<speak>";
    shift = lead - wrap.length(); // what leads is one char a code point
    xml = new XmlReader(wrap + body + (wrap.isEmpty() ? "" : "</speak>"), this);
  }

  private static List<String> words(String text) {
    return Arrays.asList(text.split(" "));
  }

  private static int leading(String text) {
    int lead = 0;
    while (lead < text.length() && "\ufeff \t\r\n".indexOf(text.charAt(lead)) >= 0) {
      lead++;
    }
    return lead;
  }

  /** Whether a text opens with a speak element, perhaps after an XML declaration. */
  static boolean looksLikeSsml(String text) {
    return ROOT.matcher(CodePoints.first(text.substring(leading(text)), MAX_PROLOGUE_CHARS)).lookingAt();
  }

  /** The text with a blank in place of every character that XML doesn't have. */
  private static String legal(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int code = text.codePointAt(i);
      i += Character.charCount(code);
      boolean isControl = code < ' ' && code != '\t' && code != '\n' && code != '\r';
      boolean isNone = (code >= 0xD800 && code <= 0xDFFF) || code == 0xFFFE || code == 0xFFFF;
      out.appendCodePoint(isControl || isNone ? ' ' : code);
    }
    return out.toString();
  }

  /**
   * Parse an SSML document, or a fragment of one without its speak element.
   *
   * @param written reads the phones of phoneme elements.
   * @throws SsmlException it is too large or too deep, not well formed, declares a document type, or uses an element or a value
   *     that isn't supported; the message names the line.
   * @throws PhoneException a phoneme element holds symbols that aren't phones.
   */
  static List<SsmlEvent> parse(String text, InlinePhones written) {
    int count = CodePoints.count(text);
    if (count > MAX_CHARS) {
      throw new SsmlException(count + " characters of SSML are too many; send at most " + MAX_CHARS);
    }
    SsmlParser parser = new SsmlParser(text, written);
    parser.xml.read();
    return parser.events;
  }

  private SsmlException fail(String message) {
    return new SsmlException("line " + xml.line() + ": " + message);
  }

  @Override
  public void doctype() {
    throw fail("a document type is not allowed in SSML; remove <!DOCTYPE …>");
  }

  /** Turn the character data seen last into a piece, now that its end is known. */
  private void flush(int end) {
    if (pending == null) {
      return;
    }
    String text = pending;
    pending = null;
    Frame gatherer = gatherer();
    boolean isSilent = false;
    for (Frame frame : frames) {
      isSilent |= SILENT.contains(frame.name);
    }
    if (gatherer != null) {
      gatherer.start = gatherer.text.length() == 0 ? pendingAt : gatherer.start;
      gatherer.text.append(text);
      gatherer.end = end;
    } else if (!isSilent) {
      events.add(new SsmlEvent.Text(new SourcePiece(text, pendingAt, end), frames.get(frames.size() - 1).style));
    }
  }

  private Frame gatherer() {
    for (Frame frame : frames) {
      if (frame.attributes != null) {
        return frame;
      }
    }
    return null;
  }

  @Override
  public void characters(String text, int place) {
    flush(place + shift);
    pending = text;
    pendingAt = place + shift;
  }

  @Override
  public void start(String qualified, Map<String, String> attributes, int place) {
    int at = place + shift;
    flush(at);
    if (frames.size() >= MAX_DEPTH) {
      throw fail("elements nest deeper than " + MAX_DEPTH + "; flatten the document");
    }
    String name = qualified.substring(qualified.lastIndexOf(':') + 1);
    if (!KNOWN.contains(name) && !TRANSPARENT.contains(name) && !SILENT.contains(name)) {
      String shown = CodePoints.first(name, SHOWN);
      throw fail("<" + shown + "> is not supported" + Nearest.didYouMean(shown, KNOWN) + "; remove the tag");
    }
    if (frames.isEmpty() && !name.equals("speak")) {
      throw fail("the outermost element must be <speak>; wrap the text in it");
    }
    SsmlEvent.Style style = frames.isEmpty() ? SsmlEvent.Style.PLAIN : frames.get(frames.size() - 1).style;
    try {
      if (attributes.containsKey("xml:lang")) {
        style = style.in(SsmlValues.language(attributes.get("xml:lang")));
      }
      frames.add(opened(name, attributes, style, at));
    } catch (SsmlException e) {
      throw fail(e.getMessage());
    }
  }

  private Frame opened(String name, Map<String, String> attributes, SsmlEvent.Style style, int at) {
    boolean inside = gatherer() != null;
    SsmlEvent.Style inner = style;
    if (BLOCKS.contains(name)) {
      events.add(new SsmlEvent.Block(name.charAt(0) == 'p'));
    } else if (name.equals("break") && !inside) {
      events.add(new SsmlEvent.Break(SsmlValues.breakMs(attributes)));
    } else if (name.equals("mark") && !inside) {
      String mark = attributes.get("name");
      if (mark == null || mark.isEmpty()) {
        throw new SsmlException("<mark> needs a name; write <mark name='here'/>");
      }
      events.add(new SsmlEvent.Named(CodePoints.first(mark, MAX_NAME_CHARS), at));
    } else if (name.equals("lang") && !attributes.containsKey("xml:lang")) {
      throw new SsmlException("<lang> needs a language; write <lang xml:lang='fr'>");
    } else if (name.equals("prosody")) {
      inner = style.with(SsmlValues.prosody(attributes, style.prosody));
    } else if (name.equals("emphasis")) {
      inner = style.with(SsmlValues.emphasis(attributes));
    } else if (NEEDED.containsKey(name) && !inside) {
      if (!attributes.containsKey(NEEDED.get(name))) {
        throw new SsmlException("<" + name + "> needs the attribute " + NEEDED.get(name));
      }
      return new Frame(name, inner, attributes, at);
    }
    return new Frame(name, inner, null, at);
  }

  @Override
  public void end(int place) {
    int at = place + shift;
    flush(at);
    Frame frame = frames.remove(frames.size() - 1);
    if (frame.attributes != null) {
      say(frame, at);
    } else if (BLOCKS.contains(frame.name)) {
      events.add(new SsmlEvent.Block(frame.name.charAt(0) == 'p'));
    }
  }

  private void say(Frame frame, int at) {
    // What is said for an empty element stands where its tag does.
    int end = frame.start == frame.end ? Math.max(at, frame.start + 1) : frame.end;
    SsmlEvent.Say say = new SsmlEvent.Say(new SourcePiece(frame.text.toString(), frame.start, end), frame.style);
    if (frame.name.equals("sub")) {
      say.alias = frame.attributes.get("alias");
    } else if (frame.name.equals("phoneme")) {
      try {
        say.phones = phones(frame.attributes);
      } catch (PhoneException e) {
        throw new PhoneException("line " + xml.line() + ": " + e.getMessage(), e);
      }
    }
    String interpret = plain(frame.attributes, "interpret-as", "");
    interpret = interpret.startsWith("vxml:") ? interpret.substring("vxml:".length()) : interpret;
    int colon = interpret.indexOf(':'); // older documents write "time:hms12", "vxml:time"
    say.interpret = colon < 0 ? interpret : interpret.substring(0, colon);
    say.format = plain(frame.attributes, "format", "");
    if (say.format.isEmpty() && colon >= 0) {
      say.format = interpret.substring(colon + 1);
    }
    events.add(say);
  }

  private static String plain(Map<String, String> attributes, String name, String usual) {
    String text = attributes.get(name);
    return Case.lower(Whitespace.strip(text == null ? usual : text));
  }

  private String phones(Map<String, String> attributes) {
    String alphabet = plain(attributes, "alphabet", "ipa");
    if (alphabet.equals("ipa")) {
      return written.phones(attributes.get("ph"));
    }
    if (alphabet.equals("x-voicelet")) {
      return PhoneInventory.ENGLISH.own(attributes.get("ph"));
    }
    throw fail("the alphabet '" + CodePoints.first(alphabet, SHOWN) + "' is unknown; use 'ipa' or 'x-voicelet'");
  }
}
