"""Corpora that memory does not hold: packed into shards, read from first byte to last."""
