package io.github.voicelet.text;

import io.github.voicelet.text.pack.Normalization;
import io.github.voicelet.text.pack.Rule;
import io.github.voicelet.text.pack.RuleContext;
import io.github.voicelet.text.pack.RuleIndex;
import io.github.voicelet.text.pack.pattern.Match;
import io.github.voicelet.text.unicode.Case;
import io.github.voicelet.text.unicode.Characters;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;

/**
 * One pass over clean text: at every position the first rule that applies gives the words.
 *
 * <p>The text comes in chunks and is seen through a window that always reaches 640 code points on, so that a book
 * costs no more memory than a sentence. Places inside are UTF-16 units of the window, spans code points of the source.
 */
final class Scanner implements Iterator<Item> {
  private static final int LINE = 60;
  private static final int SHORT_LINE = 50;

  /** Where rules at "symbol" aren't tried. */
  private static final String ONLY_MARKS = ",;:?)\"{}|";

  private static final List<Token> NOTHING = Collections.emptyList();

  private final Normalization rules;
  private final Window window;
  private final RuleContext context;
  private final Notation notation;
  private final UserWords lexicon;
  private final InlinePhones phones;
  private final boolean endsParagraph;
  private final boolean inline;
  private final Emphasis emphasis;
  private final Queue<Item> ready = new ArrayDeque<>();

  private String text = "";
  private int at;

  private Scanner(Builder builder) {
    rules = builder.rules;
    window = new Window(builder.pieces, new Cleaner(builder.newlines, rules.cleanup));
    context = builder.context;
    context.text = "";
    context.isFinal = false;
    context.sentenceStarters = rules.sentenceStarters;
    context.alphabet = rules.alphabet;
    notation = new Notation(rules, builder.emphasis);
    lexicon = builder.lexicon;
    phones = builder.phones;
    endsParagraph = builder.endsParagraph;
    inline = builder.inline;
    emphasis = builder.emphasis;
  }

  /** How a text is to be read. */
  static final class Builder {
    private final Normalization rules;
    private final Iterator<SourcePiece> pieces;
    private RuleContext context = new RuleContext();
    private UserWords lexicon;
    private InlinePhones phones;
    private boolean newlines = true;
    private boolean endsParagraph = true;
    private boolean inline;
    private Emphasis emphasis = Emphasis.NONE;

    /** Source in order, read by a language's rules. */
    Builder(Normalization rules, Iterator<SourcePiece> pieces) {
      this.rules = rules;
      this.pieces = pieces;
    }

    /** The state to start from: what is known, and the previous word across SSML elements. */
    Builder context(RuleContext value) {
      context = value;
      return this;
    }

    /** The caller's pronunciations, which go before every rule; null for none. */
    Builder lexicon(UserWords value) {
      lexicon = value;
      return this;
    }

    /** Reads phones given by the caller; needed for {@link #inlinePhones} and {@link #lexicon}. */
    Builder phones(InlinePhones value) {
      phones = value;
      return this;
    }

    /** Read {@code [[…]]} as phones. */
    Builder inlinePhones(boolean value) {
      inline = value;
      return this;
    }

    /** Whether line breaks mean anything (not in SSML). */
    Builder newlines(boolean value) {
      newlines = value;
      return this;
    }

    /** Whether the paragraph ends where the pieces end. */
    Builder endsParagraph(boolean value) {
      endsParagraph = value;
      return this;
    }

    /** Given to every word. */
    Builder emphasis(Emphasis value) {
      emphasis = value;
      return this;
    }

