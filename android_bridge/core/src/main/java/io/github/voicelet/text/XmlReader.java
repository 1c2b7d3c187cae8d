package io.github.voicelet.text;

import io.github.voicelet.SsmlException;
import io.github.voicelet.text.unicode.Characters;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Well-formed XML as a row of events, each with its place, which the parsers of Java and Android don't tell.
 *
 * <p>Nothing is expanded but the five entities of XML and numbers, and nothing is fetched: a document type is for the handler to
 * refuse. The time is linear, whatever the document holds.
 */
final class XmlReader {
  private static final Pattern DECLARATION =
      Pattern.compile(
          "<\\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:\"[\\w.:-]+\"|'[\\w.:-]+')"
              + "(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:\"[\\w.-]+\"|'[\\w.-]+'))?"
              + "(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:\"(?:yes|no)\"|'(?:yes|no)'))?[ \t\r\n]*\\?>");
  private static final int LONGEST_REFERENCE = 100;
  private static final int LONGEST_NUMBER = 8;
  private static final String CDATA = "<![CDATA[";

  /** Takes the events. Places are code points of the document. */
  interface Handler {
    /** A document type begins. */
    void doctype();

    /** An element begins. */
    void start(String name, Map<String, String> attributes, int at);

    /** The innermost element ends. */
    void end(int at);

    /** Text, in pieces of any length: a line break and an entity are pieces of their own. */
    void characters(String text, int at);
  }

  private final String text;
  private final Handler handler;
  private final Deque<String> open = new ArrayDeque<>();
  private int at;
  private int eventAt;
  private int countedTo;
  private int codePoint;

  /** Of a document. */
  XmlReader(String text, Handler handler) {
    this.text = text;
    this.handler = handler;
  }

  /** The line of the last event, from 1. */
  int line() {
    int line = 1;
    for (int i = 0; i < Math.min(eventAt, text.length()); i++) {
      line += text.charAt(i) == '\n' ? 1 : 0;
    }
    return line;
  }

  /** Where an event is; they come in order. */
  private int event(int place) {
    eventAt = place;
    codePoint += text.codePointCount(countedTo, place);
    countedTo = place;
    return codePoint;
  }

  /**
   * Read all of it.
   *
   * @throws SsmlException it isn't well formed; the message names the line.
   */
  void read() {
    Matcher declaration = DECLARATION.matcher(text);
    if (declaration.lookingAt()) {
      at = declaration.end();
    }
    outside();
    if (at >= text.length()) {
      throw wrong("no element found; put the text inside <speak>…</speak>");
    }
    if (text.charAt(at) != '<') {
      throw malformed("syntax error");
    }
    tag();
    while (!open.isEmpty()) {
      if (at >= text.length()) {
        throw malformed("<" + open.peek() + "> isn't closed");
      }
      content();
    }
    outside();
    if (at < text.length()) {
      throw malformed("junk after the document");
    }
  }

  private SsmlException malformed(String what) {
    return wrong(what + "; write & as &amp;, < as &lt; and close every element");
  }

  private SsmlException wrong(String what) {
    eventAt = at;
    return new SsmlException("line " + line() + ": SSML is not well formed: " + what);
  }

  /** Pass what may stand before and after the outermost element. */
  private void outside() {
    while (at < text.length()) {
      if (isBlank(text.charAt(at))) {
        at++;
      } else if (text.startsWith("<!DOCTYPE", at)) {
        event(at);
        handler.doctype();
        throw malformed("a document type");
      } else if (!comment() && !instruction()) {
        return;
      }
    }
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
  }

  private boolean comment() {
    if (!text.startsWith("<!--", at)) {
      return false;
    }
    int dashes = text.indexOf("--", at + 4);
    if (dashes < 0 || !text.startsWith("-->", dashes)) {
      throw malformed("a comment isn't closed, or holds --");
    }
    at = dashes + 3;
    return true;
  }

  private boolean instruction() {
    if (!text.startsWith("<?", at)) {
      return false;
    }
    int end = nameEnd(at + 2);
    int close = text.indexOf("?>", end);
    if (end == at + 2 || close < 0 || text.substring(at + 2, end).equalsIgnoreCase("xml")
        || (close > end && !isBlank(text.charAt(end)))) {
      throw malformed("a processing instruction isn't one, or stands in the wrong place");
    }
    at = close + 2;
    return true;
  }

  private void content() {
    char c = text.charAt(at);
    if (c == '&') {
      int place = event(at);
      handler.characters(reference(), place);
    } else if (c != '<') {
      characters(text.length());
    } else if (text.startsWith("</", at)) {
      closing();
    } else if (text.startsWith(CDATA, at)) {
      int end = text.indexOf("]]>", at);
      if (end < 0) {
        throw malformed("a CDATA section isn't closed");
      }
      at += CDATA.length();
      while (at < end) {
        characters(end);
      }
      at = end + 3;
    } else if (!comment() && !instruction()) {
      tag();
    }
  }

