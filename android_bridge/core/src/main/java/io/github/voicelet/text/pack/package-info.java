/** Language packs: folders of data that say how a language is read. */
package io.github.voicelet.text.pack;
