"""How good a recogniser is, how sure that is, and a report to look at."""
