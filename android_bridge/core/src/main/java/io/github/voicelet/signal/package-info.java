/** Numbers and spectra: what synthesis and analysis share.  Not for apps; it may change with any version. */
package io.github.voicelet.signal;
