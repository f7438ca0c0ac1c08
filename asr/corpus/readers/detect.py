"""Finds out what form a source has, by asking every reader in this package."""

import importlib
import pkgutil
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from asr.corpus import readers
from asr.corpus.utterance import Reading, Utterance
from asr.errors import UserError

# Asked first, in this order: their files could pass for a simpler form. The others follow by name, the plainest last.
PRIORITY = ("audformat", "kaldi", "shar", "cutset", "nemo", "librispeech", "tables", "segments")
LAST = ("folder", "label_tables")


class Reader(Protocol):
    """A module of this package that reads one form; one without `recognises` is chosen by the configuration alone."""

    __name__: str
    FORM: str

    def recognises(self, source: Path) -> bool: ...

    def read(self, source: Path | str) -> Iterable[Utterance]: ...


def read_any(source: Path | str) -> Reading:
    """The utterances of a source in any of the known forms, and a note of the form that was taken.

    Raises UserError where there is no such path, or where no form fits.
    """
    source = Path(source).expanduser()
    if not source.exists():
        raise UserError(f"{source}: no such file or folder{_nearest(source)}; set data.source to your recordings")
    source = source.absolute()
    reader = detect(source)
    name = reader.__name__.rpartition(".")[2]
    found = reader.read(source)
    more = f"; {found.note}" if isinstance(found, Reading) else ""
    return Reading(found, f"{source}: read as {name}, {reader.FORM}{more}")


def detect(source: Path) -> Reader:
    """The reader that recognises a source. Raises UserError where none does."""
    found = all_readers()
    for reader in found:
        if reader.recognises(source):
            return reader
    looked_for = "\n".join(f"  - {reader.FORM}" for reader in found)
    raise UserError(
        f"{source}: no recordings with transcripts in a form that is known. Looked for:\n{looked_for}\n"
        "bring it into one of them, name the corpus (data=emodb; python train.py --help lists them), say that folders "
        "are labels (data=class_folders data.label=NAME), or name a reader of your own: data.reader._target_=..."
    )


def all_readers() -> list[Reader]:
    """Every module here that can recognise a form, in the order in which they are asked."""
    names = [module.name for module in pkgutil.iter_modules(readers.__path__)]
    order = [*PRIORITY, *(name for name in sorted(names) if name not in PRIORITY and name not in LAST), *LAST]
    modules = [importlib.import_module(f"{readers.__name__}.{name}") for name in order if name in names]
    return [cast(Reader, module) for module in modules if hasattr(module, "recognises")]


def _nearest(source: Path) -> str:
    """A hint at the existing file or folder whose name is most like the one given."""
    parent = source.parent
    if not parent.is_dir():
        return _nearest(parent) if parent != source else ""
    match = get_close_matches(source.name, [path.name for path in parent.iterdir()], n=1)
    return f" (did you mean {parent / match[0]}?)" if match else ""
