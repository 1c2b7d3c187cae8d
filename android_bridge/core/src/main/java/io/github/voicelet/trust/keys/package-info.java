/** Keys, signatures, and where a device keeps its secrets; the same files and bytes as Python's. */
package io.github.voicelet.trust.keys;
