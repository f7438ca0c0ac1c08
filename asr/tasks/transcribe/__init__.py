"""Speech to text: tokens, the CTC head and loss, decoding, word times, confidences, error rates."""
