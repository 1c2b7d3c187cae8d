package io.github.voicelet.text;

/** What an SSML document says, in order: text, elements that say how to read theirs, breaks, marks, and where blocks begin and end. */
abstract class SsmlEvent {
  private SsmlEvent() {}

  /** What holds for a stretch of text. */
  static final class Style {
    static final Style PLAIN = new Style(Prosody.PLAIN, Emphasis.NONE, null);

    /** Of prosody elements. */
    final Prosody prosody;

    /** Of emphasis elements. */
    final Emphasis emphasis;

    /** BCP 47 tag of the innermost {@code xml:lang}; null where there is none, or an empty one. */
    final String language;

    Style(Prosody prosody, Emphasis emphasis, String language) {
      this.prosody = prosody;
      this.emphasis = emphasis;
      this.language = language;
    }

    Style with(Prosody other) {
      return new Style(other, emphasis, language);
    }

    Style with(Emphasis other) {
      return new Style(prosody, other, language);
    }

    Style in(String otherLanguage) {
      return new Style(prosody, emphasis, otherLanguage);
    }

    boolean isLike(Style other) {
      boolean sameLanguage = language == null ? other.language == null : language.equals(other.language);
      return sameLanguage && emphasis == other.emphasis && prosody.equals(other.prosody);
    }
  }

  /** Text to be read, as it stands in the source. */
  static final class Text extends SsmlEvent {
    final SourcePiece piece;
    final Style style;

    Text(SourcePiece piece, Style style) {
      this.piece = piece;
      this.style = style;
    }
  }

  /** An element that says how to read its text: say-as, sub, phoneme. */
  static final class Say extends SsmlEvent {
    /** The element's own, at its span in code points. */
    final SourcePiece source;

    final Style style;

    /** What a say-as asks for, or "". */
    String interpret = "";

    /** Of a say-as, or "". */
    String format = "";

    /** Of a sub; null for none. */
    String alias;

    /** Of a phoneme; null for none. */
    String phones;

    Say(SourcePiece source, Style style) {
      this.source = source;
      this.style = style;
    }
  }

  /** A pause, in milliseconds; 0 joins what stands around it. */
  static final class Break extends SsmlEvent {
    final int pauseMs;

    Break(int pauseMs) {
      this.pauseMs = pauseMs;
    }
  }

  /** A named place, at a code point of the caller's text. */
  static final class Named extends SsmlEvent {
    final String name;
    final int position;

    Named(String name, int position) {
      this.name = name;
      this.position = position;
    }
  }

  /** The start or end of a paragraph or sentence. */
  static final class Block extends SsmlEvent {
    final boolean paragraph;

    Block(boolean paragraph) {
      this.paragraph = paragraph;
    }
  }
}
