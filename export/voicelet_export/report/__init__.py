"""Bundles measured beside their teachers, as tables, pages and pictures."""
