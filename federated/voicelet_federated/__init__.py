"""Federated learning of the shared model: devices improve it without giving up a recording."""
