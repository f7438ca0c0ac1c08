"""Recordings as embeddings of a trained model, each under an id of its own, and the files that hold them."""

import io
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr.corpus.utterance import is_audio
from asr.errors import UserError
from asr.runs.model_folder import TrainedModel, load_model
from asr.use.load import opened
from asr.writing import write_whole

Problem = Callable[[UserError], None]
Progress = Callable[[int, int | None], None]


class VoiceModel:
    """A trained model that gives embeddings; `fingerprint` is of its weights."""

    def __init__(self, model: Any, fingerprint: str) -> None:
        self.model, self.fingerprint = model, fingerprint

    def embed(
        self, paths: Sequence[Path], on_problem: Problem | None = None, on_progress: Progress | None = None
    ) -> tuple[list[Path], np.ndarray]:
        """Recordings -> those that could be used, their embeddings (N, E) of length 1.

        Raises UserError for the first that cannot be used, or hands it to `on_problem` and goes on.
        """
        used, found = [], []
        for done, path in enumerate(paths, start=1):
            try:
                found.append(unit_length(np.asarray(self.model.embed([path]), dtype=np.float32), [str(path)])[0])
                used.append(path)
            except UserError as problem:
                if on_problem is None:
                    raise
                on_problem(problem)
            if on_progress is not None:
                on_progress(done, len(paths))
        return used, np.stack(found) if found else np.zeros((0, 0), np.float32)


def open_voice_model(folder: str | Path) -> VoiceModel:
    """The model of a folder, or its run's; UserError where it is missing or gives no embeddings."""
    trained = load_model(folder)
    model = opened(trained)
    if not callable(getattr(model, "embed", None)):
        raise UserError(
            f"{folder}: a {type(model).__name__} gives no embeddings; give a model of task=classify that was trained "
            "on speakers"
        )
    return VoiceModel(model, fingerprint_of(trained))


def fingerprint_of(trained: TrainedModel) -> str:
    """A hash of the weights, by which voices know the model that made them."""
    hashed = sha256()
    for name, value in sorted(trained.model.state_dict().items()):
        content = value.detach().cpu().contiguous()
        hashed.update(f"{name} {content.dtype} {tuple(content.shape)}\n".encode())
        hashed.update(content.reshape(-1).view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()


def unit_length(vectors: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(N, E) -> the same directions with length 1; UserError naming the first that has none."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    bad = ~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0)
    if bad.any():
        raise UserError(f"{names[int(np.argmax(bad))]}: its embedding is not finite or zero; train the model again")
    return (vectors / lengths).astype(np.float32)


def recordings_in(places: Iterable[Path]) -> list[Path]:
    """Recordings as they are given, and those of folders and their subfolders; UserError where one is given twice.

    A recording's id is its path as given: two of the same name in different folders stay apart.
    """
    found = []
    for place in places:
        inside = sorted(path for path in place.rglob("*") if is_audio(path)) if place.is_dir() else [place]
        if not inside:
            raise UserError(f"{place}: no recording is in this folder; give another")
        found += inside
    seen: set[Path] = set()
    for path in found:
        if path in seen:
            raise UserError(f"{path}: is given twice; give every recording once")
        seen.add(path)
    return found


def recordings_of(place: Path) -> list[Path]:
    """The recordings of a folder, or of a text file with a path a line, absolute or relative to it."""
    if place.is_dir():
        return recordings_in([place])
    try:
        lines = place.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{place}: cannot be read as a list of recordings ({error}); give a folder or a list"
        ) from error
    found = recordings_in(place.parent / line.strip() for line in lines if line.strip())
    if not found:
        raise UserError(f"{place}: names no recording; give a path a line")
    return found


def write_embeddings(out: str, ids: Sequence[str], vectors: np.ndarray) -> list[Path]:
    """Write embeddings (N, E) as X.npy with X.ids beside it, or Kaldi's as `ark:X` or `ark,scp:X,Y`; the files written.

    Raises UserError where `out` is neither, or where Kaldi's form cannot hold an id.
    """
    kind, _, names = out.partition(":")
    files = [Path(name) for name in names.split(",") if name]
    if kind in ("ark", "ark,scp") and len(files) == len(kind.split(",")):
        return _write_kaldi(files, ids, vectors)
    if not out.endswith(".npy"):
        raise UserError(f"--out {out}: names no form; give X.npy, ark:X.ark or ark,scp:X.ark,X.scp")
    place = Path(out)
    content = io.BytesIO()
    np.save(content, vectors, allow_pickle=False)
    beside = place.with_suffix(".ids")
    make_folders([place])
    write_whole(beside, "".join(f"{one}\n" for one in ids))
    write_whole(place, content.getvalue())
    return [place, beside]


def make_folders(files: Iterable[Path]) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)


def _write_kaldi(files: Sequence[Path], ids: Sequence[str], vectors: np.ndarray) -> list[Path]:
    """The archive, and its index where a second file is given: a line `id archive:offset`."""
    import kaldiio

    content, lines = io.BytesIO(), []
    for one, vector in zip(ids, vectors, strict=True):
        check_no_space(one, "Kaldi's form", "write X.npy, or rename it")
        start = content.tell()
        kaldiio.save_ark(content, {one: vector})
        lines.append(f"{one} {files[0]}:{start + len(one.encode()) + 1}\n")
    make_folders(files)
    write_whole(files[0], content.getvalue())
    if len(files) == 2:
        write_whole(files[1], "".join(lines))
    return list(files)


def check_no_space(name: str, form: str, remedy: str) -> None:
    """Raise UserError where a name has a space or a line break, which separates fields."""
    if len(name.split()) != 1 or name.split()[0] != name:
        raise UserError(f"{name!r}: {form} holds no name with a space; {remedy}")
