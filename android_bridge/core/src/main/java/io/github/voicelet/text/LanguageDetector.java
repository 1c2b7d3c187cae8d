package io.github.voicelet.text;

import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which of a few languages a sentence is in, by its small words and its letters.
 *
 * <p>A sentence gets a point in a language for every word (or sign, such as "¿") that is one of the language's commonest, and for
 * every word with letters beyond a-z that are all of its alphabet; it loses one for a word with a letter that the language hasn't. The
 * language before holds on unless another one is clearly better, so that a name or a quoted word changes nothing.
 */
final class LanguageDetector {
  /** A shorter sentence keeps the language of the one before. */
  private static final int MIN_WORDS = 2;

  /** So much of a sentence is looked at. */
  private static final int MAX_CHARS = 2000;

  private static final String BLANK = "[\\s\\u000b\\u001c-\\u001f\\u0085\\p{Z}]";
  private static final String STOPS = "[.!?…。！？]+";
  private static final Pattern SENTENCE =
      Pattern.compile(
          "[^.!?…。！？\n]{1,4000}(?:" + STOPS + "[\"'”’»)\\]]*(?=" + BLANK + "|\\z))?" + BLANK + "*|" + BLANK + "+|" + STOPS + BLANK
              + "*");

  private final List<ReadLanguage> languages;

  /** A stretch of a text in one language; places are code points. */
  static final class Stretch {
    final String tag;
    final int start;
    final int end;

    Stretch(String tag, int start, int end) {
      this.tag = tag;
      this.start = start;
      this.end = end;
    }
  }

  /** Tells languages apart; the first is what a text begins with unless it is clear. */
  LanguageDetector(List<ReadLanguage> languages) {
    this.languages = languages;
  }

  /** The language of a sentence; that of the sentence before, where nothing else is clearly better. */
  private String detect(String sentence, String previous) {
    List<String> tokens = tokens(CodePoints.first(sentence, MAX_CHARS));
    int count = 0;
    for (String token : tokens) {
      count += Characters.isLetter(token.codePointAt(0)) ? 1 : 0;
    }
    if (count < MIN_WORDS) {
      return previous;
    }
    String best = "";
    int highest = Integer.MIN_VALUE;
    int before = 0;
    boolean isTie = false;
    for (ReadLanguage language : languages) {
      int score = score(tokens, language);
      before = language.tag().equals(previous) ? score : before;
      isTie = score == highest || (isTie && score < highest);
      if (score > highest) {
        highest = score;
        best = language.tag();
      }
    }
    // One small word may be a part of a name; of three words it is enough.
    if (isTie || highest < Math.min(2, Math.max(1, count / 3.0))) {
      return previous;
    }
    return highest - before >= (before <= 0 ? 1 : 2) ? best : previous;
  }

  /** The words in lower case, one that an apostrophe joins to the next with it, and the signs that open a question. */
  private static List<String> tokens(String sentence) {
    List<String> tokens = new ArrayList<>();
    int at = 0;
    while (at < sentence.length()) {
      int end = letters(sentence, at);
      if (end == at) {
        int code = sentence.codePointAt(at);
        end = at + Character.charCount(code);
        if (code == '¿' || code == '¡') {
          tokens.add(CodePoints.string(code));
        }
      } else {
        boolean elides = end < sentence.length() && "'’".indexOf(sentence.charAt(end)) >= 0 && letters(sentence, end + 1) > end + 1;
        end = elides ? end + 1 : end;
        tokens.add(Case.lower(sentence.substring(at, end)).replace('’', '\''));
      }
      at = end;
    }
    return tokens;
  }

  private static int letters(String text, int from) {
    int end = from;
    while (end < text.length()) {
      int code = text.codePointAt(end);
      if (!Characters.isLetterOrNumber(code) || Characters.isDecimal(code)) {
        break;
      }
      end += Character.charCount(code);
    }
    return end;
  }

