/** Written text as words and marks, and words as phones: the front end of every voice. */
package io.github.voicelet.text;
