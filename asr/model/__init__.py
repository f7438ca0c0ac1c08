"""Waveform to hidden frames: features, augmentation, encoders."""
