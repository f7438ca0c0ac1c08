"""Transcripts as tensors of tokens, side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor

from asr.tasks.transcribe.text.tokenizer import Tokenizer, UnknownCharacter

NO_ENCODING = 1 << 30  # token count of a transcript that the tokenizer cannot write: more frames than any audio has


class TokenEncoding:
    """B texts -> tokens (B, U) padded with zeros, token counts (B,)."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        encoded = [self.tokens_of(text) for text in texts]
        tokens = torch.zeros(len(texts), max(1, max(len(ids) for ids, _ in encoded)), dtype=torch.long)
        for row, (ids, _) in enumerate(encoded):
            tokens[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        return tokens, torch.tensor([count for _, count in encoded])

    def tokens_of(self, text: str) -> tuple[list[int], int]:
        """Ids and how many there are; none and NO_ENCODING where the tokenizer cannot write the text."""
        try:
            ids = self.tokenizer.encode(text)
        except UnknownCharacter:
            return [], NO_ENCODING
        return ids, len(ids)
