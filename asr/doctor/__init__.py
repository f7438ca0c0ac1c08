"""Finds faults of a corpus before a training does: `asr doctor SOURCE`."""
