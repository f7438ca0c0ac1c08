"""When each token is said: the likeliest path of a transcript through the frames (Viterbi 1967, over CTC's states).

Shapes: B utterances, T' frames, V tokens with the blank at 0, U tokens of a transcript, S = 2U + 1 states.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.ctc.head import BLANK
from asr.ctc.loss import frames_needed, required_frames
from asr.errors import UserError
from asr.masking import valid_frames


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

    States are blank, token, blank, token, …, blank (Graves et al. 2006); one may stay, go to the next, or leave out a
    blank between two different tokens. What stands in padding, of frames and of tokens, never matters.
    """
    lengths, tokens, token_counts = (each.to(log_probs.device) for each in (lengths, tokens, token_counts))
    batch, count = tokens.shape
    states = torch.full((batch, 2 * count + 1), BLANK, device=log_probs.device)
    states[:, 1::2] = tokens.where(valid_frames(token_counts, count), BLANK)
    came_from, ending = forward(log_probs, lengths, states)
    last = 2 * token_counts.unsqueeze(1)  # (B, 1): the path ends in the last blank or, next to it, the last token
    either = ending.gather(1, torch.cat([last, (last - 1).clamp_min(0)], 1))
    score, back = either.max(1)
    path = backward(came_from, lengths, (last.squeeze(1) - back).clamp_min(0))  # (B, T')
    possible = lengths >= required_frames(tokens, token_counts)
    spoken = valid_frames(lengths, path.shape[1]) & possible.unsqueeze(1)
    starts, ends, confidences = spans(log_probs, states, path, spoken)
    return Alignments(starts, ends, confidences, score.where(possible, -torch.inf))


def forward(log_probs: Tensor, lengths: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """How many states back the best way into every state came from, (T', B, S) uint8, and scores at the end, (B, S)."""
    batch, width = states.shape
    frames = int(lengths.max()) if batch else 0
    skip = torch.full((batch, width), -torch.inf, dtype=torch.float64, device=states.device)
    skip[:, 3::2] = skip[:, 3::2].where(states[:, 3::2] == states[:, 1:-2:2], 0.0)
    came_from = torch.zeros(frames, batch, width, dtype=torch.uint8, device=states.device)
    best = torch.full((batch, 2 + width), -torch.inf, dtype=torch.float64, device=states.device)  # two before the first
    best[:, 2] = 0.0  # before the first frame; its first two states can then be reached
    ending = best[:, 2:].clone()
    last_frames = set(lengths.tolist())
    for t in range(frames):
        stay, one, two = best[:, 2:], best[:, 1:-1], best[:, :-2] + skip
        way = torch.maximum(stay, one)
        came_from[t] = torch.where(two > way, 2, one > stay)
        best[:, 2:] = torch.maximum(way, two) + log_probs[:, t].gather(1, states)
        if t + 1 in last_frames:
            ending = torch.where((lengths == t + 1).unsqueeze(1), best[:, 2:], ending)
    return came_from, ending


def backward(came_from: Tensor, lengths: Tensor, state: Tensor) -> Tensor:
    """The state of every frame, (B, T'), of the path that ends in `state` (B,)."""
    frames, batch, _ = came_from.shape
    path = torch.zeros(frames, batch, dtype=torch.long, device=came_from.device)
    state = state.unsqueeze(1)
    within = valid_frames(lengths, frames).T.unsqueeze(2)  # (T', B, 1)
    for t in reversed(range(frames)):
        path[t] = state.squeeze(1)
        state = state - came_from[t].gather(1, state) * within[t]
    return path.T


def spans(log_probs: Tensor, states: Tensor, path: Tensor, spoken: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, T') states and which of them count -> first frame, frame after the last, mean probability, each (B, U)."""
    batch, frames = path.shape
    width = states.shape[1]
    frame = torch.arange(frames, device=path.device).expand(batch, -1)
    place = path.where(spoken, width)  # one more column takes what does not count
    none = torch.zeros(batch, width + 1, dtype=torch.long, device=path.device)
    starts = none.scatter_reduce(1, place, frame, "amin", include_self=False)
    ends = none.scatter_reduce(1, place, frame + 1, "amax", include_self=False)
    labels = states.gather(1, path)
    probabilities = log_probs[:, :frames].gather(2, labels.unsqueeze(2)).squeeze(2).exp()  # (B, T')
    sums = torch.zeros(batch, width + 1, dtype=log_probs.dtype, device=path.device)
    sums = sums.scatter_add(1, place, probabilities)
    starts, ends, sums = (values[:, 1:width:2] for values in (starts, ends, sums))
    return starts, ends, sums / (ends - starts).clamp_min(1)
