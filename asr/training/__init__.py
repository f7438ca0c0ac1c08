"""Fitting a model: the step, the schedule, and what is shown and written along the way."""
