"""The likeliest path through states that follow one another (Viterbi 1967), of a whole batch at once.

Shapes: B utterances, T' frames, V labels, S states.
"""

import torch
from torch import Tensor

from asr.audio.recording import one_torch_thread
from asr.model.masking import valid_frames

MOST_CELLS = 2**31  # frames times states of a long path: half a gibibyte, half a minute
STATES_A_BYTE = 4
FRAMES_A_MOVE = 8  # after so many the band follows the likeliest state
EDGE = 64  # states at the edges of the band that no path may use


@one_torch_thread()
@torch.inference_mode()
def likeliest_path(
    scores: Tensor, lengths: Tensor, states: Tensor, skippable: Tensor, last: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, T', V) log-scores, (B,) frames, (B, S) labels of the states -> (B, T') states, (B,) their summed scores.

    A path begins in one of the first two states and ends in `last` (B,) or the one before. In every frame it stays,
    goes to the next state, or over that to the one after it where this is `skippable` (B, S). Frames beyond an
    utterance's own never matter. Where there are too few frames the score is -inf.
    """
    came_from, ending = forward(scores, lengths, states, skippable)
    last = last.unsqueeze(1)
    score, back = ending.gather(1, torch.cat([last, (last - 1).clamp_min(0)], 1)).max(1)
    return backward(came_from, lengths, (last.squeeze(1) - back).clamp_min(0)), score


def forward(scores: Tensor, lengths: Tensor, states: Tensor, skippable: Tensor) -> tuple[Tensor, Tensor]:
    """How many states back the best way into every state came from, (T', B, S) uint8, and scores at the end, (B, S)."""
    batch, width = states.shape
    frames = int(lengths.max()) if batch else 0
    skip = torch.zeros(batch, width, dtype=torch.float64, device=states.device).where(skippable, -torch.inf)
    came_from = torch.zeros(frames, batch, width, dtype=torch.uint8, device=states.device)
    best = torch.full((batch, 2 + width), -torch.inf, dtype=torch.float64, device=states.device)  # two before the first
    best[:, 2] = 0.0  # before the first frame: from here its first two states can be reached
    ending = best[:, 2:].clone()
    last_frames = set(lengths.tolist())
    for t in range(frames):
        stay, one, two = best[:, 2:], best[:, 1:-1], best[:, :-2] + skip
        way = torch.maximum(stay, one)
        came_from[t] = torch.where(two > way, 2, one > stay)
        best[:, 2:] = torch.maximum(way, two) + scores[:, t].gather(1, states)
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


def spans(path: Tensor, counted: Tensor, states: int) -> tuple[Tensor, Tensor]:
    """(B, T') states and which of them count -> every state's first frame and the one after its last, (B, S); 0, 0."""
    batch, frames = path.shape
    frame = torch.arange(frames, device=path.device).expand(batch, -1)
    place = path.where(counted, states)  # one more column takes what does not count
    none = torch.zeros(batch, states + 1, dtype=torch.long, device=path.device)
    starts = none.scatter_reduce(1, place, frame, "amin", include_self=False)
    ends = none.scatter_reduce(1, place, frame + 1, "amax", include_self=False)
    return starts[:, :states], ends[:, :states]


@one_torch_thread()
@torch.inference_mode()
def banded_path(scores: Tensor, states: Tensor, skippable: Tensor, band: int) -> tuple[Tensor, float] | None:
    """`likeliest_path` of one long utterance, (T', V), (S,), (S,) -> (T',) and score, in T' · band / 4 bytes.

    Only the states around the likeliest one are looked at. Where the path comes near the band's edge, or does not reach
    the end, the band is doubled; None where that would be more than MOST_CELLS.
    """
    while len(scores) * min(band, len(states)) <= MOST_CELLS:
        found = _within_band(scores, states, skippable, min(band, len(states)))
        if found is not None or band >= len(states):
            return found
        band *= 2
    return None


def _within_band(scores: Tensor, states: Tensor, skippable: Tensor, band: int) -> tuple[Tensor, float] | None:
    """The likeliest path that keeps away from the edges of a band which follows the likeliest state; None without."""
    frames, width = len(scores), len(states)
    skip = torch.zeros(width, dtype=torch.float64).where(skippable, -torch.inf)
    columns = -(-band // STATES_A_BYTE)
    came_from = torch.zeros(frames, columns, dtype=torch.uint8)  # two bits a state, of which each quarter has its own
    back = torch.zeros(STATES_A_BYTE, columns, dtype=torch.uint8)
    best = torch.full((2 + band,), -torch.inf, dtype=torch.float64)  # two before the band
    best[2] = 0.0
    low, lows = 0, []
    for t in range(frames):
        if t % FRAMES_A_MOVE == 0 and low + band < width:
            moved = min(max(0, int(best[2:].argmax()) - band // 2), width - band - low)
            best = torch.cat([best[moved:], best.new_full((moved,), -torch.inf)])
            best[:2], low = -torch.inf, low + moved
        stay, one, two = best[2:], best[1:-1], best[:-2] + skip[low : low + band]
        way = torch.maximum(stay, one)
        back.view(-1)[:band] = torch.where(two > way, 2, one > stay)
        came_from[t] = back[0] | back[1] << 2 | back[2] << 4 | back[3] << 6
        best[2:] = torch.maximum(way, two) + scores[t][states[low : low + band]]
        lows.append(low)
    if low + band < width or not torch.isfinite(best[-2:]).any():
        return None
    state = width - 1 if best[-1] >= best[-2] else width - 2
    score, path, ways = float(best[state - low + 2]), [], came_from.numpy()
    for t in reversed(range(frames)):
        path.append(state)
        place = state - lows[t]
        if (place < EDGE and lows[t]) or (place >= band - EDGE and lows[t] + band < width):
            return None
        quarter, column = divmod(place, columns)
        state -= int(ways[t, column]) >> 2 * quarter & 3
    return torch.tensor(path[::-1]), score
