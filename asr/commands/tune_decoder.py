"""`asr tune-decoder`: a language model for a trained model, its weights found on dev, all saved with the model."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import torch
from rich.table import Table

from asr.commands.lm import write_language_model
from asr.configuration.compose import load_configuration, settings
from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.errors import UserError
from asr.runs.held_out import HeldOut, open_trained_run, read_split
from asr.screen import console
from asr.tasks.transcribe.decode.beam import BeamDecoder
from asr.tasks.transcribe.decode.greedy import GreedyDecoder
from asr.tasks.transcribe.decode.tuning import Rates, tune
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.task import LANGUAGE_MODEL


def run(
    run_dir: Path, language_model: Path | None, order: int, tokens: bool, trials: int, overrides: Sequence[str]
) -> None:
    """Tune a beam search for the model of a run on the run's dev set, and save it as that model's decoder.

    Without `language_model` one of `order` is estimated from the training transcripts, of words or of `tokens`.
    `overrides` are evaluate.py's: data.source=…, decoder.beam=64. Raises UserError where there is no such run.
    """
    screen = console()
    values = settings(load_configuration("evaluate", [f"run={run_dir}", "split=dev", "decoder=beam", *overrides]))
    split, data = values["split"], values["data"]
    if split == "test":
        raise UserError("split=test: weights that are tuned on the test set make its WER worthless; leave dev")
    wanted = HeldOut(split, data["source"], data["reader"], data["max_rejected"])
    opened = open_trained_run(values["run"], wanted.source)
    folder, recognizer = opened.path, opened.trained.task.opened(opened.trained)
    with TemporaryDirectory() as scratch:
        if language_model is None:
            language_model = Path(scratch) / "lm.arpa"
            write_language_model([], folder, order, tokens, language_model, None)
        decoding = values["decoder"] | {"language_model": str(language_model)}
        corpus = read_split(wanted, opened, opened.trained, Path(scratch), screen)
        dataset = SpeechDataset(corpus.audio, opened.trained.task.encode)
        batches = evaluation_batches(corpus.splits[split], dataset, values["batch_seconds"], values["workers"])
        heard, references, _ = listen(recognizer, batches)
        hypotheses = [hypothesis for batch in heard for hypothesis in GreedyDecoder()(*batch)]
        greedy = Rates.of(references, list(map(recognizer.text_of, hypotheses)))
        recognizer.decode_with(decoding)
        assert isinstance(recognizer.decoder, BeamDecoder)
        first = {name: decoding[name] for name in ("lm_weight", "insertion_bonus", "unknown_penalty")}
        if not recognizer.decoder.has_lexicon:
            first["unknown_penalty"] = None
        screen.print(f"{trials} trials on {len(references)} utterances of {split}; greedy: {shown(greedy)}")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        lowest = [greedy.wer]

        def on_trial(number: int, rates: Rates, weights: dict[str, float]) -> None:
            if rates.wer < lowest[0]:
                lowest[0] = rates.wer
                chosen = ", ".join(f"{name} {value:g}" for name, value in weights.items())
                screen.print(
                    f"trial {number:4d} of {trials}   {shown(rates)}   {chosen}", highlight=False, soft_wrap=True
                )

        weights, best = tune(
            recognizer.decoder, heard, references, recognizer.tokenizer.decode, first, trials, values["seed"], on_trial
        )
        recognizer.decode_with(decoding | weights)
        recognizer.save(folder / "model")
    table = Table("decoding", f"WER on {split}", "CER")
    table.add_row("greedy", f"{greedy.wer:.2%}", f"{greedy.cer:.2%}")
    table.add_row("beam search, tuned", f"{best.wer:.2%}", f"{best.cer:.2%}")
    screen.print(table)
    chosen = " ".join(f"decoder.{name}={value:g}" for name, value in weights.items())
    screen.print(f"saved as the decoder of {folder / 'model'}: {chosen}", soft_wrap=True, highlight=False)
    screen.print(f"its language model is {folder / 'model' / LANGUAGE_MODEL}", soft_wrap=True, highlight=False)
    screen.print(
        f"these rates are what the weights were chosen by; measure on test: python evaluate.py run={folder}",
        soft_wrap=True,
        highlight=False,
    )


@torch.inference_mode()
def listen(
    recognizer: Recognizer, batches: Iterable[Batch]
) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], list[str], list[str]]:
    """Log-probabilities and lengths of every batch; references and ids of the utterances in the same order."""
    heard, references, ids = [], [], []
    for batch in batches:
        batch.check_whole()
        heard.append(recognizer.model(batch.waveform, batch.lengths))
        references += batch.texts
        ids += batch.ids
    return heard, references, ids


def shown(rates: Rates) -> str:
    return f"WER {rates.wer:.2%}, CER {rates.cer:.2%}"
