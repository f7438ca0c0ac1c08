"""When each token is said: the likeliest path of a transcript through the frames, over CTC's states.

Shapes: B utterances, T' frames, V tokens with the blank at 0, U tokens of a transcript, S = 2U + 1 states.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.alignment.viterbi import banded_path, likeliest_path, spans
from asr.errors import UserError
from asr.model.masking import valid_frames
from asr.tasks.transcribe.ctc.loss import frames_needed, required_frames
from asr.tasks.transcribe.text.tokenizer import BLANK

WHOLE_CELLS = 2**27  # frames times tokens up to which all states are looked at
BAND = 4096  # states that are looked at first in longer recordings: a minute or more of speech


@dataclass(frozen=True, slots=True)
class Alignment:
    """Of each token its first frame, the frame after its last, and its mean probability there; the path's log-prob."""

    starts: list[int]
    ends: list[int]
    confidences: list[float]
    log_prob: float


@dataclass(frozen=True, slots=True)
class Alignments:
    """The same of a batch: (B, U) starts, ends and confidences, zero where there is no token; (B,) log-probs.

    A transcript that needs more frames than there are has the log-probability -inf, and zeros.
    """

    starts: Tensor
    ends: Tensor
    confidences: Tensor
    log_probs: Tensor

    def __getitem__(self, row: int) -> Alignment:
        count = int((self.ends[row] > 0).sum())
        starts, ends, confidences = (
            values[row, :count].tolist() for values in (self.starts, self.ends, self.confidences)
        )
        return Alignment(starts, ends, confidences, float(self.log_probs[row]))


def align(log_probs: Tensor, tokens: Sequence[int]) -> Alignment:
    """(T', V) log-probabilities and a transcript's tokens -> where each token lies.

    Raises UserError where there are fewer frames than the transcript needs.
    """
    if len(log_probs) < (needed := frames_needed(tokens)):
        raise UserError(f"the transcript needs {needed} frames, the recording has {len(log_probs)}")
    device = log_probs.device
    one = torch.tensor([len(log_probs)], device=device), torch.tensor([list(tokens)], dtype=torch.long, device=device)
    return align_batch(log_probs.unsqueeze(0), *one, torch.tensor([len(tokens)], device=device))[0]


@torch.inference_mode()
def align_batch(log_probs: Tensor, lengths: Tensor, tokens: Tensor, token_counts: Tensor) -> Alignments:
    """(B, T', V) log-probabilities, (B,) frames, (B, U) tokens, (B,) token counts -> where each token lies.

    States are blank, token, blank, token, …, blank (Graves et al. 2006); a blank between two different tokens may be
    left out. What stands in padding, of frames and of tokens, never matters.
    """
    lengths, tokens, token_counts = (each.to(log_probs.device) for each in (lengths, tokens, token_counts))
    states, skippable = graph(tokens, token_counts)
    path, scores = likeliest_path(log_probs, lengths, states, skippable, 2 * token_counts)
    possible = lengths >= required_frames(tokens, token_counts)
    counted = valid_frames(lengths, path.shape[1]) & possible.unsqueeze(1)
    return Alignments(*tokens_on(path, counted, states, log_probs), scores.where(possible, -torch.inf))


def graph(tokens: Tensor, token_counts: Tensor) -> tuple[Tensor, Tensor]:
    """(B, U), (B,) -> labels of the states blank, token, blank, …, blank, and into which one may skip, (B, S)."""
    batch, count = tokens.shape
    states = torch.full((batch, 2 * count + 1), BLANK, device=tokens.device)
    states[:, 1::2] = tokens.where(valid_frames(token_counts, count), BLANK)
    skippable = torch.zeros_like(states, dtype=torch.bool)  # a blank between different tokens
    skippable[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    return states, skippable


def tokens_on(path: Tensor, counted: Tensor, states: Tensor, log_probs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T') states and which of them count, (B, S) labels -> (B, U) starts, ends, confidences as in Alignments."""
    starts, ends = (frames[:, 1::2] for frames in spans(path, counted, states.shape[1]))
    labels = states.gather(1, path).unsqueeze(2)
    probabilities = log_probs[:, : path.shape[1]].gather(2, labels).squeeze(2).exp().where(counted, 0.0)  # (B, T')
    sums = torch.zeros(states.shape, dtype=log_probs.dtype, device=path.device).scatter_add(1, path, probabilities)
    return starts, ends, (sums[:, 1::2] / (ends - starts).clamp_min(1)).where(ends > 0, 0.0)


@torch.inference_mode()
def align_long(log_probs: Tensor, tokens: Sequence[int]) -> Alignment:
    """`align` in bounded memory: (T', V) of an hour and its tokens -> where each token lies.

    Raises UserError where there are fewer frames than the transcript needs, or where the two drift far apart.
    """
    if len(log_probs) * len(tokens) <= WHOLE_CELLS:
        return align(log_probs, tokens)
    if len(log_probs) < (needed := frames_needed(tokens)):
        raise UserError(f"the transcript needs {needed} frames, the recording has {len(log_probs)}")
    states, skippable = graph(torch.tensor([list(tokens)]), torch.tensor([len(tokens)]))
    log_probs = log_probs.cpu()
    found = banded_path(log_probs, states[0], skippable[0], BAND)
    if found is None:
        raise UserError(
            "long parts of the transcript are not in the recording, or of the recording in the transcript, "
            "or the model hears too little of it"
        )
    path, score = found[0].unsqueeze(0), found[1]
    on_path = tokens_on(path, torch.ones_like(path, dtype=torch.bool), states, log_probs.unsqueeze(0))
    starts, ends, confidences = (values[0].tolist() for values in on_path)
    return Alignment(starts, ends, confidences, score)
