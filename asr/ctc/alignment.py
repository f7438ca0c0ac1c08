"""When each token is said: the likeliest path of a transcript through the frames (Viterbi 1967, over CTC's states)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from asr.ctc.head import BLANK
from asr.ctc.loss import frames_needed
from asr.errors import UserError


@dataclass(frozen=True, slots=True)
class Alignment:
    """Of each token its first frame, the frame after its last, and its mean probability there; the path's log-prob."""

    starts: list[int]
    ends: list[int]
    confidences: list[float]
    log_prob: float


def align(log_probs: Tensor, tokens: Sequence[int]) -> Alignment:
    """(T', V) log-probabilities and a transcript's tokens -> where each token lies.

    States are blank, token, blank, token, …, blank (Graves et al. 2006); one may stay, go to the next, or leave out a
    blank between two different tokens. Raises UserError where there are fewer frames than the transcript needs.
    """
    frames, count = len(log_probs), len(tokens)
    if count == 0:
        return Alignment([], [], [], float(log_probs[:, BLANK].sum()))
    states = torch.full((2 * count + 1,), BLANK)
    states[1::2] = torch.tensor(tokens)
    emitted = log_probs.detach().cpu().double()[:, states]  # (T', S)
    skips = torch.zeros(len(states), dtype=torch.bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    if frames < (needed := frames_needed(tokens)):
        raise UserError(f"the transcript needs {needed} frames, the recording has {frames}")
    best = torch.full((len(states),), -torch.inf, dtype=torch.float64)
    best[:2] = emitted[0, :2]
    came_from = torch.zeros(frames, len(states), dtype=torch.uint8)  # how many states back
    for t in range(1, frames):
        one = torch.nn.functional.pad(best[:-1], (1, 0), value=-torch.inf)
        two = torch.nn.functional.pad(best[:-2], (2, 0), value=-torch.inf).where(skips, -torch.inf)
        best, came_from[t] = torch.stack([best, one, two]).max(0)
        best = best + emitted[t]
    state = len(states) - 1 if best[-1] >= best[-2] else len(states) - 2
    log_prob = float(best[state])
    path = []
    for back in came_from.tolist()[::-1]:
        path.append(state)
        state -= back[state]
    path.reverse()
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for t, state in enumerate(path):
        if state % 2:
            first.setdefault(state // 2, t)
            last[state // 2] = t
    starts = [first[index] for index in range(count)]
    ends = [last[index] + 1 for index in range(count)]
    probabilities = emitted.exp()
    confidences = [
        float(probabilities[start:end, 2 * index + 1].mean())
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    return Alignment(starts, ends, confidences, log_prob)
