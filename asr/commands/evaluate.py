"""Score a trained model: python evaluate.py run=RUN_DIR [data.source=PATH] [split=NAME] [against=DIR]."""

import warnings
from functools import partial
from pathlib import Path

import yaml
from omegaconf import DictConfig

from asr.configuration.compose import run_entry_point, settings
from asr.corpus.batches import SpeechDataset, evaluation_batches
from asr.corpus.source import REJECTED, write_rejected
from asr.errors import UserError
from asr.report.run import write_report
from asr.runs.folder import environment
from asr.runs.held_out import open_trained_run, read_split
from asr.screen import console, counting, tell
from asr.tasks.transcribe.report.clips import make_clips
from asr.tasks.transcribe.scoring.against import compare_with, find_other
from asr.tasks.transcribe.scoring.hypotheses import transcribe_set
from asr.tasks.transcribe.scoring.measurement import score_split, transcribe_split
from asr.tasks.transcribe.scoring.tables import print_comparison, print_errors, print_scores
from asr.tasks.transcribe.text.unknown import notes_of_unknown, unknown_characters
from asr.tasks.transcribe.text.word_counts import read_word_counts
from asr.use.recognizer import Recognizer, load
from asr.writing import write_json, write_json_lines, write_whole

PURPOSE = "Score a trained model on held-out speech: WER and CER with a 95 % interval; test it against another."


def evaluate(config: DictConfig) -> dict:
    """Read the split, transcribe and score it; write metrics.json, errors.json, hypotheses.jsonl, report.html."""
    screen = console()
    run, trained, recognizer = open_trained_run(config)
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
    split, seconds = config.split, config.batch_seconds
    transcriptions = transcribe_split(recognizer, cuts, dataset, seconds, split, screen, workers=config.workers)
    found = score_split(recognizer, cuts, dataset, transcriptions, split, config.seed, read_word_counts(run))
    metrics = {config.split: found.metrics}
    write_json_lines(out / "hypotheses.jsonl", found.lines)
    write_json(out / "errors.json", {config.split: found.errors})
    write_json(out / "metrics.json", metrics)
    made = {"run": str(run.resolve()), "source": config.data.source, "split": config.split, "seed": config.seed}
    made |= {"decoder": dict(recognizer.config["decoder"]), **environment()}
    write_whole(out / "evaluation.yaml", yaml.safe_dump(made, sort_keys=False, allow_unicode=True))
    form = recognizer.sample_rate, recognizer.model.frame_s
    report = write_report(out, make_clips(*form, cuts, dataset, found.lines, found.views, screen))
    print_scores(metrics)
    print_errors(found.errors)
    if other is not None:
        transcribe = partial(transcribe_again, config, trained, corpus, out, screen)
        tested = compare_with(other, found.lines, recognizer.normalize, load, transcribe, config.seed, screen)
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
        transcriptions = transcribe_set(recognizer, batches, on_utterances=lambda done: on_progress(done, None))
    return {name: found["hypothesis"] for name, found in transcriptions.utterances.items()}


def evaluation_name(config: DictConfig) -> str:
    """Where results go below the run: the split, with the name of the source where it is another one."""
    return config.split if config.data.source is None else f"{Path(config.data.source).resolve().name}-{config.split}"


def main() -> None:
    warnings.filterwarnings("ignore")
    run_entry_point("evaluate", PURPOSE, evaluate)


if __name__ == "__main__":
    main()
