"""Speech recognition with CTC as a task: what is learnt of an utterance is its transcript."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lhotse import CutSet
from matplotlib.figure import Figure
from torch import Tensor, nn

from asr.alignment.hmm import CharacterHMM
from asr.corpus.batches import Batch, SpeechDataset
from asr.corpus.corpus import StreamedSplit
from asr.corpus.utterance import Rejection
from asr.errors import UserError
from asr.runs.model_folder import TrainedModel
from asr.task import Measured, SplitToMeasure, Unusable
from asr.tasks.transcribe.confidence import WordConfidence
from asr.tasks.transcribe.ctc.head import CTCHead
from asr.tasks.transcribe.ctc.loss import CTCLoss, frames_needed
from asr.tasks.transcribe.decode.build import build_decoder
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.report.clips import make_clips
from asr.tasks.transcribe.report.posteriors import figure_of_example
from asr.tasks.transcribe.report.presentation import TranscriptPresentation
from asr.tasks.transcribe.scoring.hypotheses import examples_of
from asr.tasks.transcribe.scoring.measurement import calibrate as learn_confidence
from asr.tasks.transcribe.scoring.measurement import score_split, transcribe_split
from asr.tasks.transcribe.scoring.tables import print_comparison, print_errors, print_scores
from asr.tasks.transcribe.scoring.wer import character_error_rate, word_error_rate
from asr.tasks.transcribe.text.encoding import TokenEncoding
from asr.tasks.transcribe.text.load import load_tokenizer
from asr.tasks.transcribe.text.target import TranscriptTarget
from asr.tasks.transcribe.text.tokenizer import Tokenizer, UnknownCharacter
from asr.tasks.transcribe.text.unknown import unknown_characters
from asr.tasks.transcribe.text.word_counts import read_word_counts, write_word_counts
from asr.tasks.transcribe.timing.fitting import fit_timing

LANGUAGE_MODEL = "lm.arpa"  # of a decoder that has one
TIMING = "timing.safetensors"
REMEDY = "lower encoder.subsampling.factor, or use tokenizer=bpe"  # more frames, fewer tokens


class Transcribe:
    """Transcripts as targets, tokens in every frame as output, CTC as loss, error rates of words and characters.

    text, decoder, tokenizer, loss: what these groups of conf/ describe; a trained model has its tokenizer in a file
    and needs no loss. confidence: the weights of a WordConfidence.
    """

    presentation = TranscriptPresentation()
    rates = presentation.rates
    by_speaker = True
    targets_are_transcripts = True

    def __init__(
        self,
        text: Mapping[str, Any],
        decoder: Mapping[str, Any],
        tokenizer: Mapping[str, Any] | None = None,
        loss: Mapping[str, Any] | None = None,
        confidence: Sequence[float] | None = None,
    ) -> None:
        self.text, self.decoding = dict(text), dict(decoder)
        self.normalize = instantiate(self.text)
        self.target_of = TranscriptTarget(self.normalize)
        self.loss = CTCLoss() if loss is None else instantiate(loss)
        self.train_tokenizer = None if tokenizer is None else instantiate(tokenizer)
        self.confidence = None if confidence is None else WordConfidence(tuple(map(float, confidence)))
        self.timing: CharacterHMM | None = None  # without it, times are those of CTC's frames

    # what is learnt before the network

    def learn_from_targets(self, targets: Iterable[str], run: Path, utterances: int) -> None:
        """Tokens from the training transcripts, and how often each word stands in them."""
        assert self.train_tokenizer is not None
        texts = list(targets)
        write_word_counts(run, texts, utterances)
        self.use_tokenizer(self.train_tokenizer(texts))

    def use_tokenizer(self, tokenizer: Tokenizer) -> None:
        """Encode and decode with these tokens from now on."""
        self.tokenizer = tokenizer
        self.encode = TokenEncoding(tokenizer)
        self.decode_with(self.decoding)

    def decode_with(self, decoding: Mapping[str, Any]) -> None:
        """Decode from now on as a `decoder` of conf/ describes."""
        self.decoding = dict(decoding)
        self.decoder = build_decoder(self.decoding, self.tokenizer, self.normalize)

    def learn_from_audio(
        self, training: CutSet | StreamedSplit, dataset: SpeechDataset, batches: Iterable[Batch], rate: int
    ) -> None:
        """Fit the model of word times."""
        self.timing = fit_timing(training, dataset, batches, rate)

    def why_unlearnable(self, target: str, frames: int) -> Unusable | None:
        try:
            needed = frames_needed(self.tokenizer.encode(target))
        except UnknownCharacter as error:
            unknown = " ".join(error.characters)
            detail = f"the model cannot write {unknown}, as no transcript that it learnt its tokens from"
            return Unusable("unknown_characters", detail, "mend the transcript, or have text.… fold it")
        if frames >= needed:
            return None
        return Unusable("ctc_infeasible", f"{frames} frames, the transcript needs {needed}", REMEDY, of_frames=True)

    # the network

    def head(self, dim: int) -> nn.Module:
        """(B, T', dim) -> (B, T', V) log-probabilities."""
        return CTCHead(dim, self.tokenizer.size)

    def predict(self, outputs: Tensor, lengths: Tensor) -> list[str]:
        return [self.tokenizer.decode(hypothesis.tokens) for hypothesis in self.decoder(outputs, lengths)]

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
        return {
            "wer": word_error_rate(references, predictions),
            "cer": character_error_rate(references, predictions),
        }

    def facts(self, utterances: int, frames: int) -> dict[str, str]:
        size = self.tokenizer.size
        shapes = f"(B, T', {size}), here ({utterances}, {frames}, {size})"
        return {
            "output": f"token log-probabilities {shapes}, blank and {size - 1} tokens",
            "loss": f"{type(self.loss).__name__}, per token",
        }

    # the trained model

    def as_config(self) -> dict[str, Any]:
        decoding = dict(self.decoding)
        if decoding.get("language_model"):
            decoding["language_model"] = LANGUAGE_MODEL
        found: dict[str, Any] = {"_target_": f"{type(self).__module__}.{type(self).__name__}"}
        found |= {"text": self.text, "decoder": decoding}
        return found | ({"confidence": list(self.confidence.weights)} if self.confidence is not None else {})

    def save(self, folder: Path) -> None:
        if path := self.decoding.get("language_model"):
            shutil.copyfile(path, folder / LANGUAGE_MODEL)
        self.tokenizer.save(folder)
        if self.timing is not None:
            self.timing.save(folder / TIMING)

    def load(self, folder: Path) -> None:
        if self.decoding.get("language_model"):
            self.decoding["language_model"] = str(folder / LANGUAGE_MODEL)  # wherever the file says it is
        self.use_tokenizer(load_tokenizer(folder))
        self.timing = CharacterHMM.load(folder / TIMING) if (folder / TIMING).is_file() else None

    def change_settings(self, settings: Mapping[str, Any]) -> None:
        """Take another decoder; UserError for what a trained recogniser has no use for."""
        for group, value in settings.items():
            if group != "decoder":
                raise UserError(f"{group}: a trained recogniser takes another decoder alone")
            self.decode_with(value)

    def interface(self, trained: TrainedModel) -> Recognizer:
        return Recognizer(trained)

    # numbers and pages

    def unpredictable_utterances(self, split: str, cuts: CutSet) -> list[Rejection]:
        """Utterances whose references hold characters that cannot be written."""
        return list(unknown_characters(split, cuts, self.tokenizer))

    def measure(self, trained: TrainedModel, held: SplitToMeasure, calibrate: bool = False) -> Measured:
        """Error rates with intervals, for whom and in what it errs, how fast, and every hypothesis."""
        if calibrate:
            self.confidence = None  # where an earlier attempt got as far as here
        recognizer = self.interface(trained)
        cuts, dataset = held.cuts, held.dataset
        heard = transcribe_split(
            recognizer, cuts, dataset, held.batch_seconds, held.split, held.screen, held.device, held.workers
        )
        if calibrate:
            learn_confidence(recognizer, cuts, heard)
        trained_on = None if held.run is None else read_word_counts(held.run)
        return score_split(recognizer, cuts, dataset, heard, held.split, held.seed, trained_on, held.device)

    def clips(self, trained: TrainedModel, held: SplitToMeasure, measured: Measured, room: int) -> Mapping[str, Any]:
        rate, frame_s = trained.sample_rate, trained.model.frame_s
        views, screen = measured.views, held.screen
        return make_clips(rate, frame_s, held.cuts, held.dataset, measured.lines, views, screen, room)

    def show(self, metrics: Mapping[str, Any], errors: Mapping[str, Any] | None = None) -> None:
        print_scores(metrics)
        if errors is not None:
            print_errors(errors)

    def show_comparison(self, comparison: Mapping[str, Any]) -> None:
        print_comparison(comparison)

    def examples(self, trained: TrainedModel, batch: Batch) -> tuple[list[tuple[str, str, str]], Figure]:
        """Id, reference and hypothesis of every utterance, and the first one's spectrogram over its posteriors."""
        shown = examples_of(self.interface(trained), batch)
        return [(each.id, each.reference, each.hypothesis) for each in shown], figure_of_example(shown[0])
