"""A folder of known voices: voices.json says whose each embedding is, and which model made it. It is plain data.

The embeddings are in a file that voices.json names. A new one is written first, so that a killed program leaves the
earlier voices whole.
"""

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from asr.errors import UserError, one_line
from asr.tuning.locks import FolderLocks
from asr.voices.calibration import Calibration
from asr.voices.embedding import unit_length
from asr.writing import write_json, write_whole

FORMAT = 1  # raised when older programs could no longer read it
FILE = "voices.json"
EMBEDDINGS = re.compile(r"embeddings-[0-9a-f]{16}\.npy")
UNKNOWN = "unknown"  # what a recording of nobody's is called


@dataclass(frozen=True)
class Recording:
    """One recording of a voice: its path as it was given, and a hash of the file."""

    voice: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Voices:
    """Known voices; embeddings (R, E) of length 1, one a recording.

    model: the fingerprint of the model that made them. calibrations: by what was compared, PAIRS or STRANGERS.
    """

    model: str
    embeddings: np.ndarray
    recordings: tuple[Recording, ...] = ()
    calibrations: dict[str, Calibration] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Each voice once, in the order in which they were enrolled."""
        return list(dict.fromkeys(recording.voice for recording in self.recordings))

    @property
    def owners(self) -> np.ndarray:
        """(R,): whose each recording is, as an index into `names`."""
        place = {name: i for i, name in enumerate(self.names)}
        return np.array([place[recording.voice] for recording in self.recordings], dtype=np.int64)

    def sums(self) -> np.ndarray:
        """(N, E): the embeddings of each voice, added up."""
        sums = np.zeros((len(self.names), self.embeddings.shape[1]))
        np.add.at(sums, self.owners, self.embeddings)
        return sums

    def means(self) -> np.ndarray:
        """(N, E) of length 1: the average of the recordings of each voice."""
        return unit_length(self.sums(), self.names)

    def enrol(self, name: str, recordings: Sequence[Recording], embeddings: np.ndarray) -> "Voices":
        """These voices and more recordings of one of them, new or known.

        Raises UserError where a recording is there already. How sure a stranger is told is forgotten: it depends on
        all voices.
        """
        check_name(name)
        known = {recording.sha256: recording for recording in self.recordings}
        for recording in recordings:
            if (there := known.get(recording.sha256)) is not None:
                raise UserError(
                    f"{recording.path}: is enrolled already, as {there.path} of {there.voice}; give another recording"
                )
            known[recording.sha256] = recording
        return replace(
            self,
            embeddings=np.concatenate([self.embeddings, embeddings]) if self.recordings else embeddings,
            recordings=(*self.recordings, *recordings),
            calibrations={
                kind: calibration.without_voice(name)
                for kind, calibration in self.calibrations.items()
                if not calibration.depends_on_all_voices
            },
        )


def check_name(name: str) -> None:
    """Raise UserError where a voice cannot have that name."""
    if name == UNKNOWN or not name.strip() or name != name.strip() or not name.isprintable():
        raise UserError(f"{name!r} is no name of a voice; give one of printable characters other than {UNKNOWN!r}")


def recording_of(voice: str, path: Path) -> Recording:
    """What the folder keeps of a recording that has been read."""
    return Recording(voice, str(path), sha256(path.read_bytes()).hexdigest())


def open_voices(folder: Path, model: str, new: bool = False) -> Voices:
    """The voices of a folder; none where `new` allows that it is still to be made.

    Raises UserError where it is missing, damaged, something else, or made by another model than `model`.
    """
    path = folder / FILE
    if new and (not folder.exists() or (folder.is_dir() and not _visible(folder))):
        return Voices(model, np.zeros((0, 0), np.float32))
    if not path.is_file():
        raise UserError(f"{folder}: is no folder of voices, it has no {FILE}; make one with asr enrol")
    try:
        said = json.loads(path.read_text("utf-8"))
        if said["format"] != FORMAT or not EMBEDDINGS.fullmatch(said["embeddings"]):
            raise ValueError(f"format {said['format']}, embeddings {said['embeddings']}")
        embeddings = np.load(folder / said["embeddings"], allow_pickle=False)
        recordings = tuple(Recording(**each) for each in said["recordings"])
        calibrations = {kind: Calibration(**each) for kind, each in said["calibrations"].items()}
        if embeddings.shape != (len(recordings), said["size"]) or not np.isfinite(embeddings).all():
            raise ValueError(f"embeddings of shape {embeddings.shape} for {len(recordings)} recordings")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise UserError(f"{path}: damaged, or of another version ({one_line(error)}); copy the folder again") from error
    if said["model"] != model:
        raise UserError(
            f"{folder}: these voices were made by another model ({said['model'][:12]}…, not {model[:12]}…); give that "
            "model, or enrol into a new folder"
        )
    return Voices(model, embeddings.astype(np.float32, copy=False), recordings, calibrations)


def _visible(folder: Path) -> list[Path]:
    """What is in a folder, but for the lock of a program that is about to write there."""
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def save_voices(folder: Path, voices: Voices) -> None:
    """Write the folder: what was there stays until the new voices are complete."""
    content = io.BytesIO()
    np.save(content, voices.embeddings, allow_pickle=False)
    name = f"embeddings-{sha256(content.getvalue()).hexdigest()[:16]}.npy"
    described: dict[str, Any] = {
        "format": FORMAT,
        "model": voices.model,
        "size": int(voices.embeddings.shape[1]),
        "embeddings": name,
        "calibrations": {kind: asdict(calibration) for kind, calibration in voices.calibrations.items()},
        "recordings": [asdict(recording) for recording in voices.recordings],
    }
    if not (folder / name).is_file():
        write_whole(folder / name, content.getvalue())
    write_json(folder / FILE, described)
    for old in folder.iterdir():
        if EMBEDDINGS.fullmatch(old.name) and old.name != name:
            old.unlink()


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Wait until no other program writes the voices of a folder, which is made where it is missing."""
    with FolderLocks(folder).one_at_a_time():
        yield
