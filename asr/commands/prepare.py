"""`asr prepare`: which corpora there are, and from the name of one to its prepared folder."""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from asr import __version__
from asr.configuration.entry import exit_status
from asr.configuration.search_path import group_files
from asr.errors import UserError, one_line
from asr.screen import console, progress_bar
from asr.writing import is_whole, partial_folder

if TYPE_CHECKING:
    from asr.corpus.utterance import Utterance


def prepare(
    corpus: Annotated[str | None, typer.Argument(help="Its name: asr prepare --list shows them all.")] = None,
    source: Annotated[str | None, typer.Argument(help="The folder with the corpus as it was downloaded.")] = None,
    target: Annotated[Path | None, typer.Argument(help="The folder to make; it is what data.source takes.")] = None,
    options: Annotated[
        list[str] | None, typer.Argument(help="data.dev_fraction=0.05, or name=value of lhotse's recipe.")
    ] = None,
    list_corpora: Annotated[bool, typer.Option("--list", help="Show every corpus that can be prepared.")] = False,
) -> None:
    """Turn a corpus as it was downloaded into manifests with clean splits. Cut off, the same command goes on."""
    with exit_status():
        if list_corpora:
            console().print(table_of_corpora())
        elif corpus is None or source is None or target is None:
            raise UserError("asr prepare takes CORPUS SOURCE TARGET; asr prepare --list shows every corpus")
        else:
            run(corpus, source, target, options or [])


def corpora_with_reader() -> list[str]:
    """The corpora that a file of conf/data/ says how to read."""
    return list(group_files("data"))


def run(corpus: str, source: str, target: Path, options: Sequence[str]) -> None:
    """Prepare `corpus` from the folder `source` into `target`; `options` are train.py's overrides or a recipe's."""
    from asr.configuration.overrides import did_you_mean
    from asr.corpus.prepare import lhotse_recipes
    from asr.corpus.prepare.manifests import prepare as write_manifests
    from asr.corpus.source import REJECTED

    known = [*corpora_with_reader(), *lhotse_recipes.recipes()]
    if corpus not in known:
        raise UserError(
            f"{corpus}: no such corpus{did_you_mean(corpus, known)}; "
            "asr prepare --list shows them all, and default takes any form that data.source takes"
        )
    folder = Path(source).expanduser().absolute()
    if not folder.exists():
        raise UserError(f"{source}: no such file or folder; give the corpus as it was downloaded")
    target = target.expanduser().absolute()
    made_of = {"corpus": corpus, "source": str(folder), "options": sorted(options), "asr": __version__}
    screen = console()
    if is_prepared(target, made_of):
        screen.print(f"{target}: prepared already; remove it to do it again", soft_wrap=True)
        return
    reading = how_to_read(corpus, folder, options)
    partial_folder(target).mkdir(parents=True, exist_ok=True)
    with progress_bar(screen, "preparing") as on_progress:
        summary = write_manifests(
            reading.utterances(partial_folder(target)),
            target,
            made_of,
            reading.dev_fraction,
            reading.test_fraction,
            on_progress,
        )
    table = Table("split", "utterances", "hours")
    for split, counts in summary["splits"].items():
        table.add_row(split, str(counts["utterances"]), f"{counts['hours']:.2f}")
    screen.print(table)
    if summary["rejected"]:
        screen.print(f"cannot be used: {summary['rejected']}, see {target / REJECTED}", soft_wrap=True)
    screen.print(f"{summary['note']}\npython train.py data.source={target}", soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class CorpusReading:
    """How a corpus is read: `utterances` takes a scratch folder; the fractions are for splits that have to be drawn."""

    utterances: Callable[[Path], "Iterable[Utterance]"]
    dev_fraction: float
    test_fraction: float


def how_to_read(corpus: str, source: Path, options: Sequence[str]) -> CorpusReading:
    """How to read `corpus` from `source`; UserError where an option is neither train.py's nor the recipe's."""
    from hydra.utils import instantiate

    from asr.configuration.compose import load_configuration
    from asr.corpus.prepare import lhotse_recipes

    if corpus in corpora_with_reader():
        config = load_configuration("train", [f"data={corpus}", *options])
        reader = instantiate(config.data.reader)
        return CorpusReading(lambda scratch: reader(source), config.data.dev_fraction, config.data.test_fraction)
    recipe = lhotse_recipes.recipes()[corpus]
    known = lhotse_recipes.options_of(recipe)
    own = dict(option.partition("=")[::2] for option in options if option.partition("=")[0] in known)
    others = [option for option in options if option.partition("=")[0] not in known]
    for option in others:
        if not option.startswith("data."):
            listed = ", ".join(known) or "none"
            raise UserError(f"{option}: {corpus} has no such option; it takes {listed} (as name=value), and data.…")
    config = load_configuration("train", others)

    def utterances(work: Path) -> "Iterable[Utterance]":
        scratch = work / "recipe"
        shutil.rmtree(scratch, ignore_errors=True)  # what a recipe had begun to write cannot be trusted
        scratch.mkdir()
        return list(lhotse_recipes.read(recipe, source, own, scratch))

    return CorpusReading(utterances, config.data.dev_fraction, config.data.test_fraction)


def is_prepared(target: Path, made_of: dict) -> bool:
    """Whether `target` holds this very corpus. Raises UserError where it holds anything else."""
    from asr.corpus.prepare.manifests import SEAL

    if not is_whole(target, SEAL, "prepared corpus"):
        return False
    try:
        found = json.loads((target / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{target / SEAL}: cannot be read ({one_line(error)}); remove {target} to do it again"
        ) from error
    if any(found.get(key) != made_of[key] for key in ("corpus", "source", "options")):
        made = f"{found.get('corpus')} of {found.get('source')} {' '.join(found.get('options', []))}".strip()
        raise UserError(f"{target}: holds {made} already; name another folder, or remove it first")
    return True


def table_of_corpora() -> Table:
    """Every corpus that can be prepared, with the options that it takes."""
    from asr.configuration.compose import load_configuration
    from asr.corpus.prepare import lhotse_recipes

    own_corpora = corpora_with_reader()
    table = Table("corpus", "by", "options (name=value)")
    for name in own_corpora:
        keys = load_configuration("train", [f"data={name}"]).data.reader
        own = " ".join(f"data.reader.{key}" for key in keys if not key.startswith("_"))
        table.add_row(name, "this project", own or "-")
    for name, recipe in lhotse_recipes.recipes().items():
        if name not in own_corpora:
            options = lhotse_recipes.options_of(recipe)
            listed = " ".join(f"{option} (needed)" if needed else option for option, needed in options.items())
            table.add_row(name, "lhotse", listed or "-")
    return table
