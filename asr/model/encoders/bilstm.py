"""Bidirectional long short-term memory for CTC (Graves et al. 2013)."""

from torch import nn

from asr.model.encoders.recurrent import Bidirectional, NewSubsampling, RecurrentEncoder


def BiLSTM(  # noqa: N802 - named as what it is
    features: int, units: int, layers: int, dropout: float, subsampling: NewSubsampling
) -> RecurrentEncoder:
    """(B, T, F) -> (B, T', 2 · units): an output frame has seen the whole utterance, from both sides."""
    width = 2 * units
    return RecurrentEncoder(lambda: Bidirectional(nn.LSTM, width, units), features, width, layers, dropout, subsampling)
