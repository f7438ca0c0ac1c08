"""Transcripts that are likely wrong: a trained model finds what it hears far more probable than what is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asr.corpus.checking import samples_of
from asr.corpus.utterance import Utterance
from asr.doctor.measures import usual
from asr.tasks.transcribe.ctc.loss import required_frames
from asr.tasks.transcribe.recognizer import Recognizer, batches_by_length, side_by_side
from asr.tasks.transcribe.text.tokenizer import BLANK, UnknownCharacter

BATCH_S = 60.0
SUSPICIOUS_Z = 5.0  # robust deviations from the usual


@dataclass(frozen=True, slots=True)
class Suspect:
    """An utterance, what the model heard, and by how many nats a token that is likelier than the transcript."""

    utterance: str
    heard: str
    nats: float


def ranked(
    recognizer: Recognizer,
    utterances: Mapping[str, Utterance],
    texts: Mapping[str, str],
    seconds: Mapping[str, float],
    on_progress: Callable[[int, int | None], None],
) -> list[Suspect]:
    """All utterances, the most suspicious first.

    A transcript's CTC loss alone would rank noisy recordings first; the loss of what is heard, which such recordings
    have too, is taken off. What could not be aligned at all is infinitely suspicious.
    """
    names = list(utterances)
    found: list[Suspect] = []
    for rows in batches_by_length([seconds[name] for name in names], BATCH_S):
        batch = [(names[row], samples_of(utterances[names[row]], recognizer.sample_rate)) for row in rows]
        found += compare(recognizer, batch, texts)
        on_progress(len(found), len(names))
    return sorted(found, key=lambda suspect: -suspect.nats)


@torch.inference_mode()
def compare(recognizer: Recognizer, batch: Sequence[tuple[str, np.ndarray]], texts: Mapping[str, str]) -> list[Suspect]:
    log_probs, frames = recognizer.model(*side_by_side([samples for _, samples in batch]))
    heard = [recognizer.text_of(hypothesis) for hypothesis in recognizer.decoder(log_probs, frames)]
    written = [encoded(recognizer, texts[name]) for name, _ in batch]
    tokens_heard = [encoded(recognizer, text) for text in heard]
    more = losses(log_probs, frames, written) - losses(log_probs, frames, tokens_heard)
    counts = torch.tensor([max(1, len(tokens)) for tokens in written])
    return [
        Suspect(name, text, nats) for (name, _), text, nats in zip(batch, heard, (more / counts).tolist(), strict=True)
    ]


def encoded(recognizer: Recognizer, text: str) -> list[int]:
    """Tokens of a text, characters that the model never learnt left out."""
    normal = recognizer.normalize(text)
    try:
        return recognizer.tokenizer.encode(normal)
    except UnknownCharacter:
        known = recognizer.tokenizer.characters
        return recognizer.tokenizer.encode(" ".join("".join(c for c in normal if c in known).split()))


def losses(log_probs: torch.Tensor, frames: torch.Tensor, tokens: Sequence[list[int]]) -> torch.Tensor:
    """(B,) negative log-likelihoods of the whole token sequences; infinite where there is no alignment."""
    counts = torch.tensor([len(each) for each in tokens])
    padded = torch.zeros(len(tokens), max(1, int(counts.max())), dtype=torch.long)
    for row, each in enumerate(tokens):
        padded[row, : len(each)] = torch.tensor(each, dtype=torch.long)
    found = torch.nn.functional.ctc_loss(log_probs.transpose(0, 1), padded, frames, counts, BLANK, reduction="none")
    return found.where(frames >= required_frames(padded, counts), torch.inf)


def suspicious(found: Sequence[Suspect]) -> list[Suspect]:
    """Those that stand out from the corpus by SUSPICIOUS_Z."""
    nats = np.array([each.nats for each in found])
    finite = nats[np.isfinite(nats)]
    if not len(finite):
        return list(found)
    middle, spread = usual(finite)
    return [each for each in found if each.nats > middle + SUSPICIOUS_Z * spread]
