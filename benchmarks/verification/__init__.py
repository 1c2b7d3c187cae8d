"""How well voices, sentences and origins are told apart, on people nothing was trained with."""
