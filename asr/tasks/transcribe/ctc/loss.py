"""The CTC loss, over the utterances that have an alignment and no others."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from asr.tasks.transcribe.text.tokenizer import BLANK


class CTCLoss(nn.Module):
    """Negative log-likelihood of the transcript per token, averaged over the utterances that can be aligned.

    `forward` takes log-probabilities (B, T', V), their lengths (B,), tokens (B, U) and token counts (B,), and returns
    the loss and which utterances it left out, (B,) bool: those with fewer frames than `required_frames`. Their
    probability is zero and their loss infinite; whoever trains has to name them.
    """

    views = 1  # sets of differently masked frames that training makes of every utterance

    def forward(
        self, log_probs: Tensor, lengths: Tensor, tokens: Tensor, token_counts: Tensor
    ) -> tuple[Tensor, Tensor]:
        infeasible = lengths < required_frames(tokens, token_counts)
        kept = ~infeasible
        if not kept.any():
            return log_probs.sum() * 0.0, infeasible
        losses = nn.functional.ctc_loss(
            log_probs[kept].transpose(0, 1), tokens[kept], lengths[kept], token_counts[kept], BLANK, reduction="none"
        )
        return (losses / token_counts[kept].clamp_min(1)).mean(), infeasible


def required_frames(tokens: Tensor, token_counts: Tensor) -> Tensor:
    """Frames a transcript needs: one a token, and a blank between equal neighbours. (B, U), (B,) -> (B,)."""
    place = torch.arange(1, max(1, tokens.shape[1]), device=tokens.device)
    repeats = (tokens[:, 1:] == tokens[:, :-1]) & (place < token_counts.unsqueeze(1))
    return token_counts + repeats.sum(1)


def frames_needed(tokens: Sequence[int]) -> int:
    """`required_frames` of one transcript."""
    return int(required_frames(torch.tensor([tokens]), torch.tensor([len(tokens)])))
