package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.files.FolderLock;
import io.github.voicelet.files.OwnFiles;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * The latest time that this device has seen, and whether a consent record is dated in the future.
 *
 * <p>Nobody has agreed yet to a record that is dated later than now. But a device whose clock was reset must not fall silent for
 * that: a record is compared with the latest time that was kept, too, and a clock that shows a time before this voicelet was made
 * says nothing at all.
 */
public final class LatestTime {
  /** A clock that keeps local time, or runs ahead, on the device that signed. */
  private static final long TOLERANCE_S = 24 * 3600;

  /** 2026-11-01: no right clock shows an earlier time than this to this voicelet. */
  private static final long MADE_S = 1_793_491_200L;

  private static final int MAX_BYTES = 64;
  private static final long NEVER = Long.MIN_VALUE;

  private final File file;

  /** Kept in one file. */
  public LatestTime(File file) {
    this.file = file;
  }

  /**
   * Keep the time, if it is later than any that was kept. Nothing happens where the disk can't be written: it matters only once
   * the clock is behind.
   *
   * @param nowS seconds since 1970.
   * @return whether the latest time is kept now.
   */
  public boolean remember(long nowS) {
    try {
      OwnFiles.makePrivateFolder(file.getAbsoluteFile().getParentFile());
      FolderLock lock = FolderLock.of(new File(file.getPath() + ".lock"));
      try {
        if (nowS > latestS()) {
          OwnFiles.write(file, UtcTime.format(nowS).getBytes(StandardCharsets.US_ASCII));
        }
        return true;
      } finally {
        lock.close();
      }
    } catch (IOException e) {
      return false;
    }
  }

  /** The latest time that was kept; the earliest there is without one, or if the file is damaged. */
  private long latestS() {
    try {
      byte[] raw = OwnFiles.readIfThere(file, MAX_BYTES);
      return raw == null ? NEVER : UtcTime.parse("the latest time", new String(raw, StandardCharsets.US_ASCII));
    } catch (IOException | ConsentException e) {
      return NEVER; // it is made anew
    }
  }

  /**
   * Refuse the date of a record that lies in the future.
   *
   * @param createdS of the record, seconds since 1970.
   * @param nowS by the clock.
   * @throws ConsentException it does, by more than a day.
   */
  void checkNotAhead(long createdS, long nowS) {
    if (createdS <= nowS + TOLERANCE_S || nowS < MADE_S) {
      return;
    }
    if (createdS - TOLERANCE_S <= latestS()) {
      return;
    }
    throw new ConsentException(
        "the consent is dated "
            + UtcTime.format(createdS)
            + ", and it is "
            + UtcTime.format(nowS)
            + " by this device's clock; set the clock if it is wrong, otherwise ask for consent again");
  }
}
