/** Single words to phones: lexicons, regular endings, letter rules and letter models of a language pack. */
package io.github.voicelet.text.pronunciation;
