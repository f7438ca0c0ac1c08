"""The trained model as a person uses it: save, load, transcribe.

A model is a folder anybody can open safely: model.safetensors, config.yaml, the tokenizer. Nothing in it is executed:
config.yaml may name only parts of this package, and weights are read as numbers.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import safetensors
import safetensors.torch
import torch
import yaml

from asr.ctc.alignment import align
from asr.ctc.head import CTCHead
from asr.data.audio import AudioProblem, load_audio
from asr.decode.greedy import Hypothesis
from asr.errors import UserError, one_line
from asr.model import AcousticModel
from asr.text.load import load_tokenizer
from asr.text.normalise import TextNormalizer
from asr.text.tokenizer import Tokenizer, UnknownCharacter
from asr.trust import MODEL_PARTS, check_trusted
from asr.writing import whole_folder, write_whole

LANGUAGE_MODEL = "lm.arpa"  # of a decoder that has one
FORMAT = 1  # of the model folder; raised when older programs could no longer read it


Decoder = Callable[[torch.Tensor, torch.Tensor], list[Hypothesis]]  # log-probabilities (B, T', V), lengths (B,)


@dataclass(frozen=True)
class Transcript:
    """One recording's text, its words with times in seconds and confidence in 0..1, and its duration in seconds."""

    path: str
    text: str
    words: list["Word"]
    duration: float


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float
    confidence: float


class Recognizer:
    """A trained model: `load(folder).transcribe(["a.wav"])`."""

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        normalize: TextNormalizer,
        decoder: Decoder,
        sample_rate: int,
        config: dict,
    ) -> None:
        self.model, self.tokenizer, self.normalize = model.eval(), tokenizer, normalize
        self.decoder, self.sample_rate, self.config = decoder, sample_rate, config

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all."""
        weights = {name: value.contiguous() for name, value in self.model.state_dict().items()}
        config = self.config
        with whole_folder(folder) as made:
            if path := config["decoder"].get("language_model"):
                shutil.copyfile(path, made / LANGUAGE_MODEL)
                config = {**config, "decoder": {**config["decoder"], "language_model": LANGUAGE_MODEL}}
            write_whole(made / "model.safetensors", safetensors.torch.save(weights))
            write_whole(made / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
            self.tokenizer.save(made)

    def decode_with(self, config: Mapping[str, Any]) -> None:
        """Decode from now on as a `decoder` of conf/ describes, and save that with the model."""
        self.decoder = build_decoder(config, self.tokenizer, self.normalize)
        self.config = {**self.config, "decoder": dict(config)}

    @torch.inference_mode()
    def decode(self, waveform: torch.Tensor, lengths: torch.Tensor) -> list[Hypothesis]:
        """(B, S), (B,) samples -> a hypothesis an utterance."""
        return self.decoder(*self.model(waveform, lengths))

    def text_of(self, hypothesis: Hypothesis) -> str:
        return self.tokenizer.decode(hypothesis.tokens)

    def transcribe(
        self,
        paths: Iterable[str | Path],
        batch_seconds: float = 120.0,
        on_problem: Callable[[UserError], None] | None = None,
    ) -> list[Transcript]:
        """Read and transcribe recordings, in their order.

        One that cannot be used (unreadable, empty, silent) is told to `on_problem` and left out; without it, UserError
        is raised for the first.
        """
        found = [(path, samples) for path in paths if (samples := self.read(path, on_problem)) is not None]
        paths, recordings = [path for path, _ in found], [samples for _, samples in found]
        transcripts: list[Transcript | None] = [None] * len(found)
        for rows in batches_by_length([len(samples) for samples in recordings], batch_seconds * self.sample_rate):
            hypotheses = self.decode(*side_by_side([recordings[index] for index in rows]))
            for index, hypothesis in zip(rows, hypotheses, strict=True):
                seconds = len(recordings[index]) / self.sample_rate
                transcripts[index] = Transcript(
                    str(paths[index]), self.text_of(hypothesis), self.words(hypothesis, seconds), seconds
                )
        return [transcript for transcript in transcripts if transcript is not None]

    @torch.inference_mode()
    def align(self, path: str | Path, text: str) -> Transcript:
        """Find when each word of a known text is said in a recording, by the likeliest path of its tokens.

        Raises UserError where the recording cannot be used, is too short for the text, or where the text holds
        characters that the model cannot write.
        """
        samples = self.read(path)
        assert samples is not None
        spoken = self.normalize(text)
        try:
            tokens = self.tokenizer.encode(spoken)
        except UnknownCharacter as error:
            raise UserError(f"{path}: the text cannot be aligned: {error}") from error
        log_probs, counts = self.model(*side_by_side([samples]))
        try:
            found = align(log_probs[0, : counts[0]], tokens)
        except UserError as error:
            raise UserError(f"{path}: {error}; check that it is this recording's text") from error
        seconds = len(samples) / self.sample_rate
        hypothesis = Hypothesis(tokens, found.starts, found.ends, found.confidences)
        return Transcript(str(path), spoken, self.words(hypothesis, seconds), seconds)

    def words(self, hypothesis: Hypothesis, duration: float) -> list[Word]:
        """Tokens gathered between spaces; a word starts where its first token does and ends where its last one does."""
        words: list[Word] = []
        open_word: list[int] = []

        def close() -> None:
            text = self.tokenizer.decode([hypothesis.tokens[i] for i in open_word]).strip()
            if text:
                start = hypothesis.starts[open_word[0]] * self.model.frame_s
                end = min(duration, hypothesis.ends[open_word[-1]] * self.model.frame_s)
                confidence = min(hypothesis.confidences[i] for i in open_word)
                words.append(Word(text, round(start, 3), round(max(start, end), 3), round(confidence, 4)))
            open_word.clear()

        for index, token in enumerate(hypothesis.tokens):
            piece = self.tokenizer.piece(token)
            if piece.startswith("▁"):
                close()
            if piece != "▁":
                open_word.append(index)
        close()
        return words

    def read(self, path: str | Path, on_problem: Callable[[UserError], None] | None = None) -> np.ndarray | None:
        """(S,) samples at the model's rate; None where there is a problem, once it is told."""
        try:
            return load_audio(Path(path), sample_rate=self.sample_rate).samples
        except AudioProblem as problem:
            error = UserError(f"{path}: {problem.detail}; {problem.remedy}")
            if on_problem is None:
                raise error from problem
            on_problem(error)
            return None


