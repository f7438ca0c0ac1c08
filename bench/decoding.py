"""What decoding makes of one model: greedy, beam search, with language models, with hotwords; prints JSON.

    python -m bench.decoding run=RUN_DIR [data.source=PATH] [--trials 60]

Language models are estimated from the run's training transcripts and with_weights on dev; test is decoded once by each.
Rates stand with their interval over speakers and the p-value of the paired bootstrap against greedy decoding; speed is
that of the decoder alone, in one thread, with its forced alignment. Hotwords are words of five letters and more that no
training transcript holds, named in lists of 25; their boost is the largest that costs less than half a point of WER
elsewhere on dev, with dev's own such words.
"""

import argparse
import json
import random
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import torch
from rich.console import Console

from asr.commands.lm import run as estimate
from asr.commands.tune_decoder import log_probs_of
from asr.configuration.compose import load_values
from asr.configuration.entry import exit_status
from asr.corpus.batches import SpeechDataset, evaluation_batches
from asr.runs.held_out import SplitChoice, open_trained_run, read_split
from asr.tasks.transcribe.decode.build import build_decoder
from asr.tasks.transcribe.decode.tuning import tune
from asr.tasks.transcribe.scoring.confusions import align_words
from asr.tasks.transcribe.scoring.significance import compare
from asr.tasks.transcribe.scoring.wer import score
from asr.tasks.transcribe.text.word_counts import read_word_counts

BOOSTS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)  # nats a token
LETTERS, LISTED, LISTS = 5, 25, 4  # of a hotword, hotwords in a list, lists that are tried one by one
COST = 0.005  # what hotwords may cost elsewhere
GREEDY = {"_target_": "asr.tasks.transcribe.decode.greedy.GreedyDecoder"}
MODELS = {"characters, 6-gram": (6, True), "words, 3-gram": (3, False)}


class Split:
    """A split's log-probabilities, batch by batch, and its references."""

    def __init__(self, name: str, options: Sequence[str], screen: Console) -> None:
        values = load_values("evaluate", [*options, f"split={name}"])
        data = values["data"]
        wanted = SplitChoice(name, data["source"], data["reader"], data["max_rejected"])
        run = open_trained_run(values["run"], wanted.source)
        self.recognizer = run.trained.task.interface(run.trained)
        with TemporaryDirectory() as scratch:
            corpus = read_split(wanted, run, run.trained, Path(scratch), screen)
        cuts, dataset = corpus.splits[name], SpeechDataset(corpus.audio, run.trained.task.encode)
        batches = evaluation_batches(cuts, dataset, values["batch_seconds"], values["workers"])
        self.log_probs, self.references, ids = log_probs_of(self.recognizer, batches)
        speakers = {cut.id: cut.supervisions[0].speaker for cut in cuts}
        self.speakers = [speakers[name] for name in ids]
        self.seconds = sum(cut.duration for cut in cuts)

    def decode(self, decoder) -> tuple[list[str], float]:
        """Texts, and audio seconds a second of processor time."""
        begun = time.process_time()
        hypotheses = [hypothesis for batch in self.log_probs for hypothesis in decoder(*batch)]
        spent = time.process_time() - begun
        return [self.recognizer.text_of(hypothesis) for hypothesis in hypotheses], self.seconds / spent


def measured(test: Split, decoder, greedy: list[str] | None) -> tuple[dict, list[str]]:
    texts, speed = test.decode(decoder)
    result = score(test.references, texts, test.speakers)
    line = {"wer": result.wer, "wer_ci95": result.wer_ci95, "cer": result.cer, "audio_seconds_per_second": round(speed)}
    if greedy is not None:
        found = compare(test.references, texts, greedy, test.speakers)
        line |= {"difference": found.difference, "p": found.bootstrap_p, "mapsswe_p": found.mapsswe.p}
    return line, texts


def recall(split: Split, texts: Sequence[str], hot: Sequence[str]) -> tuple[int, int, float]:
    """How many of the hotwords said were heard, how many were said, and the word error rate of everything else."""
    said = right = words = errors = 0
    for alignment in align_words(split.references, texts):
        for reference, heard in alignment:
            if reference in hot:
                said, right = said + 1, right + (heard == reference)
            else:
                words, errors = words + (reference is not None), errors + (heard != reference)
    return right, said, errors / words


def with_hotwords(dev: Split, test: Split, known: set[str], decoder: dict) -> dict:
    """Recall of words never read in training, without and with naming them."""

    def tried(split: Split, boost: float) -> tuple[float, float]:
        """Recall and the word error rate elsewhere, over the lists."""
        words = sorted({word for reference in split.references for word in reference.split()} - known)
        words = [word for word in words if len(word) >= LETTERS and set(word) <= split.recognizer.tokenizer.characters]
        random.Random(1).shuffle(words)
        right = said = 0
        elsewhere = []
        for start in range(0, min(len(words), LISTED * LISTS), LISTED):
            hot = words[start : start + LISTED]
            settings_of_it = decoder | {"hotwords": hot if boost else [], "hotword_boost": boost}
            built = build_decoder(settings_of_it, split.recognizer.tokenizer, split.recognizer.normalize)
            found = recall(split, split.decode(built)[0], hot)
            right, said = right + found[0], said + found[1]
            elsewhere.append(found[2])
        return right / said, sum(elsewhere) / len(elsewhere)

    without = tried(dev, 0.0)[1]
    boost = max((each for each in BOOSTS if tried(dev, each)[1] - without < COST), default=BOOSTS[0])
    before, after = tried(test, 0.0), tried(test, boost)
    return {
        "boost": boost,
        "recall": {"without": before[0], "with": after[0]},
        "wer_elsewhere": {"without": before[1], "with": after[1]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    arguments, options = parser.parse_known_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    screen = Console(stderr=True)
    values = load_values("evaluate", [*options, "decoder=beam"])
    run = open_trained_run(values["run"], values["data"]["source"]).path
    dev, test = Split("dev", options, screen), Split("test", options, screen)
    tokenizer, normalize = test.recognizer.tokenizer, test.recognizer.normalize
    plain = values["decoder"]
    found: dict[str, dict] = {}
    found["greedy"], greedy = measured(test, build_decoder(GREEDY, tokenizer, normalize), None)
    found["beam"], _ = measured(test, build_decoder(plain, tokenizer, normalize), greedy)
    known = set(read_word_counts(run) or ())
    found["beam, hotwords"] = with_hotwords(dev, test, known, plain)
    with TemporaryDirectory() as scratch:
        for name, (order, tokens) in MODELS.items():
            path = Path(scratch) / f"{order}.arpa"
            estimate([], run, order, tokens, path, None)
            with_model = plain | {"language_model": str(path)}
            first = {key: with_model[key] for key in ("lm_weight", "insertion_bonus")}
            first |= {} if tokens else {"unknown_penalty": with_model["unknown_penalty"]}
            decoder = build_decoder(with_model, tokenizer, normalize)
            weights, rates = tune(
                decoder, dev.log_probs, dev.references, tokenizer.decode, first, arguments.trials, 1, lambda *_: None
            )
            line, _ = measured(test, decoder, greedy)
            found[name] = {"weights": weights, "dev_wer": rates.wer} | line
            if tokens:
                found[f"{name}, hotwords"] = with_hotwords(dev, test, known, with_model | weights)
    json.dump(found, sys.stdout)
    print()


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with exit_status():
        main()
