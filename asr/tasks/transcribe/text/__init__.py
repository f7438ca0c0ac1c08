"""From transcripts to what a model learns: normalised text, and tokens with the CTC blank at 0."""
