"""A small model that learns from a trained one."""
