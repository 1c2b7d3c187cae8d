package io.github.voicelet.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnFilesTest {
  @TempDir Path folder;

  private File file(String name) {
    return folder.resolve(name).toFile();
  }

  private List<String> names() {
    List<String> names = new ArrayList<>();
    for (String name : folder.toFile().list()) {
      names.add(name);
    }
    return names;
  }

  @Test
  void readsUpToItsLimitAndNothingThatIsNoFile() throws IOException {
    OwnFiles.write(file("a"), new byte[100]);
    assertEquals(100, OwnFiles.readIfThere(file("a"), 100).length);
    assertThrows(IOException.class, () -> OwnFiles.readIfThere(file("a"), 99));
    assertNull(OwnFiles.readIfThere(file("b"), 100));
    Files.createDirectory(folder.resolve("folder"));
    assertThrows(IOException.class, () -> OwnFiles.readIfThere(file("folder"), 100));
    assertThrows(IOException.class, () -> OwnFiles.readIfThere(new File("/dev/zero"), 100));
    Files.createSymbolicLink(folder.resolve("link"), folder.resolve("a"));
    Files.createSymbolicLink(folder.resolve("dangling"), folder.resolve("nothing"));
    for (String name : new String[] {"link", "dangling"}) {
      assertTrue(OwnFiles.isLink(file(name)), name);
      assertThrows(IOException.class, () -> OwnFiles.readIfThere(file(name), 100), name);
      assertThrows(IOException.class, () -> OwnFiles.write(file(name), new byte[1]), name);
    }
    assertFalse(Files.exists(folder.resolve("nothing")));
    // A folder above may be a link.
    Files.createSymbolicLink(folder.resolve("above"), folder.resolve("folder"));
    OwnFiles.write(file("above/c"), new byte[] {7});
    assertArrayEquals(new byte[] {7}, OwnFiles.readIfThere(file("folder/c"), 1));
  }

  @Test
  void writesWholeOrNotAtAllAndForTheOwnerAlone() throws IOException {
    OwnFiles.write(file("a"), new byte[] {1});
    OwnFiles.write(file("a"), new byte[] {2, 3});
    assertArrayEquals(new byte[] {2, 3}, Files.readAllBytes(folder.resolve("a")));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("a"))));
    Files.createDirectories(folder.resolve("b/full"));
    assertThrows(IOException.class, () -> OwnFiles.write(file("b"), new byte[] {1}));
    assertThrows(IOException.class, () -> OwnFiles.write(file("missing/a"), new byte[] {1}));
    assertTrue(names().stream().noneMatch(name -> name.endsWith(".part")));
    OwnFiles.makePrivateFolder(file("x/y"));
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("x"))));
    assertThrows(IOException.class, () -> OwnFiles.makePrivateFolder(file("a/y")));
  }

  @Test
  void removesWhatAKilledWriterLeftAndNothingElse() throws IOException {
    String[] names = {".voicelet-0123456789abcdef.part", ".voicelet-0123456789abcde0.part", "other.part"};
    for (String name : names) {
      Files.write(folder.resolve(name), new byte[1]);
    }
    assertTrue(file(names[0]).setLastModified(1_000_000) && file(names[2]).setLastModified(1_000_000));
    OwnFiles.write(file("a"), new byte[1]);
    assertFalse(file(names[0]).exists());
    assertTrue(file(names[1]).exists() && file(names[2]).exists());
  }

  @Test
  void deletesAFolderButNotWhatItsLinksPointTo() throws IOException {
    Path kept = Files.createDirectory(folder.resolve("kept"));
    Files.write(kept.resolve("a"), new byte[1]);
    Files.createDirectories(folder.resolve("gone/inside"));
    Files.createSymbolicLink(folder.resolve("gone/inside/link"), kept);
    OwnFiles.deleteFolder(file("gone"));
    assertFalse(file("gone").exists());
    assertTrue(file("kept/a").exists());
  }

  @Test
  void oneThreadAtATimeHoldsALock() throws Exception {
    int[] count = {0};
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      Thread thread = new Thread(() -> countUp(count));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(4 * 50, count[0]);
    FolderLock outer = FolderLock.of(file(".lock"));
    FolderLock.of(file(".lock")).close(); // the same thread may take it twice
    outer.close();
    Files.createSymbolicLink(folder.resolve("link"), folder.resolve("a"));
    assertThrows(IOException.class, () -> FolderLock.of(file("link")));
    FolderLock.of(file(".lock")).close(); // nothing is held after a failure
  }

  private void countUp(int[] count) {
    for (int n = 0; n < 50; n++) {
      try {
        FolderLock lock = FolderLock.of(file(".lock"));
        try {
          int before = count[0];
          Thread.yield();
          count[0] = before + 1;
        } finally {
          lock.close();
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
