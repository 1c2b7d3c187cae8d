"""Teacher models: what public voices are made of, in torch."""
