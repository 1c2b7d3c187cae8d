package io.github.voicelet.text.unicode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The tables of characters say what Python says, and what this JDK says of the characters that both know. */
class UnicodeTest {
  @Test
  void everyCharacterOfTheJdkIsNormalizedAsTheJdkDoes() {
    List<String> differ = new ArrayList<>();
    for (int code = 0; code <= Character.MAX_CODE_POINT; code++) {
      int type = Character.getType(code);
      if (type == Character.UNASSIGNED || type == Character.SURROGATE) {
        continue;
      }
      String text = "a\u0323" + new String(Character.toChars(code)) + "\u0301";
      if (!Normalizer.nfc(text).equals(java.text.Normalizer.normalize(text, Form.NFC))
          || !Normalizer.nfkc(text).equals(java.text.Normalizer.normalize(text, Form.NFKC))) {
        differ.add(Integer.toHexString(code));
      }
    }
    assertEquals(new ArrayList<String>(), differ);
  }

  @Test
  void everyCharacterOfTheJdkHasItsKind() {
    List<String> differ = new ArrayList<>();
    for (int code = 0; code <= Character.MAX_CODE_POINT; code++) {
      if (Character.getType(code) == Character.UNASSIGNED) {
        continue; // a later version may know it
      }
      boolean same =
          Characters.isLetter(code) == Character.isLetter(code)
              && Characters.isDecimal(code) == (Character.getType(code) == Character.DECIMAL_DIGIT_NUMBER)
              && Characters.isUpper(code) == Character.isUpperCase(code)
              && Characters.isLower(code) == Character.isLowerCase(code)
              && Characters.isSeparator(code) == Character.isSpaceChar(code)
              && (!Characters.isDecimal(code) || Characters.decimalValue(code) == Character.digit(code, 10));
      if (!same) {
        differ.add(Integer.toHexString(code));
      }
    }
    assertEquals(new ArrayList<String>(), differ);
  }

  @Test
  void charactersNewerThanOldDevicesAreKnown() {
    assertFalse(Characters.isOther(0x1FAE0)); // melting face, of Unicode 14
    assertTrue(Characters.isLetter(0x1DF00));
    assertEquals("\u10D0", Case.lower("\u1C90")); // Georgian capitals came with Unicode 11
  }

  @ParameterizedTest
  @CsvSource({
    "ΟΔΥΣΣΕΥΣ, οδυσσευς", "Σ, σ", "ΑΣ., ας.", "ΑΣΑ, ασα", "İx, i̇x", "STRASSE, strasse", "É, é", "ǅ, ǆ", "A'Σ', a'ς'"
  })
  void lowerCaseIsThatOfPython(String text, String lower) {
    assertEquals(lower, Case.lower(text));
  }

  @ParameterizedTest
  @CsvSource({"straße, STRASSE, Straße", "ßx, SSX, Ssx", "ǆX, ǄX, ǅx", "ﬁN, FIN, Fin", "éÉ, ÉÉ, Éé", "1A, 1A, 1a"})
  void capitalsAreThoseOfPython(String text, String upper, String capital) {
    assertEquals(upper, Case.upper(text));
    assertEquals(capital, Case.capital(text));
  }

  @ParameterizedTest
  @CsvSource({
    "Москва, '', moskva", "Ελλάδα, '', ellada", "ひらがな, '', hirakana", "한국말, '', hangugmal", "naïve, '', naive",
    "naïve, ï, naïve", "中国, '', ''", "دبي, '', dby", "O’Neil, '', o'neil", "Ångström, '', angstrom", "ऋषि, '', rss"
  })
  void lettersOfOtherScriptsAreReadAsInPython(String text, String letters, String latin) {
    assertEquals(latin, Latin.toLatin(text, letters));
  }

  @Test
  void textsArePartedAsPythonDoes() {
    assertEquals(Arrays.asList("a", "b", "c"), Whitespace.words(" a\u00a0b\u001cc\u2003"));
    assertEquals(Arrays.asList("a", "", "b", "c"), Whitespace.lines("a\r\n\rb\u2028c\n"));
    assertEquals("a b", Whitespace.strip("\u3000a b\n"));
    assertTrue(Whitespace.isBlank(" \t\u2009"));
  }
}
