package io.github.voicelet.trust.consent;

import io.github.voicelet.ConsentException;
import io.github.voicelet.files.OwnFiles;
import io.github.voicelet.trust.keys.SigningKey;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What a record is to say, before a device signs it. Whether what was spoken is true has to be checked before. */
public final class ConsentDraft {
  private final Map<String, Object> values = new LinkedHashMap<>();

  private ConsentDraft(String speaker, String voiceSha256) {
    values.put("id", OwnFiles.randomHex(16));
    values.put("speaker", ConsentText.check("the speaker", speaker, false));
    values.put("given_by", values.get("speaker"));
    values.put("purposes", Collections.singletonList(Purposes.OWN_USE));
    values.put("scope", "");
    values.put("expires", null);
    values.put("voice_sha256", voiceSha256);
    values.put("version", 2L);
    values.put("countersigner", "");
    values.put("countersignature", "");
  }

  /**
   * The speaker read a sentence.
   *
   * @param sentence that the speaker was asked to read.
   * @param audioSha256 of the recording of it, hexadecimal.
   * @param voiceSha256 of all that shapes the voice, hexadecimal.
   * @throws ConsentException a text can't be one.
   */
  public static ConsentDraft spoken(String speaker, String sentence, String audioSha256, String voiceSha256) {
    ConsentDraft draft = new ConsentDraft(speaker, voiceSha256);
    draft.put("spoken", "", ConsentText.check("the sentence", sentence, false), audioSha256);
    return draft;
  }

  /**
   * A consent that was given in another way; its record says so.
   *
   * @param reason who agreed, how, and why no sentence was read; it stays in the record.
   * @param voiceSha256 of all that shapes the voice, hexadecimal.
   * @throws ConsentException a text can't be one.
   */
  public static ConsentDraft scripted(String speaker, String reason, String voiceSha256) {
    ConsentDraft draft = new ConsentDraft(speaker, voiceSha256);
    draft.put("scripted", ConsentText.check("the reason", reason, false), "", "");
    return draft;
  }

  private void put(String method, String reason, String sentence, String audioSha256) {
    values.put("method", method);
    values.put("reason", reason);
    values.put("sentence", sentence);
    values.put("audio_sha256", audioSha256);
  }

  /** Who agreed, if not the speaker: somebody who may agree for them. */
  public ConsentDraft givenBy(String name) {
    values.put("given_by", ConsentText.check("who gave it", name, false));
    return this;
  }

  /** One or more of {@link Purposes#ALL}; the speaker's own use if this isn't called. */
  public ConsentDraft purposes(Collection<String> purposes) {
    values.put("purposes", Purposes.checkAll(purposes));
    return this;
  }

  /** Further limits, in words. */
  public ConsentDraft scope(String scope) {
    values.put("scope", ConsentText.check("the scope", scope, true));
    return this;
  }

  /** When it ends, in seconds since 1970; it stands until it is revoked if this isn't called. */
  public ConsentDraft expires(long endS) {
    values.put("expires", UtcTime.format(endS));
    return this;
  }

  ConsentDraft id(String id) {
    values.put("id", id);
    return this;
  }

  /**
   * The record.
   *
   * @param nowS seconds since 1970.
   * @throws ConsentException a value is impossible, or what was read isn't a sentence of this day.
   */
  public ConsentRecord signed(SigningKey key, long nowS) {
    Map<String, Object> all = new LinkedHashMap<>(values);
    all.put("created", UtcTime.format(nowS));
    all.put("device", key.id());
    all.put("signature", String.format(Locale.ROOT, "%0128d", 0));
    ConsentRecord record = new ConsentRecord(all).signedBy(key);
    record.verify(null);
    return record;
  }
}