    Scanner build() {
      return new Scanner(this);
    }
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty()) {
      fill();
      if (at >= text.length()) {
        return false;
      }
      int start = at;
      Item boundary = null;
      List<Token> tokens = NOTHING;
      if (isSpace(text.charAt(at))) {
        boundary = whiteSpace();
      } else {
        tokens = step();
      }
      if (at <= start) {
        throw new IllegalStateException("a rule consumed nothing");
      }
      if (boundary != null) {
        ready.add(boundary);
      }
      ready.addAll(tokens);
    }
    return true;
  }

  @Override
  public Item next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Item item = ready.remove();
    if (item instanceof Word) {
      context.previous = ((Word) item).text;
    } else if (item instanceof Boundary || ".?!".contains(((Mark) item).text)) {
      context.previous = "";
    }
    return item;
  }

  private void fill() {
    if (window.fill(at)) {
      at = window.place();
      text = window.text();
      context.text = text;
      context.isFinal = endsParagraph && window.isWhole();
    }
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\n';
  }

  /** The code point before a place; -1 at the beginning. */
  private int before(int place) {
    return place > 0 ? text.codePointBefore(place) : -1;
  }

  private boolean followsLetter() {
    return at > 0 && Characters.isLetter(before(at));
  }

  private List<Token> step() {
    int code = text.codePointAt(at);
    if (lexicon != null
        && !(at > 0 && Characters.isLetterOrNumber(before(at)) && Characters.isLetterOrNumber(code))) {
      List<Token> tokens = userWord();
      if (tokens != null) {
        return tokens;
      }
    }
    if (Characters.isLetter(code)) {
      return letters();
    }
    if (code >= '0' && code <= '9') {
      List<Token> number = Shapes.isAddress(text, at) ? apply(rules.atAddresses) : null;
      number = number == null ? apply(rules.atDigits) : number;
      return number == null ? skip() : number;
    }
    return symbol();
  }

  private List<Token> letters() {
    int plain = Shapes.plainWord(text, at, rules.alphabet, rules.elisions.isEmpty());
    if (plain >= 0 && !(at > 0 && "#@".indexOf(text.charAt(at - 1)) >= 0)) {
      String word = text.substring(at, plain);
      if (!rules.abbreviated.contains(word)) {
        List<Token> users = rules.atPlainWords.isEmpty() || followsLetter() ? null : apply(rules.atPlainWords);
        return users == null ? one(word, plain) : users;
      }
    }
    List<Token> tokens = null;
    if (!followsLetter()) { // else a word goes on that is longer than one may be
      tokens = Shapes.isAddress(text, at) ? apply(rules.atAddresses) : null;
      tokens = tokens == null ? apply(rules.atLetters) : tokens;
    }
    return tokens == null ? anyWord() : tokens;
  }

  private List<Token> one(String word, int end) {
    int start = at;
    at = end;
    return Collections.<Token>singletonList(
        Word.of(word, window.start(start), window.end(start, end), emphasis));
  }

  private List<Token> anyWord() {
    int end = Shapes.word(text, at);
    if (end < 0) {
      return skip();
    }
    String word = text.substring(at, end);
    int apostrophe = word.indexOf('\'');
    if (apostrophe >= 0) {
      String head = word.substring(0, apostrophe + 1);
      if (rules.elisions.contains(Case.lower(head))) {
        return one(head, at + head.length());
      }
    } else if (text.startsWith("'", end)) {
      String head = word + "'"; // before a number or a quotation: l'11, d'"or"
      if (rules.elisions.contains(Case.lower(head))) {
        return one(head, end + 1);
      }
    }
    return said(word, end, "", "");
  }

  private List<Token> said(String reading, int end, String rule, String file) {
    int start = at;
    at = end;
    return notation.tokens(reading, window.start(start), window.end(start, end), rule, file);
  }

  /** Tokens of the first rule that matches and applies; null if there is none. */
  private List<Token> apply(RuleIndex index) {
    for (Rule rule : index.at(text.codePointAt(at))) {
      Match match = rule.match(text, at);
      if (match == null || match.end() == at || splits(match.end())) {
        continue;
      }
      String reading = rule.say(match, context);
      if (reading != null) {
        return said(reading, match.end(), rule.name, rule.name.isEmpty() ? "" : rule.file);
      }
    }
    return null;
  }

  /** Whether a match that ends here cuts a word in two, before a letter such as "é". */
  private boolean splits(int end) {
    if (end >= text.length() || text.charAt(end) <= 0x7F) {
      return false;
    }
    return Characters.isLetter(text.codePointAt(end)) && Characters.isLetter(before(end));
  }

  private List<Token> userWord() {
    UserWords.Found found = lexicon.match(text, at);
    if (found == null) {
      return null;
    }
    String ending = rules.possessive;
    int after = found.end + ending.length();
    boolean possessive =
        !ending.isEmpty()
            && text.startsWith(ending, found.end)
            && !(after < text.length() && Characters.isLetter(text.codePointAt(after)));
    int end = possessive ? after : found.end;
    if (found.phones == null) {
      return said(found.respelling + (possessive ? ending : ""), end, "", "");
    }
    String letters = Notation.letters(text.substring(at, found.end));
    return given(letters, possessive ? phones.withPossessive(found.phones) : found.phones, end);
  }

  private List<Token> given(String letters, String phoneText, int end) {
    int start = at;
    at = end;
    return Collections.<Token>singletonList(
        new Word.Builder(letters, window.start(start), window.end(start, end))
            .phones(phoneText)
            .emphasis(emphasis)
            .build());
  }

  private List<Token> symbol() {
    char c = text.charAt(at);
    if (c == '[' && inline) {
      int end = Shapes.phones(text, at);
      if (end >= 0) {
        return given("", phones.phones(text.substring(at + 2, end - 2)), end);
      }
    }
    List<Token> tokens = null;
    if (c == '\'') {
      int end = at > 0 && Characters.isLetterOrNumber(before(at)) ? -1 : rules.contractionEnd(text, at);
      if (end >= 0) {
        return one(text.substring(at, end), end);
      }
      tokens = apply(rules.atApostrophes);
    } else if (ONLY_MARKS.indexOf(c) < 0 && (c != '(' || isDigit(at + 1))) {
      tokens = apply(rules.atSymbols);
    }
    if (tokens != null) {
      return tokens;
    }
    int end = Shapes.marks(text, at);
    return end < 0 ? skip() : mark(end);
  }

  private boolean isDigit(int place) {
    return place < text.length() && Characters.isDecimal(text.codePointAt(place));
  }

  private List<Token> mark(int end) {
    int start = at;
    String run = text.substring(at, end);
    char first = run.charAt(0);
    if (first == '.' && run.length() == 1) {
      int before = before(start);
      boolean inside = before >= 0 && Characters.isLetterOrNumber(before) && end < text.length();
      int after = inside ? text.codePointAt(end) : 0;
      if (inside && (Characters.isLower(after) || Characters.isDecimal(after))) {
        return said(rules.dot, end, "", "");
      }
    }
    at = end;
    if ("?!‽".indexOf(first) >= 0) {
      return marked(run.indexOf('?') >= 0 || run.indexOf('‽') >= 0 ? "?" : "!");
    }
    if (first == '…' || run.startsWith("..")) {
      return marked("…");
    }
    if ("-–—".indexOf(first) >= 0) {
      boolean dash = run.indexOf('—') >= 0 || run.length() > 1;
      if (run.endsWith(" ")) {
        at--; // the blank is left for white space
        dash = start == 0 || isSpace(text.charAt(start - 1));
      }
      return dash ? marked("—") : NOTHING;
    }
    switch (first) {
      case '[':
      case '{':
        return marked("(");
      case ']':
      case '}':
        return marked(")");
      case '|':
        return marked(",");
      default:
        return marked(run);
    }
  }

  private static List<Token> marked(String mark) {
    return Collections.<Token>singletonList(new Mark(mark));
  }

  /** Past white space and the bullet behind it; the break that it is, or null. */
  private Item whiteSpace() {
    int start = at;
    int breaks = 0;
    while (at < text.length() && isSpace(text.charAt(at))) {
      breaks += text.charAt(at) == '\n' ? 1 : 0;
      at++;
    }
    if (breaks == 0) {
      return null;
    }
    int bullet = Shapes.bullet(text, at);
    if (bullet >= 0) {
      at = bullet;
    }
    if (breaks > 1) {
      return Boundary.PARAGRAPH;
    }
    // Hard-wrapped prose has long lines; a short one before a capital is a heading or a verse.
    String line = text.substring(CodePoints.back(text, start, LINE), start);
    line = line.substring(line.lastIndexOf('\n') + 1);
    int following = at < text.length() ? text.codePointAt(at) : 0;
    boolean capital = Characters.isUpper(following) || Characters.isDecimal(following);
    boolean isShort = CodePoints.count(line) < SHORT_LINE && capital;
    return bullet >= 0 || isShort ? Boundary.LINE : null;
  }

  private List<Token> skip() {
    at += Character.charCount(text.codePointAt(at));
    return NOTHING;
  }
}
