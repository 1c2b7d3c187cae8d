package io.github.voicelet.text;

import java.util.Set;

/** Words by which a sentence shows what it asks of the pitch. */
public final class Melody {
  /** "what", "why" and the like. */
  public final Set<String> questionWords;

  /** Words that begin a yes-no question or a tag. */
  public final Set<String> asking;

  /** Words that a question may open with before it really begins. */
  public final Set<String> openers;

  /** "and" and "or". */
  public final Set<String> coordinators;

  /** The word between the offers of a choice. */
  public final String choice;

  /** What follows {@link #choice} where no choice is offered ("or so"). */
  public final Set<String> noChoice;

  /** See the fields. */
  public Melody(
      Set<String> questionWords,
      Set<String> asking,
      Set<String> openers,
      Set<String> coordinators,
      String choice,
      Set<String> noChoice) {
    this.questionWords = questionWords;
    this.asking = asking;
    this.openers = openers;
    this.coordinators = coordinators;
    this.choice = choice;
    this.noChoice = noChoice;
  }
}
