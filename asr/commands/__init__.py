"""One file for each verb of `asr`."""
