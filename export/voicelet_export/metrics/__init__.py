"""Metrics of speech: what was understood, how natural it is, whose voice it is; none needs torch.

One metric a module; each scores samples and knows nothing of the system that made them.
"""
