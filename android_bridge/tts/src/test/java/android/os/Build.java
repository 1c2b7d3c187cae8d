package android.os;

/** Stands before Android's own class in tests, for that one needs native code: which version a device has is said by the test. */
public final class Build {
  private Build() {}

  /** As Android has it, but for the value. */
  public static final class VERSION {
    public static int SDK_INT = 24;

    private VERSION() {}
  }

  /** Those that are asked for. */
  public static final class VERSION_CODES {
    public static final int O = 26;

    private VERSION_CODES() {}
  }
}
