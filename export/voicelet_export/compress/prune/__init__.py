"""A smaller model cut out of a trained one."""
