"""`asr lm`: an n-gram model of texts, or of what a run was trained on, its perplexity, and where it goes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hydra.utils import instantiate

from asr.configuration import load_configuration
from asr.data.readers.lines import manifest_lines, numbered_lines
from asr.errors import UserError
from asr.recognizer import Recognizer, load
from asr.text.ngram import NgramModel, estimate, perplexity
from asr.text.tokenizer import UnknownCharacter
from asr.training.progress import console


def run(
    texts: Sequence[Path], run_dir: Path | None, order: int, tokens: bool, out: Path, held_out: Path | None
) -> None:
    """Estimate a model of `order` from `texts`, else from the training transcripts of `run_dir`, and write it to `out`.

    Texts are normalised as the run does it, else as conf/text/default.yaml says. `tokens`: of the run's own tokens.
    """
    recognizer = load(run_dir) if run_dir is not None else None
    if not texts and run_dir is None:
        raise UserError("asr lm takes TEXT files, or --run RUN_DIR for what that run was trained on")
    if tokens and recognizer is None:
        raise UserError("--units tokens takes --run RUN_DIR, whose tokens they are")
    spell = speller(recognizer, tokens)
    source = lines_of(texts) if texts else transcripts(run_dir / "data" / "train.jsonl.gz")  # type: ignore[operator]
    screen = console()
    model = estimate(spell(source), order)
    model.write_arpa(out)
    sizes = ", ".join(f"{len(part)} {number}-grams" for number, part in enumerate(model.orders, start=1))
    screen.print(f"{out}: {sizes}", soft_wrap=True, highlight=False)
    if held_out is not None:
        sentences = list(spell(lines_of([held_out])))
        screen.print(f"{held_out}: {described(model, sentences)}", soft_wrap=True, highlight=False)


def described(model: NgramModel, sentences: Sequence[Sequence[str]]) -> str:
    """Perplexity and unknown words of held-out sentences."""
    log_probs, known = model.log_probs(sentences)
    if not len(log_probs):
        raise UserError("the held-out file holds no text")
    unknown = int((~known).sum())
    return f"perplexity {perplexity(log_probs):.2f} over {len(log_probs)} words and ends, {unknown} of them unknown"


def speller(recognizer: Recognizer | None, tokens: bool):
    """What turns lines of text into sentences of words, or of the model's tokens."""
    normalize = recognizer.normalize if recognizer is not None else instantiate(load_configuration("train", []).text)

    def spell(lines: Iterable[str]) -> Iterator[list[str]]:
        for line in lines:
            text = normalize(line)
            if not tokens:
                yield text.split()
                continue
            assert recognizer is not None
            try:
                yield [recognizer.tokenizer.piece(token) for token in recognizer.tokenizer.encode(text)]
            except UnknownCharacter:
                continue  # a line that the model could not write either

    return spell


def lines_of(files: Sequence[Path]) -> Iterator[str]:
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: no such file; give plain text, a sentence a line")
        yield from (line for _, line in numbered_lines(file))


def transcripts(manifest: Path) -> Iterator[str]:
    """What the utterances of a run's split say."""
    if not manifest.is_file():
        raise UserError(f"{manifest}: no such file; give --run the folder of a finished training")
    return (json.loads(line)["supervisions"][0]["text"] for _, line in manifest_lines(manifest))
