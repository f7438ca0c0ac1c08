"""Numbers: rates with intervals, paired tests, breakdowns, confidences that are true; of any task."""
