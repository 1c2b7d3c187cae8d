package io.github.voicelet;

/** There is no profile of that name. */
public class ProfileNotFoundException extends ProfileException {
  private static final long serialVersionUID = 1L;

  public ProfileNotFoundException(String message) {
    super(message);
  }

  public ProfileNotFoundException(String message, Throwable cause) {
    super(message, cause);
  }
}
