"""From a recipe to a bundle: steps, their cache, and the report."""
