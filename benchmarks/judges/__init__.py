"""One judge a module: each scores samples and knows nothing of the system that made them."""
