package io.github.voicelet;

/** No engine can run a graph of the bundle. */
public class EngineException extends BundleException {
  private static final long serialVersionUID = 1L;

  public EngineException(String message) {
    super(message);
  }

  public EngineException(String message, Throwable cause) {
    super(message, cause);
  }
}
