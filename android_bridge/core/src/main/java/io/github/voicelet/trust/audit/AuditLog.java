package io.github.voicelet.trust.audit;

import io.github.voicelet.AuditException;
import io.github.voicelet.ConfigException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.Hex;
import io.github.voicelet.trust.keys.Signatures;
import io.github.voicelet.trust.keys.SigningKey;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An append-only log whose every record holds the hash of the one before, signed by the device.
 *
 * <p>An edit, a deletion, a swap or a cut is found by whoever has the device's public key. What can't be found on this machine
 * alone is that all of it, the head too, was put back to an older state: keep a {@link #head} elsewhere. Processes and threads may
 * share a log.
 */
public final class AuditLog {
  private static final long ROTATE_BYTES = 4 << 20;

  private final File folder;
  private final File headFile;
  private final SigningKey key;
  private final byte[] publicKey;
  private final Clock clock;

  /** Says when, as records have it. */
  interface Clock {
    String timestamp();
  }

  private AuditLog(File folder, File headFile, SigningKey key, byte[] publicKey, Clock clock) {
    this.folder = folder;
    this.headFile = headFile;
    this.key = key;
    this.publicKey = publicKey;
    this.clock = clock;
    if (publicKey.length != Signatures.PUBLIC_KEY_BYTES) {
      throw new ConfigException("a public key has 32 bytes, not " + publicKey.length);
    }
  }

  /**
   * To read and write.
   *
   * @param folder made when first written to.
   * @param headFile where the head is kept; in another folder than the files it tells of the removal of the whole log, too.
   * @param key the device's.
   */
  public AuditLog(File folder, File headFile, SigningKey key) {
    this(folder, headFile, key, key.publicKey(), () -> AuditEvent.timestamp(System.currentTimeMillis()));
  }

  /** To read, with a device's public key (32 bytes). */
  public AuditLog(File folder, File headFile, byte[] publicKey) {
    this(folder, headFile, null, publicKey.clone(), () -> AuditEvent.timestamp(System.currentTimeMillis()));
  }

  AuditLog(File folder, SigningKey key, Clock clock) {
    this(folder, new File(folder, "head.json"), key, key.publicKey(), clock);
  }

  /**
   * Note one event of now; it is on the disk when this returns.
   *
   * @param fields texts, whole numbers, doubles, booleans.
   * @throws ConfigException the event or a field can't be noted.
   * @throws AuditException it can't be written; the log is as it was.
   */
  public void append(String event, Map<String, ?> fields) {
    extend(Collections.singletonList(new AuditEvent(event, fields, clock.timestamp())));
  }

  /**
   * Note events, all or none.
   *
   * @throws AuditException they can't be written; the log is as it was.
   */
  public void extend(List<AuditEvent> events) {
    if (events.isEmpty()) {
      return;
    }
    writing(
        () -> {
          List<AuditEvent> all = new ArrayList<>();
          AuditHead head = new AuditRecovery(folder, headFile, publicKey, clock).resume(all);
          all.addAll(events);
          if (head.size >= ROTATE_BYTES) {
            head = signedHead(head.count, head.hash, head.file + 1, 0);
          }
          appendBatch(head, all);
        });
  }

  /**
   * Continue in a new file.
   *
   * @param keep how many of the newest files to keep, the new one among them; older ones are deleted, and the log says so. 0 keeps
   *     all.
   * @throws AuditException it can't be written.
   */
  public void rotate(int keep) {
    if (keep < 0) {
      throw new ConfigException("a log can't keep " + keep + " files");
    }
    writing(
        () -> {
          List<AuditEvent> repairs = new ArrayList<>();
          AuditHead head = new AuditRecovery(folder, headFile, publicKey, clock).resume(repairs);
          if (!repairs.isEmpty()) {
            head = appendBatch(head, repairs);
          }
          if (head.size > 0) {
            head = signedHead(head.count, head.hash, head.file + 1, 0);
            OwnFiles.write(headFile, head.toBytes());
          }
          if (keep > 0) {
            prune(head, keep);
          }
        });
  }

  /**
   * The current head of the log: keep it elsewhere and give it to {@link #verify}.
   *
   * @throws AuditException there is none, or it is damaged.
   */
  public AuditHead head() {
    AuditHead head;
    try {
      head = AuditFiles.readHead(headFile);
    } catch (IOException e) {
      throw explained("read", e);
    }
    if (head == null) {
      throw new AuditException(headFile + ": there is no log yet, or its head was removed");
    }
    return head;
  }

  /**
   * All records that can be read, the oldest first; without checking that they are genuine.
   *
   * @throws AuditException a file can't be read.
   */
  public List<AuditRecord> records() {
    List<AuditRecord> all = new ArrayList<>();
    try {
      for (int number : AuditFiles.numbers(folder)) {
        try (AuditFiles.Lines lines = new AuditFiles.Lines(AuditFiles.file(folder, number), 0)) {
          while (lines.next()) {
            AuditRecord record = AuditFiles.recordOrNull(lines.line);
            if (record != null) {
              all.add(record);
            }
          }
        }
      }
    } catch (IOException e) {
      throw explained("read", e);
    }
    return all;
  }

  /**
   * Ids of the consents whose withdrawal this log holds, signed; for {@code Revocations.expect}.
   *
   * @throws AuditException a file can't be read.
   */
  public Set<String> withdrawnConsents() {
    Set<String> found = new LinkedHashSet<>();
    List<String> batch = new ArrayList<>();
    String before = "";
    for (AuditRecord record : records()) {
      if (!record.prev().equals(before)) {
        batch.clear(); // what follows was put in between: its signature isn't theirs
      }
      before = record.hash();
      Object consent = record.fields().get("consent");
      if (record.event().equals("revocation") && Hex.isHex(consent, 32)) {
        batch.add((String) consent);
      }
      if (record.hasSignature()) { // the last of a batch: it holds for those before it
        if (!batch.isEmpty() && record.isSignedBy(publicKey)) {
          found.addAll(batch);
        }
        batch.clear();
      }
    }
    return found;
  }

  /**
   * Look at every byte.
   *
   * @param since an earlier head, kept elsewhere: the log must still hold all it held then; null for none.
   * @return what was found; its problems are empty where nothing is wrong.
   * @throws AuditException a file can't be read.
   */
  public AuditReport check(AuditHead since) {
    try {
      FolderLock lock = lockIfPossible();
      try {
        return AuditWalk.check(folder, headFile, publicKey, since);
      } finally {
        if (lock != null) {
          lock.close();
        }
      }
    } catch (IOException e) {
      throw explained("read", e);
    }
  }

  /**
   * As {@link #check}.
   *
   * @throws AuditException the log was edited, cut, reordered or isn't this device's; with the first problem, and how many there
   *     are.
   */
  public AuditReport verify(AuditHead since) {
    AuditReport report = check(since);
    if (!report.problems().isEmpty()) {
      int more = report.problems().size() - 1;
      throw new AuditException(
          "the audit log isn't intact: " + report.problems().get(0) + (more > 0 ? " (and " + more + " more)" : ""));
    }
    return report;
  }

  /** Append a batch, its last line signed, and then the head. */
  private AuditHead appendBatch(AuditHead head, List<AuditEvent> events) throws IOException {
    ByteArrayOutputStream batch = new ByteArrayOutputStream();
    long seq = head.count;
    String prev = head.hash;
    for (AuditEvent event : events) {
      AuditRecord record = AuditRecord.of(++seq, event, prev);
      if (seq == head.count + events.size()) {
        record = record.signed(key);
      }
      batch.write(record.line());
      batch.write('\n');
      prev = record.hash();
    }
    AuditFiles.append(AuditFiles.file(folder, head.file), batch.toByteArray());
    AuditHead next = signedHead(seq, prev, head.file, head.size + batch.size());
    OwnFiles.write(headFile, next.toBytes());
    return next;
  }

  private AuditHead signedHead(long count, String hash, int file, long size) {
    return new AuditHead(count, hash, file, size, Hex.of(publicKey), "").signed(key);
  }

  private void prune(AuditHead head, int keep) throws IOException {
    List<Integer> older = new ArrayList<>();
    for (int number : AuditFiles.numbers(folder)) {
      if (number <= head.file - keep) {
        older.add(number);
      }
    }
    if (older.isEmpty()) {
      return;
    }
    AuditRecord first = null;
    for (int number = older.get(older.size() - 1) + 1; number <= head.file && first == null; number++) {
      File file = AuditFiles.file(folder, number);
      if (file.exists()) {
        try (AuditFiles.Lines lines = new AuditFiles.Lines(file, 0)) {
          first = lines.next() ? AuditRecord.parse(lines.line) : null;
        }
      }
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("first", first == null ? head.count + 1 : first.seq());
    fields.put("prev", first == null ? head.hash : first.prev());
    fields.put("files", older.size());
    appendBatch(head, Collections.singletonList(new AuditEvent("prune", fields, clock.timestamp())));
    for (int number : older) {
      if (!OwnFiles.delete(AuditFiles.file(folder, number))) {
        throw new IOException(AuditFiles.file(folder, number) + " can't be removed");
      }
    }
  }

  /** What is done under the lock. */
  private interface Writing {
    void run() throws IOException;
  }

  private void writing(Writing action) {
    if (key == null) {
      throw new AuditException("this log was opened with a public key; it can be read only");
    }
    try {
      OwnFiles.makePrivateFolder(folder);
      OwnFiles.makePrivateFolder(headFile.getAbsoluteFile().getParentFile());
      FolderLock lock = FolderLock.of(new File(folder, ".lock"));
      try {
        action.run();
      } finally {
        lock.close();
      }
    } catch (IOException e) {
      throw explained("write", e);
    }
  }

  private FolderLock lockIfPossible() {
    try {
      return folder.isDirectory() ? FolderLock.of(new File(folder, ".lock")) : null;
    } catch (IOException e) {
      return null; // a copy on a medium that can't be written
    }
  }

  private AuditException explained(String what, IOException error) {
    return new AuditException(
        "can't " + what + " the audit log in " + folder + ": " + error.getMessage()
            + "; check the folder's permissions and free space",
        error);
  }
}
