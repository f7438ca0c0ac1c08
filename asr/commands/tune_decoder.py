"""`asr tune-decoder`: a language model for a trained model, its weights found on dev, all saved with the model."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from asr.commands.lm import Units, write_language_model
from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console

if TYPE_CHECKING:
    from torch import Tensor

    from asr.corpus.batches import Batch, TimedLoader
    from asr.runs.held_out import SplitChoice, TrainedRun
    from asr.tasks.transcribe.decode.tuning import Rates
    from asr.tasks.transcribe.recognizer import Recognizer

WEIGHTS = ("lm_weight", "insertion_bonus", "unknown_penalty")


def tune_decoder(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN", help="A training's folder; its dev set is decoded again and again.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Options of evaluate.py: decoder.beam=64 data.source=PATH")
    ] = None,
    language_model: Annotated[
        Path | None, typer.Option("--lm", help="An ARPA file; default: estimated from the training transcripts.")
    ] = None,
    units: Annotated[Units, typer.Option(help="What the n-grams of the estimated model are of.")] = Units.tokens,
    order: Annotated[int, typer.Option(help="Words, or tokens, in an n-gram of the estimated model.")] = 6,
    trials: Annotated[int, typer.Option(help="Settings to try.", min=1)] = 60,
) -> None:
    """Find a beam search's weights on dev, and save it with its language model as the model's decoder."""
    with exit_status():
        run(run_dir, language_model, order, units is Units.tokens, trials, overrides or [])


def run(
    run_dir: Path, language_model: Path | None, order: int, tokens: bool, trials: int, overrides: Sequence[str]
) -> None:
    """Tune a beam search for the model of a run on the run's dev set, and save it as that model's decoder.

    Without `language_model` one of `order` is estimated from the training transcripts, of words or of `tokens`.
    `overrides` are evaluate.py's: data.source=…, decoder.beam=64. Raises UserError where there is no such run.
    """
    import optuna

    from asr.configuration.compose import load_values
    from asr.runs.held_out import SplitChoice, open_trained_run
    from asr.use.load import as_recognizer

    values = load_values("evaluate", [f"run={run_dir}", "split=dev", "decoder=beam", *overrides])
    split, data = values["split"], values["data"]
    if split == "test":
        raise UserError("split=test: weights that are tuned on the test set make its WER worthless; use split=dev")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    wanted = SplitChoice(split, data["source"], data["reader"], data["max_rejected"])
    opened = open_trained_run(values["run"], wanted.source)
    folder, recognizer = opened.path, as_recognizer(opened.trained, opened.path)
    with TemporaryDirectory() as scratch:
        if language_model is None:
            language_model = Path(scratch) / "lm.arpa"
            write_language_model([], folder, order, tokens, language_model, None)
        decoding = values["decoder"] | {"language_model": str(language_model)}
        batches = batches_of(opened, wanted, values["batch_seconds"], values["workers"], Path(scratch))
        greedy, best, weights = search_weights(recognizer, batches, decoding, trials, values["seed"], split)
        recognizer.decode_with(decoding | weights)
        recognizer.save(folder / "model")
    print_result(folder, split, greedy, best, weights)


def batches_of(
    opened: "TrainedRun", wanted: "SplitChoice", seconds: float, workers: int, scratch: Path
) -> "TimedLoader":
    """Batches of the split to search on, at the model's sample rate."""
    from asr.corpus.batches import SpeechDataset, evaluation_batches
    from asr.runs.held_out import read_split

    corpus = read_split(wanted, opened, opened.trained, scratch, console())
    dataset = SpeechDataset(corpus.audio, opened.trained.task.encode)
    return evaluation_batches(corpus.splits[wanted.split], dataset, seconds, workers)


def search_weights(
    recognizer: "Recognizer",
    batches: "Iterable[Batch]",
    decoding: dict[str, Any],
    trials: int,
    seed: int,
    split: str,
) -> tuple["Rates", "Rates", dict[str, float]]:
    """The rates of greedy decoding and of the best weights on the split, and those weights."""
    from asr.tasks.transcribe.decode.beam import BeamDecoder
    from asr.tasks.transcribe.decode.greedy import GreedyDecoder
    from asr.tasks.transcribe.decode.tuning import Rates, tune

    screen = console()
    log_probs, references, _ = log_probs_of(recognizer, batches)
    hypotheses = [hypothesis for batch in log_probs for hypothesis in GreedyDecoder()(*batch)]
    greedy = Rates.of(references, list(map(recognizer.text_of, hypotheses)))
    recognizer.decode_with(decoding)
    assert isinstance(recognizer.decoder, BeamDecoder)
    first = {name: decoding[name] for name in WEIGHTS}
    if not recognizer.decoder.has_lexicon:
        first["unknown_penalty"] = None
    screen.print(f"{trials} trials on {len(references)} utterances of {split}; greedy: {rates_in_words(greedy)}")
    lowest = [greedy.wer]

    def on_trial(number: int, rates: Rates, weights: dict[str, float]) -> None:
        if rates.wer < lowest[0]:
            lowest[0] = rates.wer
            chosen = ", ".join(f"{name} {value:g}" for name, value in weights.items())
            screen.print(
                f"trial {number:4d} of {trials}   {rates_in_words(rates)}   {chosen}", highlight=False, soft_wrap=True
            )

    decode = recognizer.tokenizer.decode
    weights, best = tune(recognizer.decoder, log_probs, references, decode, first, trials, seed, on_trial)
    return greedy, best, weights


def print_result(folder: Path, split: str, greedy: "Rates", best: "Rates", weights: dict[str, float]) -> None:
    from asr.tasks.transcribe.task import LANGUAGE_MODEL

    table = Table("decoding", f"WER on {split}", "CER")
    table.add_row("greedy", f"{greedy.wer:.2%}", f"{greedy.cer:.2%}")
    table.add_row("beam search, tuned", f"{best.wer:.2%}", f"{best.cer:.2%}")
    screen = console()
    screen.print(table)
    chosen = " ".join(f"decoder.{name}={value:g}" for name, value in weights.items())
    for line in (
        f"saved as the decoder of {folder / 'model'}: {chosen}",
        f"its language model is {folder / 'model' / LANGUAGE_MODEL}",
        f"the weights were chosen by these rates: measure on test, python evaluate.py run={folder}",
    ):
        screen.print(line, soft_wrap=True, highlight=False)


def log_probs_of(
    recognizer: "Recognizer", batches: "Iterable[Batch]"
) -> tuple[list[tuple["Tensor", "Tensor"]], list[str], list[str]]:
    """Log-probabilities and lengths of every batch; references and ids of the utterances in the same order."""
    import torch

    log_probs, references, ids = [], [], []
    with torch.inference_mode():
        for batch in batches:
            batch.check_whole()
            log_probs.append(recognizer.model(batch.waveform, batch.lengths))
            references += batch.texts
            ids += batch.ids
    return log_probs, references, ids


def rates_in_words(rates: "Rates") -> str:
    return f"WER {rates.wer:.2%}, CER {rates.cer:.2%}"
