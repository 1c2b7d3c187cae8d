"""Speed and quality of voicelet beside its peers.  Not installed with the package."""
