"""What can be seen of how an utterance was transcribed: when its words are said, and how likely each token was when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from asr.corpus.batches import Batch
from asr.errors import UserError
from asr.tasks.transcribe.decode.beam import with_token_times
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.timing.words import Transcript, Word

DRAWN, FAINTEST = 0.3, 0.03  # a token is drawn whose posterior exceeds the first; its curve ends below the second
LEVELS = "0123456789abcdefghijklmnopqrstuvwxyz"  # a posterior in a character

Curve = tuple[str, int, str]  # a token's piece, the first frame of a stretch in which it was likely, posteriors there


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows over the picture of an utterance.

    reference: its words with their times; none where CTC cannot align it.
    curves: of each stretch in which a token was likely, in their order, with posteriors as `LEVELS`.
    """

    reference: list[Word]
    curves: list[Curve]


@torch.inference_mode()
def views_of(
    recognizer: Any,
    batch: Batch,
    log_probs: torch.Tensor,
    counts: torch.Tensor,
    hypotheses: Sequence[Hypothesis],
    transcripts: Sequence[Transcript],
) -> list[View]:
    """(B, T', V) log-probabilities, (B,) frames, hypotheses and their transcripts with times, of a batch -> its views.

    A view takes about 11 kB of memory for an utterance of four seconds and nine words.
    """
    log_probs, counts = log_probs.float().cpu(), counts.cpu()
    tokens = [encoded(recognizer, text) for text in batch.texts]
    words = [transcript.words for transcript in transcripts]  # the reference's too, where all of it is right
    if wrong := [row for row, hypothesis in enumerate(hypotheses) if hypothesis.tokens != tokens[row]]:
        references = with_token_times(log_probs[wrong], counts[wrong], [tokens[row] for row in wrong])
        found = recognizer.with_word_times(references, batch.waveform[wrong], batch.lengths[wrong])
        for row, transcript in zip(wrong, found, strict=True):
            words[row] = transcript.words
    pieces = [recognizer.tokenizer.piece(index) for index in range(recognizer.tokenizer.size)]
    return [
        View(words[row], curves_of(log_probs[row, :count].exp().numpy(), pieces))
        for row, count in enumerate(counts.tolist())
    ]


def encoded(recognizer: Any, text: str) -> list[int]:
    """Tokens of a text; none where the tokenizer cannot write it."""
    try:
        return recognizer.tokenizer.encode(text)
    except UserError:
        return []


def curves_of(posteriors: np.ndarray, pieces: Sequence[str]) -> list[Curve]:
    """(T', V) probabilities, blank at 0 -> the stretches in which a token was likely, in the order of their beginning.

    The blank is left out: it is what lies between them.
    """
    found = []
    for token in np.flatnonzero((posteriors[:, 1:] > DRAWN).any(axis=0)).tolist():
        curve = posteriors[:, token + 1]
        edges = np.diff(np.concatenate([[0], curve > FAINTEST, [0]]).astype(int))
        for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            if curve[start:end].max() > DRAWN:
                levels = "".join(LEVELS[round(float(p) * (len(LEVELS) - 1))] for p in curve[start:end])
                found.append((int(start), pieces[token + 1], levels))
    return [(piece, start, levels) for start, piece, levels in sorted(found)]
