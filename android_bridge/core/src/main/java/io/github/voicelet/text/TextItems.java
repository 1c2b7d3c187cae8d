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

  private final TextReader reader;
  private final Reading reading;
  private final boolean strict;

  /** Whether the reader's language isn't that of the text. */
  private final boolean isOther;

  /**
   * For texts of a language.
   *
   * @param reader of the language.
   * @param strict raise where SSML names a language that can't be read.
   */
  TextItems(TextReader reader, Reading reading, boolean strict) {
    this(reader, reading, strict, false);
  }

  private TextItems(TextReader reader, Reading reading, boolean strict, boolean isOther) {
    this.reader = reader;
    this.reading = reading;
    this.strict = strict;
    this.isOther = isOther;
  }

  private TextItems with(Reading other) {
    return new TextItems(reader, other, strict, isOther);
  }

  /** What holds for a stretch that is marked as being in a language; null for none. */
  TextItems within(String tag) {
    TextReader other = tag == null ? null : reader.other(tag, strict);
    return other == null ? this : new TextItems(other, reading, strict, true);
  }

  ReadLanguage language() {
    return reader.language();
  }

  RuleContext.Known known() {
    return reader::knows;
  }

  /**
   * The items of a text, in order and lazily.
   *
   * @param ssml it is an SSML document.
   * @param detector tells which language each sentence is in that SSML doesn't say of; null for none.
   * @throws io.github.voicelet.SsmlException the SSML is wrong (at once).
   * @throws io.github.voicelet.PhoneException phones given inline aren't phones (as the items come).
   */
  Iterator<Item> of(String text, boolean ssml, LanguageDetector detector) {
    if (reading.key) {
      return new KeyItems(language(), reading.capitals, this::read).of(text).iterator();
    }
    if (ssml) {
      List<SsmlEvent> parsed = SsmlParser.parse(text, written());
      List<SsmlEvent> events = detector == null ? parsed : detector.events(parsed, language().tag());
      return neverSilent(text, items -> new SsmlItems(events, items));
    }
    if (detector != null) {
      return neverSilent(text, items -> new DetectedItems(text, detector.stretches(text, language().tag()), items));
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
    return new ItemStream(items, new CapitalWords(text, language().pack.characters(), reading.capitals));
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

  /** The items, with every word's language where it isn't the text's. */
  Iterator<Item> inLanguage(Iterator<Item> items) {
    if (!isOther) {
      return items;
    }
    String tag = language().tag();
    return new ItemStream(
        items, (item, out) -> out.add(item instanceof Word ? ((Word) item).copy().language(tag).build() : item));
  }

  private InlinePhones written() {
    return new WrittenPhones(PhoneInventory.ENGLISH, language().pronunciation);
  }

  /** The items of some source, whole or a part of something said. */
  Iterator<Item> scan(Iterator<SourcePiece> pieces, boolean isWhole) {
    RuleContext context = new RuleContext();
    context.known = known();
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
  Iterator<Item> scan(
      Iterator<SourcePiece> pieces, boolean newlines, boolean endsParagraph, Emphasis emphasis, RuleContext context) {
    Iterator<SourcePiece> source = pieces;
    if (reading.punctuation != Reading.Punctuation.NONE) {
      source = new SpokenMarks(pieces, language().pack.characters(), reading, true);
    }
    return new Scanner.Builder(language().pack.normalization(), source)
        .context(context)
        .phones(written())
        .inlinePhones(true)
        .newlines(newlines)
        .endsParagraph(endsParagraph)
        .emphasis(emphasis)
        .build();
  }
}