  /** One line break, or the text up to the next one, to markup or to a limit. */
  private void characters(int limit) {
    int place = event(at);
    char c = text.charAt(at);
    if (c == '\n' || c == '\r') {
      at += c == '\r' && at + 1 < limit && text.charAt(at + 1) == '\n' ? 2 : 1;
      handler.characters("\n", place);
      return;
    }
    boolean isData = limit < text.length(); // of a CDATA section
    int end = at;
    while (end < limit && "\r\n".indexOf(text.charAt(end)) < 0 && (isData || "<&".indexOf(text.charAt(end)) < 0)) {
      if (!isData && text.startsWith("]]>", end)) {
        at = end;
        throw malformed("]]> stands in the text");
      }
      end++;
    }
    String run = text.substring(at, end);
    at = end;
    handler.characters(run, place);
  }

  private String reference() {
    int end = text.indexOf(';', at);
    if (end < 0 || end - at > LONGEST_REFERENCE) {
      throw malformed("& stands alone");
    }
    String name = text.substring(at + 1, end);
    String said = name.startsWith("#") ? numbered(name.substring(1)) : named(name);
    if (said == null) {
      throw malformed("there is no entity &" + name + ";");
    }
    at = end + 1;
    return said;
  }

  private static String named(String name) {
    switch (name) {
      case "amp":
        return "&";
      case "lt":
        return "<";
      case "gt":
        return ">";
      case "quot":
        return "\"";
      case "apos":
        return "'";
      default:
        return null;
    }
  }

  private static String numbered(String written) {
    boolean isHex = written.startsWith("x");
    String digits = isHex ? written.substring(1) : written;
    if (!digits.matches(isHex ? "[0-9a-fA-F]+" : "[0-9]+")) {
      return null;
    }
    String number = digits.replaceFirst("^0+(?=.)", "");
    long code = number.length() > LONGEST_NUMBER ? Long.MAX_VALUE : Long.parseLong(number, isHex ? 16 : 10);
    boolean isControl = code < ' ' && code != '\t' && code != '\n' && code != '\r';
    boolean isSurrogate = code >= 0xD800 && code <= 0xDFFF;
    boolean isNone = code == 0xFFFE || code == 0xFFFF || code > Character.MAX_CODE_POINT;
    return isControl || isSurrogate || isNone ? null : CodePoints.string((int) code);
  }

  private void closing() {
    int end = nameEnd(at + 2);
    String name = text.substring(at + 2, end);
    int close = blanks(end);
    if (close >= text.length() || text.charAt(close) != '>' || !name.equals(open.peek())) {
      throw malformed("a tag closes another element than <" + open.peek() + ">");
    }
    int place = event(at);
    open.pop();
    at = close + 1;
    handler.end(place);
  }

  private void tag() {
    int begin = at;
    int end = nameEnd(at + 1);
    if (end == at + 1) {
      throw malformed("< stands alone");
    }
    String name = text.substring(at + 1, end);
    Map<String, String> attributes = new LinkedHashMap<>();
    at = end;
    int next = blanks(at);
    while (next > at && next < text.length() && nameEnd(next) > next) {
      at = next;
      attribute(attributes);
      next = blanks(at);
    }
    boolean isEmpty = text.startsWith("/>", next);
    if (!isEmpty && !text.startsWith(">", next)) {
      at = next;
      throw malformed("a tag isn't closed");
    }
    int place = event(begin);
    at = next + (isEmpty ? 2 : 1);
    handler.start(name, attributes, place);
    if (isEmpty) {
      handler.end(event(at));
    } else {
      open.push(name);
    }
  }

  private void attribute(Map<String, String> attributes) {
    int end = nameEnd(at);
    String name = text.substring(at, end);
    int value = blanks(end);
    value = text.startsWith("=", value) ? blanks(value + 1) : text.length();
    if (value >= text.length() || "\"'".indexOf(text.charAt(value)) < 0) {
      throw malformed("an attribute has no value in quotes");
    }
    char quote = text.charAt(value);
    StringBuilder said = new StringBuilder();
    at = value + 1;
    while (at < text.length() && text.charAt(at) != quote) {
      char c = text.charAt(at);
      if (c == '<') {
        throw malformed("< stands in an attribute");
      } else if (c == '&') {
        said.append(reference());
      } else {
        at += text.startsWith("\r\n", at) ? 2 : 1;
        said.append(isBlank(c) ? ' ' : c);
      }
    }
    if (at >= text.length() || attributes.containsKey(name)) {
      throw malformed("an attribute isn't closed, or stands twice");
    }
    attributes.put(name, said.toString());
    at++;
  }

  private int blanks(int from) {
    int end = from;
    while (end < text.length() && isBlank(text.charAt(end))) {
      end++;
    }
    return end;
  }

  /** The end of a name that begins at a place; the place itself where none does. */
  private int nameEnd(int from) {
    int end = from;
    while (end < text.length()) {
      int code = text.codePointAt(end);
      boolean begins = code == '_' || code == ':' || Characters.isLetter(code);
      boolean goesOn = code == '-' || code == '.' || code == 0xB7 || Characters.isDecimal(code) || Characters.isMark(code);
      if (!begins && !(goesOn && end > from)) {
        return end;
      }
      end += Character.charCount(code);
    }
    return end;
  }
}
