"""Hydra composes; values are checked, keys explained, and what strangers name is refused."""
