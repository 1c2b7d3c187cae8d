"""Models of other projects, read into teachers: Piper, HiFi-GAN, Coqui and the authors' VITS."""
