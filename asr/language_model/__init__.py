"""N-gram language models: estimated, written and read as ARPA, walked many states at a time."""
