"""The parts of a report on transcripts: their errors, and every utterance with its sound and spectrogram."""
