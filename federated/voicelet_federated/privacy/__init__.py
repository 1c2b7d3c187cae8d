"""What protects a device: masks, noise, clipping, and the account of what a run costs."""
