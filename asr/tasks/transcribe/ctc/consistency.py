"""CTC over two augmented views of every utterance that have to agree: consistency regularization."""

from torch import Tensor, nn

from asr.model.masking import valid_frames
from asr.tasks.transcribe.ctc.loss import CTCLoss


class ConsistencyCTCLoss(nn.Module):
    """CTC of both views, and `weight` times their divergence in every frame (CR-CTC, Yao et al. 2024).

    Training hands in `views` sets of the same B utterances one after the other, masked differently: log-probabilities
    (2B, T', V) and lengths (2B,), with tokens (B, U) and token counts (B,) given once. The divergence is the mean of
    both Kullback-Leibler divergences, the other view held fixed, summed over frames, per token, averaged over the
    utterances that can be aligned. Outside training there is one view, and the loss is `CTCLoss`.
    """

    views = 2

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight, self.ctc = weight, CTCLoss()

    def forward(
        self, log_probs: Tensor, lengths: Tensor, tokens: Tensor, token_counts: Tensor
    ) -> tuple[Tensor, Tensor]:
        if not self.training:
            return self.ctc(log_probs, lengths, tokens, token_counts)
        loss, infeasible = self.ctc(log_probs, lengths, tokens.repeat(2, 1), token_counts.repeat(2))
        one, other = log_probs.chunk(2)
        lengths, infeasible = lengths.chunk(2)[0], infeasible.chunk(2)[0]
        if infeasible.all():
            return loss, infeasible
        divergence = 0.5 * (kl_divergence(one.detach(), other) + kl_divergence(other.detach(), one))  # (B, T')
        divergence = divergence.where(valid_frames(lengths, one.shape[1]), 0.0).sum(1) / token_counts.clamp_min(1)
        return loss + self.weight * divergence[~infeasible].mean(), infeasible


def kl_divergence(fixed: Tensor, log_probs: Tensor) -> Tensor:
    """Of `log_probs` from `fixed`, in every frame: two of (B, T', V) -> (B, T')."""
    return nn.functional.kl_div(log_probs, fixed, reduction="none", log_target=True).sum(-1)
