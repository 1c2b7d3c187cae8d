"""HiFi-GAN (Kong, Kim & Bae 2020)."""
