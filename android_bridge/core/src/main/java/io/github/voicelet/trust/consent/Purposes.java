package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.text.pack.Nearest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/** What a voice may be used for. */
public final class Purposes {
  /** By the speaker, for themselves. */
  public static final String OWN_USE = "own-use";

  /** A communication aid speaks for the speaker; others may operate it. */
  public static final String ASSISTIVE = "assistive";

  /** All of them: also for the public or for customers, for a study, and for federated learning. */
  public static final List<String> ALL =
      Collections.unmodifiableList(Arrays.asList(OWN_USE, ASSISTIVE, "publishing", "research", "federation"));

  /**
   * What a consent may allow by itself that somebody only wrote down, and one that another device signed: the speaker's own use.
   * More needs a second signature, or a trusted signer.
   */
  public static final List<String> BY_STATEMENT = Collections.unmodifiableList(Arrays.asList(OWN_USE, ASSISTIVE));

  private Purposes() {}

  /**
   * A purpose, if it is one.
   *
   * @throws ConsentException it isn't; the nearest is named.
   */
  public static String check(Object purpose) {
    if (!(purpose instanceof String) || !ALL.contains(purpose)) {
      String near = purpose instanceof String ? Nearest.didYouMean((String) purpose, ALL) : "";
      throw new ConsentException("no purpose '" + purpose + "'" + near + "; there are " + ALL);
    }
    return (String) purpose;
  }

  /**
   * Purposes without repetitions, in the order of {@link #ALL}.
   *
   * @throws ConsentException there is none, or one that doesn't exist.
   */
  public static List<String> checkAll(Collection<?> purposes) {
    for (Object purpose : purposes) {
      check(purpose);
    }
    if (purposes.isEmpty()) {
      throw new ConsentException("a consent needs a purpose; there are " + ALL);
    }
    List<String> ordered = new ArrayList<>(ALL);
    ordered.retainAll(purposes);
    return Collections.unmodifiableList(ordered);
  }

  /** Whether a consent to some purposes covers a use; an aid is its owner's own use, whichever of the two it names. */
  public static boolean cover(Collection<String> granted, String purpose) {
    return BY_STATEMENT.contains(purpose)
        ? !Collections.disjoint(granted, BY_STATEMENT)
        : granted.contains(purpose);
  }
}
