"""Many trainings under one command: the search for the best configuration."""
