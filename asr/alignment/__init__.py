"""When what is known to be said is said: the likeliest path through states, a hidden Markov model of characters."""
