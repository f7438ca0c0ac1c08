"""Speech to text: tokens, the CTC head and loss, decoding, times, confidences, error rates."""
