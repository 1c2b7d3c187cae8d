package io.github.voicelet.text;

import io.github.voicelet.text.pack.RuleContext;
import io.github.voicelet.text.unicode.Characters;
import io.github.voicelet.text.unicode.Whitespace;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/** How a text becomes words, marks, boundaries and pauses, which the segmenter makes clauses of. */
final class TextItems {
  /** A text of marks alone is spoken by their names if it isn't longer than this. */
  private static final int MAX_LONE_CHARS = 200;

  final ReadLanguage language;
  private final RuleContext.Known known;
  private final Reading reading;

  /**
   * For texts of a language.
   *
   * @param known tells whether a lower-case word is in the lexicon.
   */
  TextItems(ReadLanguage language, RuleContext.Known known, Reading reading) {
    this.language = language;
    this.known = known;
    this.reading = reading;
  }

  private TextItems with(Reading other) {
    return new TextItems(language, known, other);
  }

  /**
   * The items of a plain text, in order and lazily.
   *
   * @throws io.github.voicelet.PhoneException phones given inline aren't phones (as the items come).
   */
  Iterator<Item> plain(String text) {
    if (reading.key) {
      return new KeyItems(language, reading.capitals, this::read).of(text).iterator();
    }
    return neverSilent(text, items -> items.scan(SourcePiece.plain(text), true));
  }

  /** Reads a text, the way that these items are read. */
  interface Source {
    Iterator<Item> read(TextItems items);
  }

  /** The items of a text, capitals made known; those of its marks' names if it has no words. */
  private Iterator<Item> neverSilent(String text, Source source) {
    Iterator<Item> items = source.read(this);
    if (CodePoints.count(Whitespace.strip(text)) <= MAX_LONE_CHARS) {
      List<Item> before = new ArrayList<>();
      boolean speaks = false;
      if (hasLetters(text)) {
        while (!speaks && items.hasNext()) {
          before.add(items.next());
          speaks = before.get(before.size() - 1) instanceof Word;
        }
      } // SSML, whose tags are letters, may hold marks alone, too
      items = speaks ? ItemStream.chained(before, items) : unasked(source.read(with(reading.with(Reading.Punctuation.ALL))));
    }
    if (reading.capitals == Reading.Capitals.NONE) {
      return items;
    }
    return new ItemStream(items, new CapitalWords(text, language.pack.characters(), reading.capitals));
  }

  private static boolean hasLetters(String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      if (Characters.isLetterOrNumber(text.codePointAt(i))) {
        return true;
      }
    }
    return false;
  }

  /** Marks that are named and no more: whoever sends "?" alone asks nothing. */
  private static Iterator<Item> unasked(Iterator<Item> items) {
    return new ItemStream(
        items,
        (item, out) -> {
          boolean asks = item instanceof Mark && (((Mark) item).text.equals("?") || ((Mark) item).text.equals("!"));
          if (!asks) {
            out.add(item);
          }
        });
  }

  /** The items of a short text that isn't the caller's own words. */
  private List<Item> read(String text, int spanStart, int spanEnd) {
    List<Item> items = new ArrayList<>();
    if (!text.isEmpty()) {
      Iterator<SourcePiece> piece = Collections.singletonList(new SourcePiece(text, spanStart, spanEnd)).iterator();
      with(Reading.PLAIN).scan(piece, false).forEachRemaining(items::add);
    }
    return items;
  }

  private Iterator<Item> scan(Iterator<SourcePiece> pieces, boolean isWhole) {
    RuleContext context = new RuleContext();
    context.known = known;
    return scan(pieces, isWhole, isWhole, Emphasis.NONE, context);
  }

  /**
   * The items of some source.
   *
   * @param newlines whether line breaks mean anything.
   * @param endsParagraph whether the paragraph ends where the source ends.
   * @param emphasis given to every word.
   * @param context the state to start from.
   */
  private Iterator<Item> scan(
      Iterator<SourcePiece> pieces, boolean newlines, boolean endsParagraph, Emphasis emphasis, RuleContext context) {
    Iterator<SourcePiece> source = pieces;
    if (reading.punctuation != Reading.Punctuation.NONE) {
      source = new SpokenMarks(pieces, language.pack.characters(), reading, true);
    }
    return new Scanner.Builder(language.pack.normalization(), source)
        .context(context)
        .phones(new WrittenPhones(PhoneInventory.ENGLISH, language.pronunciation))
        .inlinePhones(true)
        .newlines(newlines)
        .endsParagraph(endsParagraph)
        .emphasis(emphasis)
        .build();
  }
}
