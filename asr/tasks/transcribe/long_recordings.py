"""Recordings longer than what a model was trained on, in bounded memory.

The model is run on overlapping chunks, which are joined at a silent frame in the middle of the overlap.
The hypothesis is then cut at pauses into stretches, in which the times of words are found.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from asr.model.speech_model import SpeechModel
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.text.tokenizer import BLANK

CHUNK_S, OVERLAP_S = 30.0, 6.0
STRETCH_S, PAUSE_S = 10.0, 0.3  # a stretch ends at the first pause after so long, at the longest one before three times


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a hypothesis between two spaces, its frames counted from `first_frame`; the frame after its last."""

    hypothesis: Hypothesis
    first_frame: int
    end_frame: int


def is_long(samples: int, sample_rate: int) -> bool:
    return samples > (CHUNK_S + OVERLAP_S) * sample_rate


@torch.inference_mode()
def consecutive_log_probs(model: SpeechModel, samples: np.ndarray, sample_rate: int) -> Iterator[Tensor]:
    """(S,) samples -> log-probabilities (T', V) of one part after the other, without gap or overlap."""
    frame = round(model.frame_s * sample_rate)  # samples
    length, overlap = int(CHUNK_S / model.frame_s), int(OVERLAP_S / model.frame_s)  # frames
    device = next(model.parameters()).device
    held, start, seam = None, 0, 0  # the chunk before from its first frame `start` on, given out up to frame `seam`
    for first in range(0, max(1, int(np.ceil(len(samples) / frame)) - overlap), length - overlap):
        chunk = torch.from_numpy(samples[first * frame : (first + length) * frame]).to(device)
        log_probs = model(chunk.unsqueeze(0), torch.tensor([len(chunk)], device=device))[0][0].cpu()
        if held is not None:
            shared = slice(overlap // 4, 3 * overlap // 4)
            silent = held[first - start :][shared, BLANK] + log_probs[shared, BLANK]
            cut = first + shared.start + int(silent.argmax())
            yield held[seam - start : cut - start]
            seam = cut
        held, start = log_probs, first
    assert held is not None
    yield held[seam - start :]


def decode_parts(decoder: Callable[..., list[Hypothesis]], parts: Iterator[Tensor]) -> Hypothesis:
    """Each part decoded alone, one after the other."""
    whole = Hypothesis([], [], [], [])
    frames = 0
    for log_probs in parts:
        (part,) = decoder(log_probs.unsqueeze(0), torch.tensor([len(log_probs)]))
        whole.tokens.extend(part.tokens)
        whole.starts.extend(frames + start for start in part.starts)
        whole.ends.extend(frames + end for end in part.ends)
        whole.confidences.extend(part.confidences)
        frames += len(log_probs)
    return whole


def stretches(hypothesis: Hypothesis, begins_word: Sequence[bool], frames: int, frame_s: float) -> list[Stretch]:
    """A hypothesis of so many frames, cut between words."""
    shortest, pause = STRETCH_S / frame_s, PAUSE_S / frame_s
    found: list[Stretch] = []
    first_token, first_frame = 0, 0
    candidates: list[tuple[int, int]] = []  # gap in frames, token
    for token in range(1, len(hypothesis.tokens)):
        if not begins_word[token] or hypothesis.starts[token] - first_frame < shortest:
            continue
        gap = hypothesis.starts[token] - hypothesis.ends[token - 1]
        candidates.append((gap, token))
        if gap >= pause or hypothesis.starts[token] - first_frame >= 3 * shortest:
            _, cut = max(candidates)
            middle = (hypothesis.ends[cut - 1] + hypothesis.starts[cut]) // 2
            found.append(new_stretch(hypothesis, first_token, cut, first_frame, middle))
            first_token, first_frame, candidates = cut, middle, []
    return [*found, new_stretch(hypothesis, first_token, len(hypothesis.tokens), first_frame, frames)]


def new_stretch(hypothesis: Hypothesis, first: int, end: int, first_frame: int, end_frame: int) -> Stretch:
    starts = [start - first_frame for start in hypothesis.starts[first:end]]
    ends = [stop - first_frame for stop in hypothesis.ends[first:end]]
    part = Hypothesis(hypothesis.tokens[first:end], starts, ends, hypothesis.confidences[first:end])
    return Stretch(part, first_frame, end_frame)
