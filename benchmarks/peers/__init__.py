"""Systems that speak: voicelet itself, and what it is compared with."""
