"""The decoder that the `decoder` group of conf/ describes, for a model's tokens."""

from collections.abc import Callable, Mapping
from typing import Any

from hydra.utils import instantiate
from torch import Tensor

from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.text.tokenizer import Tokenizer

Decoder = Callable[[Tensor, Tensor], list[Hypothesis]]  # log-probabilities (B, T', V), lengths (B,)


def build_decoder(described: Mapping[str, Any], tokenizer: Tokenizer, normalize: Callable[[str], str]) -> Decoder:
    """Hotwords are normalised as transcripts are."""
    if described.get("hotwords"):
        described = {**described, "hotwords": [normalize(phrase) for phrase in described["hotwords"]]}
    return instantiate(described, tokenizer=tokenizer)
