package io.github.voicelet.files;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/** One writer at a time, of all threads and processes: held from {@link #of} to {@link #close}. */
public final class FolderLock implements AutoCloseable {
  private static final ConcurrentMap<String, ReentrantLock> THREADS = new ConcurrentHashMap<>();

  private final ReentrantLock threads;
  private final RandomAccessFile file;
  private final FileLock processes;

  private FolderLock(ReentrantLock threads, RandomAccessFile file, FileLock processes) {
    this.threads = threads;
    this.file = file;
    this.processes = processes;
  }

  /**
   * Wait for the lock of a file, which is made and stays.
   *
   * @throws IOException it can't be made, or is a link; nothing is held then.
   */
  public static FolderLock of(File lock) throws IOException {
    ReentrantLock threads = THREADS.computeIfAbsent(lock.getCanonicalPath(), path -> new ReentrantLock());
    threads.lock();
    RandomAccessFile file = null;
    try {
      if (threads.getHoldCount() > 1) { // a file can be locked once a process
        return new FolderLock(threads, null, null);
      }
      OwnFiles.refuseLink(lock);
      if (lock.exists() && !lock.isFile()) {
        throw new IOException("not a file; remove it");
      }
      file = new RandomAccessFile(lock, "rw");
      FolderLock held = new FolderLock(threads, file, file.getChannel().lock());
      file = null;
      threads = null;
      return held;
    } finally {
      if (file != null) {
        file.close();
      }
      if (threads != null && (threads.getHoldCount() == 1)) {
        threads.unlock();
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      if (file != null) {
        processes.release();
        file.close();
      }
    } finally {
      threads.unlock();
    }
  }
}
