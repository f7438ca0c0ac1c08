"""Score a trained model: python evaluate.py run=RUN_DIR [data.source=PATH] [split=NAME] [against=DIR]."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hydra.utils import instantiate
from lhotse import CutSet
from omegaconf import DictConfig, OmegaConf

from asr.configuration import nearest, run_entry_point, settings
from asr.data.batches import SpeechDataset, evaluation_batches
from asr.data.corpus import Corpus
from asr.data.shards import Shards, sharded_corpora
from asr.data.source import REJECTED, load_with_progress, open_source, write_rejected
from asr.data.streaming import held_corpus
from asr.data.utterance import SPLITS, Reading, Utterance
from asr.errors import UserError
from asr.evaluation.against import compare_with, find_other
from asr.evaluation.hypotheses import examples_of, transcribe_set, write_json, write_lines
from asr.evaluation.measurement import measure_split
from asr.evaluation.report import write_report
from asr.evaluation.scores import print_comparison, print_errors, print_scores
from asr.recognizer import Recognizer, load
from asr.text.unknown import notes_of_unknown, unknown_characters
from asr.text.word_counts import read_word_counts
from asr.training.progress import console, counting, tell
from asr.training.run_folder import read_config
from asr.trust import DATA_PARTS, check_trusted

PURPOSE = "Score a trained model on held-out speech: WER and CER with a 95 % interval; test it against another."
EXAMPLES = 6


def evaluate(config: DictConfig) -> dict:
    """Read the split, transcribe and score it; write metrics.json, errors.json, hypotheses.jsonl, report.html."""
    screen = console()
    run = run_folder(config.run)
    trained = read_config(run / "config.yaml")
    if config.data.source is None:  # the run's own data is read again, by what its file names
        check_trusted(OmegaConf.to_container(trained.data), run / "config.yaml", DATA_PARTS)
    recognizer = load(run / "model")
    if config.choices.decoder is not None:
        recognizer.decode_with(settings(config.decoder))
    out = Path(config.out_dir) if config.out_dir else run / "evaluation" / evaluation_name(config)
    other = find_other(config.against, config.split) if config.against else None
    if other is not None and other.path.resolve() == out.resolve():
        raise UserError(f"against={config.against} is where the results would go; give out_dir= another folder")
    out.mkdir(parents=True, exist_ok=True)
    corpus = read_split(config, trained, recognizer, out, screen)
    cuts = corpus.splits[config.split]
    dataset = SpeechDataset(corpus.audio, recognizer.tokenizer)
    unknown = list(unknown_characters(config.split, cuts, recognizer.tokenizer))
    write_rejected(out / REJECTED, corpus.rejected + unknown)
    tell(screen, [*corpus.notes, *notes_of_unknown(unknown)])
    batching, trained_on = (config.batch_seconds, config.split, config.seed), read_word_counts(run)
    found = measure_split(recognizer, cuts, dataset, *batching, screen, trained_on, workers=config.workers)
    metrics = {config.split: found.metrics}
    write_lines(out / "hypotheses.jsonl", found.lines)
    write_json(out / "errors.json", {config.split: found.errors})
    write_json(out / "metrics.json", metrics)
    shown = next(iter(evaluation_batches(cuts, dataset, 60, 0))).first(EXAMPLES)
    report = write_report(out, examples_of(recognizer, shown))
    print_scores(metrics)
    print_errors(found.errors)
    if other is not None:
        transcribe = partial(transcribe_again, config, trained, corpus, out, screen)
        tested = compare_with(other, found.lines, recognizer.normalize, transcribe, config.seed, screen)
        comparison = {"split": config.split, "run": str(run)} | tested
        write_json(out / "comparison.json", comparison)
        print_comparison(comparison)
    screen.print(f"hypotheses {out / 'hypotheses.jsonl'}; report {report}", soft_wrap=True)
    return metrics


def transcribe_again(config, trained, corpus, out, screen, recognizer: Recognizer) -> dict[str, str]:
    """Utterance id -> text, of the same split by another model, at its own sample rate."""
    if recognizer.sample_rate != corpus.sample_rate:
        (out / "against").mkdir(exist_ok=True)  # what cannot be used at that rate is not the run's
        corpus = read_split(config, trained, recognizer, out / "against", screen)
    dataset = SpeechDataset(corpus.audio, recognizer.tokenizer)
    batches = evaluation_batches(corpus.splits[config.split], dataset, config.batch_seconds, config.workers)
    with counting(screen, "transcribing again") as on_progress:
        heard = transcribe_set(recognizer, batches, on_utterances=lambda done: on_progress(done, None))
    return {name: found["hypothesis"] for name, found in heard.utterances.items()}


def run_folder(path: str) -> Path:
    """The folder of a run, where the user gave it or its model folder."""
    run = Path(path)
    run = run.parent if run.name == "model" and (run.parent / "config.yaml").is_file() else run
    if not run.is_dir():
        raise UserError(f"run={path}: no such folder; give the folder of a finished training, such as runs/demo/…")
    if not (run / "config.yaml").is_file() or not (run / "model").is_dir():
        raise UserError(f"run={path}: not a run: no config.yaml or no model folder in it; give one that train.py wrote")
    return run


def evaluation_name(config: DictConfig) -> str:
    """Where results go below the run: the split, with the name of the source where it is another one."""
    return config.split if config.data.source is None else f"{Path(config.data.source).resolve().name}-{config.split}"


def read_split(config: DictConfig, trained: DictConfig, recognizer: Recognizer, out: Path, screen) -> Corpus:
    """The wanted split of the given source, or of the run's own; a source without splits can be scored whole (all)."""
    data, whole = trained.data, config.split == "all"
    own = config.data.source is None
    if config.split not in (*SPLITS, "all"):
        hint = nearest(config.split, SPLITS)
        raise UserError(f"split={config.split}: no such split{hint}; there are train, dev, test and all")
    other = DictConfig({"source": config.data.source, "mix": [], "weights": []})
    if (sharded := sharded_corpora(data if own else other)) is not None:
        return read_shards(sharded[0], config, recognizer, out)
    utterances = open_source(
        data.source if own else config.data.source,
        instantiate(data.reader if own else config.data.reader),
        lambda: instantiate(data.synthetic)(),
        data.text if own else None,
    )
    corpus = load_with_progress(
        in_one_split(utterances) if whole else utterances,
        screen,
        out / REJECTED,
        ["train" if whole else config.split],
        normalize=recognizer.normalize,
        sample_rate=recognizer.sample_rate,
        dev_fraction=0.0 if whole else data.dev_fraction,
        test_fraction=0.0 if whole else data.test_fraction,
        max_rejected=config.data.max_rejected,
        max_utterance_seconds=data.max_utterance_seconds,
        cache_gib=data.cache_gib,
        cache_dir=None,  # a stranger's run says nothing of this machine
    )
    corpus.splits["all"] = corpus.splits["train"]
    return corpus


def read_shards(corpora: Sequence[Shards], config: DictConfig, recognizer: Recognizer, out: Path) -> Corpus:
    """The wanted split of sharded corpora, which is held in memory; all of their splits as `all`."""
    splits = SPLITS if config.split == "all" else (config.split,)
    there = [split for split in splits if any(each.shards(split) for each in corpora)]
    if not there:
        raise UserError(f"{corpora[0].base}: has no {config.split}; choose another split, or shard it anew")
    corpus = held_corpus(corpora, there, recognizer.normalize, recognizer.sample_rate)
    write_rejected(out / REJECTED, corpus.rejected)
    corpus.check_rejected(config.data.max_rejected)
    corpus.notes.insert(0, f"{', '.join(each.base for each in corpora)}: {' and '.join(there)} read from shards")
    corpus.splits["all"] = CutSet.from_cuts(cut for split in there for cut in corpus.splits[split])
    return corpus


def in_one_split(utterances: Iterable[Utterance]) -> Reading:
    """The same utterances, all in train."""
    note = utterances.note if isinstance(utterances, Reading) else ""
    return Reading((replace(utterance, split="train") for utterance in utterances), note)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    run_entry_point("evaluate", PURPOSE, evaluate)
