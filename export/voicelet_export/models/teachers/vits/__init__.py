"""VITS (Kim, Kong & Son 2021)."""