  private static int score(List<String> tokens, ReadLanguage language) {
    Set<Integer> alphabet = new HashSet<>();
    for (int code : CodePoints.of(language.pack.config().letters)) {
      alphabet.add(code);
    }
    int score = 0;
    for (String token : tokens) {
      if (language.pack.config().commonWords.contains(token)) {
        score++;
      } else if (!token.equals("¿") && !token.equals("¡")) {
        boolean isForeign = false;
        boolean isPlain = true;
        for (int code : CodePoints.of(token)) {
          isPlain &= code <= 0x7F;
          isForeign |= code > 0x7F && !alphabet.contains(code);
        }
        score += isPlain ? 0 : isForeign ? -1 : 1;
      }
    }
    return score;
  }

  /** Sentences of a text with their languages; nothing is left out. {@code first} holds before the first that is clear. */
  List<Stretch> stretches(String text, String first) {
    List<Stretch> stretches = new ArrayList<>();
    Matcher sentence = SENTENCE.matcher(text);
    String tag = first;
    int done = 0;
    int place = 0;
    while (sentence.find()) {
      tag = detect(sentence.group(), tag);
      int start = place + text.codePointCount(done, sentence.start());
      place = start + text.codePointCount(sentence.start(), sentence.end());
      done = sentence.end();
      stretches.add(new Stretch(tag, start, place));
    }
    return stretches;
  }

  /** SSML whose text has a language wherever it doesn't say one that isn't {@code first}. */
  List<SsmlEvent> events(List<SsmlEvent> events, String first) {
    List<SsmlEvent> found = new ArrayList<>();
    String tag = first;
    int at = 0;
    while (at < events.size()) {
      int end = at;
      StringBuilder text = new StringBuilder();
      while (end < events.size() && (events.get(end) instanceof SsmlEvent.Text || events.get(end) instanceof SsmlEvent.Named)) {
        SsmlEvent event = events.get(end++);
        text.append(event instanceof SsmlEvent.Text ? ((SsmlEvent.Text) event).piece.text : "");
      }
      if (end == at) {
        found.add(events.get(at++));
        continue;
      }
      List<Stretch> stretches = stretches(text.toString(), tag);
      tag = stretches.isEmpty() ? tag : stretches.get(stretches.size() - 1).tag;
      int place = 0;
      for (SsmlEvent event : events.subList(at, end)) {
        if (event instanceof SsmlEvent.Text) {
          SsmlEvent.Text said = (SsmlEvent.Text) event;
          if (said.style.language == null) {
            cut(said, place, stretches, first, found);
          } else {
            found.add(said);
          }
          place += CodePoints.count(said.piece.text);
        } else {
          found.add(event);
        }
      }
      at = end;
    }
    return found;
  }

  /** Add a text in parts of one language each; {@code place} is where it begins. */
  private static void cut(SsmlEvent.Text event, int place, List<Stretch> stretches, String first, List<SsmlEvent> found) {
    SourcePiece piece = event.piece;
    int size = CodePoints.count(piece.text);
    String tag = null;
    int start = place;
    int end = place;
    for (Stretch stretch : stretches) {
      int from = Math.max(stretch.start, place);
      int to = Math.min(stretch.end, place + size);
      if (from >= to) {
        continue;
      }
      if (!piece.isExact()) { // an entity
        from = place;
        to = place + size;
      }
      if (tag != null && !tag.equals(stretch.tag)) {
        found.add(part(event, start - place, end - place, size, tag, first));
        start = from;
      }
      tag = stretch.tag;
      end = to;
      if (!piece.isExact()) {
        break;
      }
    }
    if (tag != null) {
      found.add(part(event, start - place, end - place, size, tag, first));
    }
  }

  private static SsmlEvent part(SsmlEvent.Text event, int start, int end, int size, String tag, String first) {
    SourcePiece source = event.piece;
    if (end - start != size) {
      int[] places = CodePoints.toUtf16(source.text, new int[] {start, end});
      String text = source.text.substring(places[0], places[1]);
      source = new SourcePiece(text, source.start + start, source.start + end);
    }
    return new SsmlEvent.Text(source, tag.equals(first) ? event.style : event.style.in(tag));
  }
}
