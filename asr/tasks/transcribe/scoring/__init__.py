"""How good a recogniser is: error rates with intervals, what it confuses, whether another is better."""
