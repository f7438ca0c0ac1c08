"""`asr lm`: an n-gram model of texts, or of what a run was trained on, its perplexity, and where it goes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr.configuration.entry import exit_status
from asr.errors import UserError
from asr.screen import console, print_notes, progress_bar

if TYPE_CHECKING:
    from asr.language_model.ngram import NgramModel
    from asr.tasks.transcribe.recognizer import Recognizer

PROGRESS_EVERY = 10_000  # lines


class Units(StrEnum):
    words = "words"
    tokens = "tokens"


def lm(
    texts: Annotated[list[Path] | None, typer.Argument(help="Plain text, a sentence a line.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run", help="A training's folder: its normalization, its tokens, its transcripts.")
    ] = None,
    order: Annotated[int, typer.Option(help="Words in an n-gram.")] = 3,
    units: Annotated[
        Units, typer.Option(help="What the n-grams are of; tokens are those of the run's model.")
    ] = Units.words,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("lm.arpa"),
    held_out: Annotated[Path | None, typer.Option(help="Other text, to measure the perplexity on.")] = None,
) -> None:
    """Estimate an n-gram language model (modified Kneser-Ney) and write it as ARPA."""
    with exit_status():
        run(texts or [], run_dir, order, units is Units.tokens, out, held_out)


def run(
    texts: Sequence[Path], run_dir: Path | None, order: int, tokens: bool, out: Path, held_out: Path | None
) -> None:
    """`write_language_model`, and print where it is."""
    write_language_model(texts, run_dir, order, tokens, out, held_out)
    console().print(f"language model of order {order}: {out}", soft_wrap=True, highlight=False, markup=False)


def write_language_model(
    texts: Sequence[Path], run_dir: Path | None, order: int, tokens: bool, out: Path, held_out: Path | None
) -> None:
    """Estimate a model of `order` from `texts`, else from the training transcripts of `run_dir`, and write it to `out`.

    Texts are normalised as the run does it, else as conf/text/default.yaml says. `tokens`: of the run's own tokens.
    `held_out` is scored, else the run's dev transcripts where it was trained on its training transcripts.
    """
    from asr.language_model.ngram import estimate
    from asr.runs.manifests import transcripts
    from asr.use.load import load_recognizer

    recognizer = load_recognizer(run_dir) if run_dir is not None else None
    if not texts and run_dir is None:
        raise UserError("asr lm takes TEXT files, or --run RUN_DIR to use the training transcripts of that run")
    if tokens and recognizer is None:
        raise UserError("--units tokens takes --run RUN_DIR, the training whose tokens are meant")
    screen = console()

    def print_line(line: str) -> None:
        screen.print(line, soft_wrap=True, highlight=False, markup=False)

    def sentences(lines: Iterable[str], what: str) -> Iterator[list[str]]:
        to_sentences = SentenceTokenizer(recognizer, tokens)
        with progress_bar(screen, f"{what}: lines") as on_progress:
            yield from to_sentences(with_progress(lines, on_progress))
        print_notes(screen, to_sentences.notes(what))

    data = run_dir / "data" if run_dir is not None and not texts else None
    source = read_lines(texts) if data is None else transcripts(data / "train.jsonl.gz")
    model = estimate(sentences(source, "text"), order)
    if len(model.orders) < order:
        print_notes(screen, [f"no sentence is long enough for {len(model.orders) + 1}-grams"])
    with progress_bar(screen, "writing n-grams") as on_progress:
        model.write_arpa(out, on_progress)
    print_line(
        "estimated " + ", ".join(f"{len(part)} {number}-grams" for number, part in enumerate(model.orders, start=1))
    )
    if held_out is not None:
        print_line(
            f"{held_out}: {perplexity_in_words(model, list(sentences(read_lines([held_out]), 'held-out text')))}"
        )
    elif data is not None and (data / "dev.jsonl.gz").is_file():
        dev = data / "dev.jsonl.gz"
        print_line(f"{dev}: {perplexity_in_words(model, list(sentences(transcripts(dev), 'dev transcripts')))}")
    else:
        print_line("give --held-out TEXT to measure how well it predicts other text")


def perplexity_in_words(model: "NgramModel", sentences: Sequence[Sequence[str]]) -> str:
    """Perplexity and unknown words of held-out sentences."""
    from asr.language_model.ngram import perplexity

    log_probs, known = model.log_probs(sentences)
    if not len(log_probs):
        raise UserError("the held-out text is empty, so there is nothing to tell the perplexity of")
    words, unknown = sum(map(len, sentences)), int((~known).sum())
    return (
        f"perplexity {perplexity(log_probs):.2f} over {len(log_probs)} words and ends"
        f" ({perplexity(log_probs[known]):.2f} without unknown words), {unknown / words:.2%} of the words unknown"
        f" ({unknown} of {words})"
    )


class SentenceTokenizer:
    """Divides lines of text into words, or into the model's tokens; remembers characters that it lacks."""

    def __init__(self, recognizer: "Recognizer | None", tokens: bool) -> None:
        self.tokenizer = recognizer.tokenizer if recognizer is not None else None
        self.normalize = recognizer.normalize if recognizer is not None else default_normalizer()
        self.tokens = tokens
        self.unknown: set[str] = set()
        self.lines = 0  # that hold unknown characters

    def __call__(self, lines: Iterable[str]) -> Iterator[list[str]]:
        for line in lines:
            text = self.normalize(line)
            unknown = set(text) - self.tokenizer.characters - {" "} if self.tokenizer is not None else ()
            if unknown:
                self.unknown.update(unknown)
                self.lines += 1
            if not self.tokens:
                yield text.split()
            elif not unknown and self.tokenizer is not None:
                yield [self.tokenizer.piece(token) for token in self.tokenizer.encode(text)]

    def notes(self, what: str) -> Iterator[str]:
        """A note on the characters that no training transcript of the run holds, where there are any."""
        if self.unknown:
            fate = "are left out" if self.tokens else "hold words that the model cannot write"
            yield f"{what}: {self.lines} lines {fate}: {' '.join(sorted(self.unknown))} are not among its characters"


def default_normalizer() -> Callable[[str], str]:
    """What conf/text/default.yaml describes."""
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration

    return instantiate(load_configuration("train", []).text)


def with_progress(lines: Iterable[str], on_progress: Callable[[int, int | None], None]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if number % PROGRESS_EVERY == 0:
            on_progress(number, None)
        yield line


def read_lines(files: Sequence[Path]) -> Iterator[str]:
    from asr.corpus.readers.lines import numbered_lines

    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: no such file; give plain text, a sentence a line")
        yield from (line for _, line in numbered_lines(file))
