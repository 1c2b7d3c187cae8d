package io.github.voicelet.tts;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What it stands at needs this API level; the check against API 24 leaves it out, and whoever calls it asks for the level first. */
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.TYPE})
@interface SinceApi {
  int value();
}
