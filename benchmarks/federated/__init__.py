"""Federated learning: what a round costs, what it learns, what an attacker learns from it."""
