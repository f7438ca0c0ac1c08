"""From token log-probabilities to text, times and confidence."""