def batches_by_length(lengths: Sequence[float], room: float) -> Iterator[list[int]]:
    """Indices of recordings of like length, the longest first; a batch takes up `room`, its padding included."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    while order:
        count = max(1, int(room / max(lengths[order[0]], 1e-3)))
        yield order[:count]
        order = order[count:]


def side_by_side(recordings: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples (S,) of every recording -> (B, S) padded with zeros, (B,) samples."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    waveform = torch.zeros(len(recordings), int(lengths.max()))
    for row, samples in enumerate(recordings):
        waveform[row, : len(samples)] = torch.from_numpy(samples)
    return waveform, lengths


def build_model(config: Mapping[str, Any], sample_rate: int, vocabulary: int) -> AcousticModel:
    """The acoustic model that the `features` and `encoder` of a configuration describe."""
    features = hydra.utils.instantiate(config["features"], sample_rate=sample_rate)
    encoder = hydra.utils.instantiate(config["encoder"], features=features.dim)
    return AcousticModel(features, encoder, CTCHead(encoder.dim, vocabulary))


def build_decoder(config: Mapping[str, Any], tokenizer: Tokenizer, normalize: TextNormalizer) -> Decoder:
    """What the `decoder` of a configuration describes; hotwords are normalised as transcripts are."""
    if config.get("hotwords"):
        config = {**config, "hotwords": [normalize(phrase) for phrase in config["hotwords"]]}
    return hydra.utils.instantiate(config, tokenizer=tokenizer)


def load(folder: str | Path) -> Recognizer:
    """Open a model folder; UserError naming the file where it is missing, damaged or no model of this program."""
    folder = Path(folder)
    if (folder / "model" / "config.yaml").is_file():  # a run, which has a config.yaml of its own
        folder = folder / "model"
    config = read_config(folder / "config.yaml")
    try:
        for part in ("features", "encoder", "decoder", "text"):
            check_trusted(config[part], folder / "config.yaml", MODEL_PARTS)
        tokenizer = load_tokenizer(folder)
        model = build_model(config, config["sample_rate"], tokenizer.size)
        normalize = hydra.utils.instantiate(config["text"])
        if config["decoder"].get("language_model"):
            config["decoder"]["language_model"] = str(folder / LANGUAGE_MODEL)  # wherever the file says it is
        decoder = build_decoder(config["decoder"], tokenizer, normalize)
        sample_rate = int(config["sample_rate"])
    except UserError:
        raise
    except Exception as error:  # a foreign config may be wrong in any way; all of them are one line
        raise UserError(f"{folder / 'config.yaml'}: does not describe a model ({one_line(error)})") from error
    load_weights(model, folder / "model.safetensors")
    return Recognizer(model, tokenizer, normalize, decoder, sample_rate, config)


def read_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"{path.parent}: not a model folder: it has no config.yaml; give RUN_DIR/model of a training")
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not readable as YAML ({one_line(error)}); copy the folder again") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{path}: not a model of this program (format {FORMAT}); give RUN_DIR/model of a finished run")
    return config


def load_weights(model: torch.nn.Module, path: Path) -> None:
    try:
        weights = safetensors.torch.load_file(path)
        model.load_state_dict(weights)
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:
        raise UserError(f"{path}: weights missing, damaged or of another model ({one_line(error)[:200]})") from error
