"""Many trainings under one command, and what they say side by side."""
