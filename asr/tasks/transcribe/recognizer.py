"""The trained model as a person uses it: recordings in, transcripts with times and confidences out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.alignment.hmm import CharacterHMM, Recordings, Span
from asr.audio.recording import AudioProblem, load_audio
from asr.errors import UserError
from asr.runs.model_folder import TrainedModel
from asr.tasks.transcribe.confidence import WordConfidence
from asr.tasks.transcribe.ctc.alignment import align_long
from asr.tasks.transcribe.decode.build import Decoder
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.long_recordings import consecutive_log_probs, decode_parts, is_long, stretches
from asr.tasks.transcribe.text.normalise import TextNormalizer
from asr.tasks.transcribe.text.tokenizer import BLANK, SPACE_PIECE, Tokenizer, UnknownCharacter
from asr.tasks.transcribe.timing.words import Token, Transcript, segments_of, tokens_of, words_of

GROUP_BATCHES = 10  # of recordings that are read before they are transcribed
STRETCHES_AT_ONCE = 8


class Recognizer:
    """A trained model that transcribes: `asr.load(folder).transcribe(["a.wav"])`."""

    def __init__(self, trained: TrainedModel) -> None:
        self.trained = trained
        self.model, self.sample_rate = trained.model.eval(), trained.sample_rate

    @property
    def task(self) -> Any:
        """The Transcribe that holds tokens, decoder, normalisation, timing and confidence."""
        return self.trained.task

    @property
    def tokenizer(self) -> Tokenizer:
        return self.task.tokenizer

    @property
    def normalize(self) -> TextNormalizer:
        return self.task.normalize

    @property
    def decoder(self) -> Decoder:
        return self.task.decoder

    @property
    def timing(self) -> CharacterHMM | None:
        """The model of word times; None: times are those of CTC's frames."""
        return self.task.timing

    @property
    def confidence(self) -> WordConfidence | None:
        """The model of word confidences; None: a word's confidence is that of its least confident token."""
        return self.task.confidence

    @confidence.setter
    def confidence(self, confidence: WordConfidence | None) -> None:
        self.task.confidence = confidence

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all."""
        self.trained.save(folder)

    def decode_with(self, decoding: Mapping[str, Any]) -> None:
        """Decode from now on as a `decoder` of conf/ describes, and save that with the model."""
        self.task.decode_with(decoding)

    def decode(self, waveform: torch.Tensor, lengths: torch.Tensor) -> list[Hypothesis]:
        """(B, S), (B,) samples -> a hypothesis an utterance."""
        return self.decode_with_log_probs(waveform, lengths)[0]

    @torch.inference_mode()
    def decode_with_log_probs(
        self, waveform: torch.Tensor, lengths: torch.Tensor
    ) -> tuple[list[Hypothesis], torch.Tensor, torch.Tensor]:
        """`decode`, with the log-probabilities (B, T', V) and frames (B,) that it decoded."""
        log_probs, counts = self.model(waveform, lengths)
        return self.decoder(log_probs, counts), log_probs, counts

    def text_of(self, hypothesis: Hypothesis) -> str:
        return self.tokenizer.decode(hypothesis.tokens)

    def transcribe(
        self,
        paths: Iterable[str | Path],
        batch_seconds: float = 120.0,
        on_problem: Callable[[UserError], None] | None = None,
    ) -> list[Transcript]:
        """Read and transcribe recordings, in their order.

        One that cannot be used (unreadable, empty, silent) is passed to `on_problem` and left out. Without
        `on_problem`, UserError is raised for the first.
        """
        transcripts: list[Transcript] = []
        readable = ((path, samples) for path in paths if (samples := self.read(path, on_problem)) is not None)
        for group in groups_of(readable, GROUP_BATCHES * batch_seconds * self.sample_rate):
            names, recordings = zip(*group, strict=True)
            found = self.transcribe_samples(recordings, batch_seconds)
            transcripts += [replace(each, path=str(name)) for name, each in zip(names, found, strict=True)]
        return transcripts

    @torch.inference_mode()
    def transcribe_samples(self, recordings: Sequence[np.ndarray], batch_seconds: float = 120.0) -> list[Transcript]:
        """(S,) samples at the model's rate of each recording; long ones are processed in overlapping chunks."""
        found: dict[int, Transcript] = {}
        for rows in batches_by_length([len(samples) for samples in recordings], batch_seconds * self.sample_rate):
            long = [row for row in rows if is_long(len(recordings[row]), self.sample_rate)]
            for row in long:
                parts = consecutive_log_probs(self.model, recordings[row], self.sample_rate)
                found[row] = self.with_word_times_of_long(decode_parts(self.decoder, parts), recordings[row])
            if rows := [row for row in rows if row not in long]:
                waveform, lengths = pad_to_batch([recordings[row] for row in rows])
                hypotheses = self.decode(waveform, lengths)
                found |= dict(zip(rows, self.with_word_times(hypotheses, waveform, lengths), strict=True))
        return [found[row] for row in range(len(recordings))]

    def with_word_times(
        self, hypotheses: Sequence[Hypothesis], waveform: torch.Tensor, lengths: torch.Tensor
    ) -> list[Transcript]:
        """Hypotheses of (B, S), (B,) samples with the times of their words, without paths."""
        return [
            self.transcript(hypothesis, tokens, samples)
            for hypothesis, tokens, samples in zip(
                hypotheses, self.tokens(hypotheses, waveform, lengths), lengths.tolist(), strict=True
            )
        ]

    def with_word_times_of_long(self, hypothesis: Hypothesis, samples: np.ndarray) -> Transcript:
        """`with_word_times` of one recording of any length, stretch by stretch."""
        frame_s = self.model.frame_s
        frame = round(frame_s * self.sample_rate)
        begins = [self.tokenizer.piece(token).startswith(SPACE_PIECE) for token in hypothesis.tokens]
        tokens: list[Token] = []
        parts = stretches(hypothesis, begins, -(-len(samples) // frame), frame_s)
        for first in range(0, len(parts), STRETCHES_AT_ONCE):
            some = parts[first : first + STRETCHES_AT_ONCE]
            batch = pad_to_batch([samples[part.first_frame * frame : part.end_frame * frame] for part in some])
            for part, found in zip(some, self.tokens([part.hypothesis for part in some], *batch), strict=True):
                tokens += [token.shifted(part.first_frame * frame_s) for token in found]
        return self.transcript(hypothesis, tokens, len(samples))

    def tokens(
        self, hypotheses: Sequence[Hypothesis], waveform: torch.Tensor, lengths: torch.Tensor
    ) -> list[list[Token]]:
        known: Sequence[list[Span] | None] = [None] * len(hypotheses)
        if self.timing is not None:
            texts = [self.text_of(hypothesis) for hypothesis in hypotheses]
            known = self.timing.align(Recordings(waveform.cpu(), lengths.cpu(), texts))
        return [
            tokens_of(hypothesis, self.tokenizer, self.model.frame_s, samples / self.sample_rate, spans)
            for hypothesis, spans, samples in zip(hypotheses, known, lengths.tolist(), strict=True)
        ]

    def transcript(self, hypothesis: Hypothesis, tokens: list[Token], samples: int) -> Transcript:
        words = words_of(hypothesis, tokens, self.tokenizer)
        found = Transcript("", self.text_of(hypothesis), words, samples / self.sample_rate, tokens)
        return found if self.confidence is None else self.confidence.of(found)

    @torch.inference_mode()
    def align(self, path: str | Path, text: str) -> Transcript:
        """Find when each word of a known text is said in a recording, by the likeliest path of its tokens.

        The lines of the text, where there are several, become segments. Raises UserError where the recording cannot be
        used, is too short for the text, or where the text holds characters that the model cannot write.
        """
        samples = self.read(path)
        assert samples is not None
        lines = [spoken for line in text.splitlines() if (spoken := self.normalize(line))]
        try:
            tokens = self.tokenizer.encode(" ".join(lines))
        except UnknownCharacter as error:
            raise UserError(f"{path}: the text cannot be aligned: {error}") from error
        parts = consecutive_log_probs(self.model, samples, self.sample_rate)
        used, columns = torch.tensor([BLANK, *tokens]).unique(return_inverse=True)  # of V, which may be thousands
        try:
            found = align_long(torch.cat([part[:, used] for part in parts]), columns[1:].tolist())
        except UserError as error:
            raise UserError(f"{path}: {error}; check that it is this recording's text") from error
        transcript = self.with_word_times_of_long(
            Hypothesis(tokens, found.starts, found.ends, found.confidences), samples
        )
        segments = segments_of(transcript.words, lines) if len(lines) > 1 else []
        return replace(transcript, path=str(path), text=" ".join(lines), segments=segments)

    def read(self, path: str | Path, on_problem: Callable[[UserError], None] | None = None) -> np.ndarray | None:
        """(S,) samples at the model's rate; None where there is a problem, after `on_problem`."""
        try:
            return load_audio(Path(path), sample_rate=self.sample_rate).samples
        except AudioProblem as problem:
            error = UserError(f"{path}: {problem.detail}; {problem.remedy}")
            if on_problem is None:
                raise error from problem
            on_problem(error)
            return None


def groups_of(
    recordings: Iterable[tuple[Any, np.ndarray]], max_samples: float
) -> Iterator[list[tuple[Any, np.ndarray]]]:
    """Named recordings in lists of about `max_samples` samples, so that only one list is in memory."""
    group: list[tuple[Any, np.ndarray]] = []
    for recording in recordings:
        group.append(recording)
        if sum(len(samples) for _, samples in group) >= max_samples:
            yield group
            group = []
    if group:
        yield group


def batches_by_length(lengths: Sequence[float], max_samples: float) -> Iterator[list[int]]:
    """Indices of recordings of like length, the longest first; a batch takes up `max_samples`, its padding included."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    while order:
        count = max(1, int(max_samples / max(lengths[order[0]], 1e-3)))
        yield order[:count]
        order = order[count:]


def pad_to_batch(recordings: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples (S,) of every recording -> (B, S) padded with zeros, (B,) samples."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    waveform = torch.zeros(len(recordings), int(lengths.max()))
    for row, samples in enumerate(recordings):
        waveform[row, : len(samples)] = torch.from_numpy(samples)
    return waveform, lengths
