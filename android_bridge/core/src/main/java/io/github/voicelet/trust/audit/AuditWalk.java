package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A walk along the chain: whether a log is as it was written, every line, the chain, the signatures, the head. */
final class AuditWalk {
  private static final int MAX_PROBLEMS = 100;

  private final byte[] publicKey;
  private final List<AuditProblem> problems = new ArrayList<>();
  private final Set<String> prunes = new HashSet<>();
  private final Set<Long> counts = new HashSet<>();
  /** Of the records that heads name. */
  private final Map<Long, String> hashes = new HashMap<>();

  private long count;
  private String prev = AuditRecord.GENESIS;
  private long signed; // the number of the last record that a signature holds for

  long records;
  String first = "";
  String last = "";
  long repairs;
  AuditRecord start;

  private AuditWalk(byte[] publicKey) {
    this.publicKey = publicKey;
  }

  /**
   * Look at every byte.
   *
   * @param since an earlier head, kept elsewhere; null for none.
   * @throws IOException a file can't be read.
   */
  static AuditReport check(File folder, File headFile, byte[] publicKey, AuditHead since) throws IOException {
    AuditWalk walk = new AuditWalk(publicKey);
    AuditHead head = walk.genuineHead(headFile);
    if (head != null) {
      walk.counts.add(head.count);
    }
    if (since != null) {
      walk.counts.add(since.count);
    }
    Tail tail = walk.new Tail();
    List<Integer> files = AuditFiles.numbers(folder);
    for (int number : files) {
      File file = AuditFiles.file(folder, number);
      long at = 0;
      int line = 0;
      try (AuditFiles.Lines lines = new AuditFiles.Lines(file, 0)) {
        while (lines.next()) {
          String where = "line " + ++line + " of " + file.getName();
          if (head != null && (number > head.file || (number == head.file && at >= head.size))) {
            tail.add(lines.isWhole ? lines.line : new byte[0], lines.size(), where);
          } else {
            walk.stepLine(lines.line, lines.isWhole, where);
          }
          at += lines.size();
        }
      }
    }
    if (walk.signed < walk.count) {
      walk.add("signature", span(walk.signed + 1, walk.count) + " not signed");
    }
    walk.compare(head, headFile.getName());
    if (since != null) {
      walk.compareCheckpoint(since);
    }
    return new AuditReport(walk, files.size(), tail.bytes);
  }

  List<AuditProblem> problems() {
    return Collections.unmodifiableList(problems);
  }

  private void add(String kind, String message) {
    if (problems.size() < MAX_PROBLEMS) {
      problems.add(new AuditProblem(kind, message));
    }
  }

  private void stepLine(byte[] line, boolean isWhole, String where) {
    AuditRecord record;
    try {
      record = AuditRecord.parse(line);
    } catch (AuditException e) {
      add("edited", where + ", after record " + count + ", was changed: " + e.getMessage());
      return;
    }
    if (!isWhole) {
      add("edited", "the end of " + where + ", record " + record.seq() + ", was cut off");
    }
    step(record, where);
  }

  private void step(AuditRecord record, String where) {
    if (start == null) {
      start = record; // may come late, if a record says that older files were deleted
    } else if (record.seq() > count + 1) {
      add("missing", span(count + 1, record.seq() - 1) + " missing before " + where);
    } else if (record.seq() <= count) {
      add("order", "record " + record.seq() + " stands after record " + count + ", at " + where);
    } else if (!record.prev().equals(prev)) {
      String name = count > 0 ? "record " + count : "the beginning";
      add("edited", name + " was changed: " + where + " was chained to another one");
    }
    count = record.seq();
    prev = record.hash();
    records++;
    first = first.isEmpty() ? record.time() : first;
    last = record.time();
    if (record.hasSignature()) {
      if (record.isSignedBy(publicKey)) {
        signed = record.seq();
      } else {
        add("signature", "the signature of record " + record.seq() + " isn't this device's");
      }
    }
    noteEvent(record);
    if (counts.contains(record.seq())) {
      hashes.put(record.seq(), prev);
    }
  }

  private void noteEvent(AuditRecord record) {
    Map<String, Object> fields = record.fields();
    if (record.event().equals("break")) {
      String reason = String.valueOf(fields.getOrDefault("reason", "?")).replace('-', ' ');
      add("break", "the log was found broken before record " + record.seq() + ": " + reason);
    } else if (record.event().equals("repair")) {
      repairs++;
    } else if (record.event().equals("prune")) {
      prunes.add(fields.getOrDefault("first", 0L) + " " + fields.getOrDefault("prev", ""));
    }
  }

  private AuditHead genuineHead(File file) throws IOException {
    AuditHead head;
    try {
      head = AuditFiles.readHead(file);
    } catch (AuditException e) {
      add("head", file.getName() + " was changed: " + e.getMessage());
      return null;
    }
    if (head != null && !head.isSignedBy(publicKey)) {
      add("head", file.getName() + " was changed, or is another device's: its signature doesn't hold");
      return null;
    }
    return head;
  }

  private void compare(AuditHead head, String name) {
    if (head == null) {
      if (records > 0 && problems.isEmpty()) {
        add("head", name + " is missing: records may have been cut from the end");
      }
      return;
    }
    if (count < head.count) {
      add("cut", span(count + 1, head.count) + " missing at the end, says " + name);
    } else if (head.count > 0 && !hashes.containsKey(head.count)) {
      add("missing", "record " + head.count + ", which " + name + " names, is missing");
    } else if (head.count > 0 && !hashes.get(head.count).equals(head.hash)) {
      add("edited", "record " + head.count + " was changed, says " + name);
    }
    if (start != null && start.seq() > 1 && !prunes.contains(start.seq() + " " + start.prev())) {
      add("missing", span(1, start.seq() - 1) + " missing at the beginning");
    } else if (start != null && start.seq() == 1 && !start.prev().equals(AuditRecord.GENESIS)) {
      add("edited", "record 1 is chained to something before it");
    }
  }

  private void compareCheckpoint(AuditHead since) {
    if (!since.isSignedBy(publicKey)) {
      add("head", "the checkpoint isn't this device's");
    } else if (count < since.count) {
      add("cut", span(count + 1, since.count) + " missing, says the checkpoint");
    } else if (hashes.containsKey(since.count) && !hashes.get(since.count).equals(since.hash)) {
      add("edited", "record " + since.count + " isn't the one of the checkpoint");
    }
  }

  private static String span(long first, long last) {
    return first == last ? "record " + first + " is" : "records " + first + " to " + last + " are";
  }

  /**
   * Lines after the state that the head records: whole, signed batches are part of the log (the machine stopped before their head
   * was written); anything else isn't.
   */
  private final class Tail {
    private final List<AuditRecord> batch = new ArrayList<>();
    private final List<String> places = new ArrayList<>();
    private boolean isOver;
    long bytes;

    void add(byte[] line, int size, String where) {
      bytes += size;
      AuditRecord before = batch.isEmpty() ? null : batch.get(batch.size() - 1);
      long lastSeq = before == null ? count : before.seq();
      String lastHash = before == null ? prev : before.hash();
      AuditRecord record = AuditFiles.recordOrNull(line);
      if (record == null || isOver || record.seq() != lastSeq + 1 || !record.prev().equals(lastHash)) {
        isOver = true;
        return;
      }
      batch.add(record);
      places.add(where);
      if (record.isSignedBy(publicKey)) {
        for (int i = 0; i < batch.size(); i++) {
          step(batch.get(i), places.get(i));
        }
        batch.clear();
        places.clear();
        bytes = 0;
      }
    }
  }
}
