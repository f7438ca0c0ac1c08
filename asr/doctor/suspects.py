"""Transcripts that are likely wrong: a trained model finds its own hypothesis far more probable."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asr.corpus.checking import samples_of
from asr.corpus.utterance import Utterance
from asr.doctor.measures import median_and_spread
from asr.tasks.transcribe.ctc.loss import required_frames
from asr.tasks.transcribe.recognizer import Recognizer, batches_by_length, pad_to_batch
from asr.tasks.transcribe.text.tokenizer import BLANK, UnknownCharacter

BATCH_S = 60.0
SUSPICIOUS_Z = 5.0  # robust deviations from the usual


@dataclass(frozen=True, slots=True)
class Suspect:
    """An utterance, the model's hypothesis (`heard`), and by how many nats a token it beats the transcript."""

    utterance: str
    heard: str
    nats: float


def ranked_by_suspicion(
    recognizer: Recognizer,
    utterances: Mapping[str, Utterance],
    texts: Mapping[str, str],
    seconds: Mapping[str, float],
    on_progress: Callable[[int, int | None], None],
) -> list[Suspect]:
    """All utterances, the most suspicious first.

    A transcript's CTC loss alone would rank noisy recordings first; the loss of the model's own hypothesis,
    which is high there too, is subtracted. A transcript that cannot be aligned at all comes first.
    """
    names = list(utterances)
    found: list[Suspect] = []
    for rows in batches_by_length([seconds[name] for name in names], BATCH_S):
        batch = [(names[row], samples_of(utterances[names[row]], recognizer.sample_rate)) for row in rows]
        found += suspects_of_batch(recognizer, batch, texts)
        on_progress(len(found), len(names))
    return sorted(found, key=lambda suspect: -suspect.nats)


@torch.inference_mode()
def suspects_of_batch(
    recognizer: Recognizer, batch: Sequence[tuple[str, np.ndarray]], texts: Mapping[str, str]
) -> list[Suspect]:
    log_probs, frames = recognizer.model(*pad_to_batch([samples for _, samples in batch]))
    heard = [recognizer.text_of(hypothesis) for hypothesis in recognizer.decoder(log_probs, frames)]
    written = [tokens_of_known_characters(recognizer, texts[name]) for name, _ in batch]
    tokens_heard = [tokens_of_known_characters(recognizer, text) for text in heard]
    more = ctc_losses(log_probs, frames, written) - ctc_losses(log_probs, frames, tokens_heard)
    counts = torch.tensor([max(1, len(tokens)) for tokens in written])
    return [
        Suspect(name, text, nats) for (name, _), text, nats in zip(batch, heard, (more / counts).tolist(), strict=True)
    ]


def tokens_of_known_characters(recognizer: Recognizer, text: str) -> list[int]:
    """Tokens of a text, characters that the model never learnt left out."""
    normal = recognizer.normalize(text)
    try:
        return recognizer.tokenizer.encode(normal)
    except UnknownCharacter:
        known = recognizer.tokenizer.characters
        return recognizer.tokenizer.encode(" ".join("".join(c for c in normal if c in known).split()))


def ctc_losses(log_probs: torch.Tensor, frames: torch.Tensor, tokens: Sequence[list[int]]) -> torch.Tensor:
    """(B,) negative log-likelihoods of the whole token sequences; infinite where there is no alignment."""
    counts = torch.tensor([len(each) for each in tokens])
    padded = torch.zeros(len(tokens), max(1, int(counts.max())), dtype=torch.long)
    for row, each in enumerate(tokens):
        padded[row, : len(each)] = torch.tensor(each, dtype=torch.long)
    found = torch.nn.functional.ctc_loss(log_probs.transpose(0, 1), padded, frames, counts, BLANK, reduction="none")
    return found.where(frames >= required_frames(padded, counts), torch.inf)


def suspicious(found: Sequence[Suspect]) -> list[Suspect]:
    """The utterances that stand out from the corpus by SUSPICIOUS_Z robust deviations."""
    nats = np.array([each.nats for each in found])
    finite = nats[np.isfinite(nats)]
    if not len(finite):
        return list(found)
    middle, spread = median_and_spread(finite)
    return [each for each in found if each.nats > middle + SUSPICIOUS_Z * spread]
