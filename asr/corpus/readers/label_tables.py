"""A table of recordings and their labels, without transcripts: a CSV whose first line is file,emotion,speaker."""

from asr.corpus.readers.tables import read, recognises_labels

__all__ = ["FORM", "read", "recognises"]

FORM = "a table of recordings and labels, without transcripts (columns such as file,emotion,speaker)"

recognises = recognises_labels
