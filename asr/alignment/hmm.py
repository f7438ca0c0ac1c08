"""A hidden Markov model of characters that finds out for itself when each of a known text is said.

CTC asks only that the tokens come in order: a network that has heard "the bridge" may write "under" then, half a second
late. A left-to-right model of characters with Gaussian emissions (Rabiner 1989), flat start and Viterbi training, has
to account for every frame, and places word boundaries to within a few hundredths of a second.

Shapes: B utterances, T frames of 10 ms, F coefficients, S states, K labels: silence, any sound, and PARTS of each
character.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from asr.alignment.viterbi import likeliest_path, spans
from asr.errors import UserError, one_line
from asr.model.features import MFCC, UtteranceNormalization
from asr.model.masking import valid_frames
from asr.writing import write_whole

SILENCE, ANY_SOUND = 0, 1  # the latter stands for characters that were never heard
PARTS = 2  # states of a character: its beginning and its end
ITERATIONS = 15
FEWEST_FRAMES = 10  # a label heard less often is like all others
RIDGE = 1e-3  # added to the covariance's diagonal, of coefficients of unit variance
SCORES_AT_ONCE = 2**25  # bounds the memory that fitting takes where a script has thousands of characters


@dataclass(frozen=True, slots=True)
class Recordings:
    """Samples (B, S), their lengths (B,), and the normalised texts said in them."""

    waveform: Tensor
    lengths: Tensor
    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Span:
    """A character between spaces, and its first and last second."""

    start: float
    end: float


class CharacterHMM:
    """`characters`, and of their K labels the means (K, F), both in coefficients whitened by (F, F)."""

    def __init__(self, sample_rate: int, characters: str, whitening: Tensor, means: Tensor) -> None:
        self.sample_rate, self.characters, self.whitening, self.means = sample_rate, characters, whitening, means
        self.features = new_features(sample_rate)
        self.index = {character: place for place, character in enumerate(characters)}

    @torch.inference_mode()
    def align(self, recordings: Recordings) -> list[list[Span] | None]:
        """When each character but spaces is said; None where there are fewer frames than the text has states."""
        graph = self.graph(recordings.texts)
        frames, lengths = self.features(recordings.waveform, recordings.lengths)
        path, scores = likeliest_path(self.scores(frames), lengths, *graph)
        starts, ends = spans(path, valid_frames(lengths, path.shape[1]), graph[0].shape[1])
        seconds = recordings.lengths / self.sample_rate
        # Frame t is centred on t hops. Its neighbours meet it half-way.
        from_s = ((starts - 0.5) * self.features.hop_s).clamp_min(0.0)
        to_s = ((ends - 0.5) * self.features.hop_s).minimum(seconds.unsqueeze(1))
        return [
            None if score == -torch.inf else character_spans(text, row_from.tolist(), row_to.tolist())
            for text, row_from, row_to, score in zip(recordings.texts, from_s, to_s, scores.tolist(), strict=True)
        ]

    def save(self, path: Path) -> None:
        tensors = {"whitening": self.whitening.contiguous(), "means": self.means.contiguous()}
        about = {"sample_rate": str(self.sample_rate), "characters": self.characters}
        write_whole(path, safetensors.torch.save(tensors, about))

    @classmethod
    def load(cls, path: Path) -> "CharacterHMM":
        """Read what `save` wrote; raises UserError naming the file where it is damaged."""
        try:
            with safetensors.safe_open(path, "pt") as file:
                about, whitening, means = file.metadata(), file.get_tensor("whitening"), file.get_tensor("means")
            characters, sample_rate = about["characters"], int(about["sample_rate"])
            if means.shape != (2 + PARTS * len(characters), len(whitening)):
                raise ValueError("its parts do not fit together")
        except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: damaged ({one_line(error)}); copy the model folder again") from error
        return cls(sample_rate, characters, whitening, means)

    def graph(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, S) of the texts, which of them may be entered over the silence before them, the last one (B,)."""
        labels = [labels_of(text, self.index) for text in texts]
        last = torch.tensor([len(each) - 1 for each in labels])
        states = torch.full((len(texts), int(last.max()) + 1), SILENCE)
        for row, each in enumerate(labels):
            states[row, : len(each)] = torch.tensor(each)
        skippable = torch.zeros_like(states, dtype=torch.bool)
        skippable[:, 2:] = states[:, 1:-1] == SILENCE
        return states, skippable, last

    def scores(self, frames: Tensor) -> Tensor:
        """(B, T, F) -> (B, T, K) log-densities, up to a constant."""
        return torch.cdist(frames @ self.whitening, self.means.expand(len(frames), -1, -1)).square().mul(-0.5)

    @classmethod
    @torch.inference_mode()
    def fit(cls, batches: Iterable[Recordings], sample_rate: int) -> "CharacterHMM | None":
        """Learn from recordings and what is said in them; None where no text fits into its recording."""
        features, heard = new_features(sample_rate), []
        for batch in batches:
            frames, lengths = features(batch.waveform, batch.lengths)
            heard += [(row[:length], text) for row, length, text in zip(frames, lengths, batch.texts, strict=True)]
        characters = "".join(sorted({c for _, text in heard for c in text if not c.isspace()}))
        index = {character: place for place, character in enumerate(characters)}
        heard = [
            (frames, text) for frames, text in heard if text.strip() and len(frames) >= len(labels_of(text, index))
        ]
        if not heard:
            return None
        heard.sort(key=lambda each: len(each[0]))
        frames = torch.cat([each for each, _ in heard])
        labels = torch.cat([spread_evenly(labels_of(text, index), len(each)) for each, text in heard])
        count = 2 + PARTS * len(characters)
        rows = max(1, min(50, SCORES_AT_ONCE // (count * len(heard[-1][0]))))
        for _ in range(ITERATIONS):
            model = cls(sample_rate, characters, *fit_gaussians(frames, labels, count))
            labels = torch.cat(
                [model.likeliest_labels(heard[start : start + rows]) for start in range(0, len(heard), rows)]
            )
        return model

    def likeliest_labels(self, recordings: Sequence[tuple[Tensor, str]]) -> Tensor:
        """The likeliest label of every frame, one after the other; recordings: (T, F) frames and the text of each."""
        lengths = torch.tensor([len(frames) for frames, _ in recordings])
        frames = torch.nn.utils.rnn.pad_sequence([frames for frames, _ in recordings], batch_first=True)
        graph = self.graph([text for _, text in recordings])
        path, _ = likeliest_path(self.scores(frames), lengths, *graph)
        return graph[0].gather(1, path)[valid_frames(lengths, path.shape[1])]


def new_features(sample_rate: int) -> MFCC:
    """Thirteen coefficients with their first and second differences (Davis & Mermelstein 1980), every 10 ms."""
    return MFCC(sample_rate, 25, 10, 40, 13, 2, 9, UtteranceNormalization)


def labels_of(text: str, index: dict[str, int]) -> list[int]:
    """Silence, the labels of a word's characters, silence, …; or any sound for a character never heard."""
    labels = [SILENCE]
    for word in text.split():
        for character in word:
            first = 2 + PARTS * index[character] if character in index else None
            labels += [ANY_SOUND] * PARTS if first is None else range(first, first + PARTS)
        labels.append(SILENCE)
    return labels


def character_spans(text: str, starts: Sequence[float], ends: Sequence[float]) -> list[Span]:
    """Seconds of the states, in the order of `labels_of` -> of the characters."""
    found, state = [], 1
    for word in text.split():
        for _ in word:
            found.append(Span(starts[state], ends[state + PARTS - 1]))
            state += PARTS
        state += 1
    return found


def spread_evenly(labels: Sequence[int], frames: int) -> Tensor:
    """A label a frame: silence at both ends, and every other label for as long as the next one."""
    said = [SILENCE, *(label for label in labels if label != SILENCE), SILENCE]
    return torch.tensor(said)[torch.arange(frames) * len(said) // frames]


def fit_gaussians(frames: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(N, F) frames and their labels (N,) -> the whitening (F, F) of their common covariance, whitened means (K, F)."""
    heard = torch.bincount(labels, minlength=count).unsqueeze(1)
    sums = torch.zeros(count, frames.shape[1]).index_add_(0, labels, frames)
    means = (sums / heard.clamp_min(1)).where(heard >= FEWEST_FRAMES, frames.mean(0))
    rest = frames - means[labels]
    covariance = rest.T @ rest / len(frames) + RIDGE * torch.eye(frames.shape[1])
    whitening = torch.linalg.inv(torch.linalg.cholesky(covariance)).T
    return whitening, means @ whitening
