package io.github.voicelet.trust.audit;

import io.github.voicelet.ConfigException;
import io.github.voicelet.TrustException;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Hmac;
import io.github.voicelet.trust.keys.SigningKey;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Notes what happens on this device, and never stands in the way of speech.
 *
 * <p>What happens all the time ("use") is kept in memory until {@link #flush}, the next other event, or until there is much of it;
 * everything else is on the disk when {@link #note} returns. What can't be written is kept and tried again. Threads may share one.
 */
public final class AuditRecorder {
  /** Fields whose text is never kept: a keyed hash of it takes its place. */
  public static final Set<String> HIDDEN =
      Collections.unmodifiableSet(
          new HashSet<>(
              Arrays.asList("name", "profile", "speaker", "person", "owner", "given_by", "recipient", "text")));

  private static final String BUFFERED = "use";
  private static final String PSEUDONYM = "voicelet-audit-pseudonym-1";
  private static final int WRITE_AT = 64;
  /** Kept while the disk is full; then the oldest are dropped, and the log says how many. */
  private static final int MOST_BUFFERED = 10_000;

  private final AuditLog log;
  private final byte[] pseudonymKey;
  private final Deque<AuditEvent> waiting = new ArrayDeque<>();
  private long lost;

  /**
   * @param log this device's.
   * @param key this device's: names are hashed under one derived of it, so that nobody without it can try names out.
   */
  public AuditRecorder(AuditLog log, SigningKey key) {
    this.log = log;
    this.pseudonymKey = key.derived(PSEUDONYM);
  }

  /**
   * Note an event.
   *
   * @param fields short facts; text under the names in {@link #HIDDEN} becomes a keyed hash at once.
   * @return whether nothing is waiting that should be on the disk.
   * @throws ConfigException the event or a field can't be noted.
   */
  public synchronized boolean note(String event, Map<String, ?> fields) {
    Map<String, Object> hashed = new LinkedHashMap<>();
    for (Map.Entry<String, ?> field : fields.entrySet()) {
      boolean isHidden = HIDDEN.contains(field.getKey()) && field.getValue() instanceof String;
      hashed.put(field.getKey(), isHidden ? pseudonym((String) field.getValue()) : field.getValue());
    }
    waiting.add(AuditEvent.now(event, hashed));
    if (waiting.size() > MOST_BUFFERED) {
      waiting.remove();
      lost++;
    }
    return (event.equals(BUFFERED) && waiting.size() < WRITE_AT) || flush();
  }

  /**
   * Write what is waiting; call it when the app goes to the background.
   *
   * @return whether it was written; else it waits on.
   */
  public synchronized boolean flush() {
    List<AuditEvent> events = new ArrayList<>(waiting);
    if (lost > 0) {
      events.add(0, new AuditEvent("lost", Collections.singletonMap("events", lost), events.get(0).time()));
    }
    try {
      log.extend(events);
    } catch (TrustException e) {
      return false; // a failure of the log never stops speech
    }
    waiting.clear();
    lost = 0;
    return true;
  }

  /** The hash that is logged in place of a name or a text (32 hexadecimal digits); always the same on this device. */
  public String pseudonym(String value) {
    byte[] digest = Hex.sha256(value).getBytes(StandardCharsets.US_ASCII);
    return Hex.of(Hmac.sha256(pseudonymKey, digest)).substring(0, 32);
  }
}
