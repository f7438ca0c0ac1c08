"""A file becomes checked samples: decoding, damaged containers, resampling, how noisy it is."""
