"""Long short-term memory (Hochreiter & Schmidhuber 1997), forward in time."""

from torch import nn

from asr.model.encoders.recurrent import Forward, NewSubsampling, RecurrentEncoder


def LSTM(  # noqa: N802 - named as the layer that it is made of
    features: int, units: int, layers: int, dropout: float, subsampling: NewSubsampling
) -> RecurrentEncoder:
    """(B, T, F) -> (B, T', units): an output frame has seen every frame before it and none after."""
    return RecurrentEncoder(lambda: Forward(nn.LSTM, units, units), features, units, layers, dropout, subsampling)
