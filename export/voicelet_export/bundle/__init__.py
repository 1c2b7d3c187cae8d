"""From trained models to a voice bundle, and whether a bundle is what it says."""
