"""Corpora: from recordings and transcripts to checked lhotse CutSets."""
