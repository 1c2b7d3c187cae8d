package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import io.github.voicelet.trust.keys.Hex;
import java.io.File;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where a log continues, after whatever happened to it. */
final class AuditRecovery {
  private final File folder;
  private final File headFile;
  private final byte[] publicKey;
  private final AuditLog.Clock clock;

  AuditRecovery(File folder, File headFile, byte[] publicKey, AuditLog.Clock clock) {
    this.folder = folder;
    this.headFile = headFile;
    this.publicKey = publicKey;
    this.clock = clock;
  }

  /**
   * Where to continue, and events for the damage that was found.
   *
   * <p>Where something is missing, the log continues in a new file from the state that the head records, so that the gap stays
   * visible.
   */
  AuditHead resume(List<AuditEvent> events) throws IOException {
    List<Integer> present = AuditFiles.numbers(folder);
    int newest = present.isEmpty() ? 0 : present.get(present.size() - 1);
    AuditHead head = null;
    String reason = "head-missing";
    try {
      head = AuditFiles.readHead(headFile);
    } catch (AuditException e) {
      reason = "head-damaged";
    }
    if (head != null && !head.isSignedBy(publicKey)) {
      head = null;
      reason = "head-of-another-key";
    }
    if (head == null) {
      AuditRecord last = AuditFiles.lastRecord(folder);
      if (last != null || !reason.equals("head-missing")) {
        events.add(event("break", "reason", reason));
      }
      long count = last == null ? 0 : last.seq();
      return head(count, last == null ? AuditRecord.GENESIS : last.hash(), newest + 1, 0);
    }
    long size = AuditFiles.file(folder, head.file).length();
    if (newest > head.file || size > head.size) {
      return recover(head, present, events);
    }
    if (size < head.size) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("reason", "shorter");
      fields.put("expected_bytes", head.size);
      events.add(new AuditEvent("break", fields, clock.timestamp()));
      return head(head.count, head.hash, Math.max(newest, head.file) + 1, 0);
    }
    return head;
  }

  /**
   * Lines that were written when the machine stopped, before their head was: whole batches are kept, for they are signed; a torn
   * one is cut off, and the log says so.
   */
  private AuditHead recover(AuditHead head, List<Integer> present, List<AuditEvent> events) throws IOException {
    AuditHead lastSigned = head;
    long torn = 0;
    for (int number : present) {
      if (number < head.file) {
        continue;
      }
      File file = AuditFiles.file(folder, number);
      long start = number == head.file ? head.size : 0;
      lastSigned = lastSignedOf(file, number, start, lastSigned);
      long end = lastSigned.file == number ? lastSigned.size : start;
      if (file.length() > end) {
        torn += file.length() - end;
        AuditFiles.cut(file, end);
      }
    }
    if (torn > 0) {
      events.add(event("repair", "torn_bytes", torn));
    }
    return lastSigned;
  }

  private AuditHead lastSignedOf(File file, int number, long start, AuditHead before) throws IOException {
    AuditHead lastSigned = before;
    AuditHead current = before;
    long at = start;
    try (AuditFiles.Lines lines = new AuditFiles.Lines(file, start)) {
      while (lines.next()) {
        AuditRecord record = lines.isWhole ? AuditFiles.recordOrNull(lines.line) : null;
        if (record == null || record.seq() != current.count + 1 || !record.prev().equals(current.hash)) {
          break;
        }
        at += lines.size();
        current = head(record.seq(), record.hash(), number, at);
        if (record.isSignedBy(publicKey)) {
          lastSigned = current;
        }
      }
    }
    return lastSigned;
  }

  private AuditHead head(long count, String hash, int file, long size) {
    return new AuditHead(count, hash, file, size, Hex.of(publicKey), "");
  }

  private AuditEvent event(String name, String field, Object value) {
    return new AuditEvent(name, Collections.singletonMap(field, value), clock.timestamp());
  }
}
