"""English.  How it is read and said is data, beside this module."""
