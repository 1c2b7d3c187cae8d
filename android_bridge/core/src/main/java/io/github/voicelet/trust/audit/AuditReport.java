package io.github.voicelet.trust.audit;

import java.util.List;

/** What a look at every byte of a log found. Immutable. */
public final class AuditReport {
  private final long records;
  private final int files;
  private final String first;
  private final String last;
  private final List<AuditProblem> problems;
  private final long unfinishedBytes;
  private final long repairs;
  private final long pruned;

  AuditReport(AuditWalk walk, int files, long unfinishedBytes) {
    this.records = walk.records;
    this.files = files;
    this.first = walk.first;
    this.last = walk.last;
    this.problems = walk.problems();
    this.unfinishedBytes = unfinishedBytes;
    this.repairs = walk.repairs;
    this.pruned = walk.start == null ? 0 : walk.start.seq() - 1;
  }

  /** Records that the log holds. */
  public long records() {
    return records;
  }

  /** Files that it is spread over. */
  public int files() {
    return files;
  }

  /** Time of the first record; "" where there is none. */
  public String first() {
    return first;
  }

  /** Time of the last record; "" where there is none. */
  public String last() {
    return last;
  }

  /** At most 100; empty for an intact log. */
  public List<AuditProblem> problems() {
    return problems;
  }

  /**
   * After the last whole batch: the machine stopped in mid-write, or somebody added them; no part of the log, and cut off when it
   * is next written to.
   */
  public long unfinishedBytes() {
    return unfinishedBytes;
  }

  /** Times that such an end was cut off, as the log itself says. */
  public long repairs() {
    return repairs;
  }

  /** Records that the log says were deleted with old files. */
  public long pruned() {
    return pruned;
  }
}
