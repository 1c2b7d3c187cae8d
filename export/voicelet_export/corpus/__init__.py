"""Speech to learn from: read, checked, aligned, denoised, augmented, cached."""
