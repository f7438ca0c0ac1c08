"""lhotse Shar: cuts.000000.jsonl.gz with their recordings in recording.000000.tar, read in place.

https://lhotse.readthedocs.io/en/latest/shar.html
"""

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from lhotse.cut import Cut

from asr.corpus.readers.cutset import utterances_of, utterances_of_line
from asr.corpus.readers.lines import manifest_lines
from asr.corpus.splits import split_folders
from asr.corpus.utterance import Utterance
from asr.errors import UserError, one_line

FORM = "a lhotse Shar folder (cuts.*.jsonl.gz and recording.*.tar; or train/ dev/ test/ that hold them)"
NOT_RECORDINGS = (".json", ".nometa", ".nodata")  # suffixes of a shard's other members


def recognises(source: Path) -> bool:
    return bool(_folders(source))


def read(source: Path | str) -> Iterator[Utterance]:
    """Every cut of every shard, with the bytes of its archive that hold its recording.

    Raises UserError where an archive is compressed or damaged.
    """
    for folder, split in _folders(Path(source)).items():
        for cuts in sorted(folder.glob("cuts.*.jsonl*")):
            archive = folder / f"recording.{cuts.name.split('.')[1]}.tar"
            places = _recording_places(archive)
            for number, line in manifest_lines(cuts):
                use = partial(_utterances, archive=archive, places=places)
                yield from utterances_of_line(cuts, number, line, split, use)


def _folders(source: Path) -> dict[Path, str | None]:
    if not source.is_dir():
        return {}
    if _is_shar(source):
        return {source: None}
    return {folder: split for folder, split in split_folders(source).items() if _is_shar(folder)}


def _is_shar(folder: Path) -> bool:
    return any(folder.glob("cuts.*.jsonl*")) and any(folder.glob("recording.*.tar*"))


def _recording_places(archive: Path) -> dict[str, tuple[int, int]]:
    """Where each cut's recording lies in an archive: {cut id: (offset, size)} in bytes."""
    try:
        with tarfile.open(archive, "r:") as members:
            return {
                str(Path(member.name).parent / Path(member.name).stem): (member.offset_data, member.size)
                for member in members
                if Path(member.name).suffix not in NOT_RECORDINGS
            }
    except FileNotFoundError as error:
        raise UserError(f"{archive}: no such file, but its cuts are there; fetch the shard again") from error
    except Exception as error:  # damaged headers make tarfile raise ValueError, OverflowError and others
        raise UserError(
            f"{archive}: not an uncompressed tar file ({one_line(error)}); unpack it, or fetch it again"
        ) from error


def _utterances(cut: Cut, split: str | None, archive: Path, places: dict[str, tuple[int, int]]) -> Iterator[Utterance]:
    place = places.get(cut.id)
    if place is None or getattr(cut, "recording", None) is None:
        utterance = Utterance(cut.id, archive, None, split=split)
        yield utterance.rejected("audio_missing", f"{archive} holds no recording for it", "fetch the shard again")
        return
    for source in cut.recording.sources:  # a placeholder until now: in Shar the audio's place is not written down
        source.type, source.source = "file", str(archive)
    for utterance in utterances_of(cut, split, archive.parent):
        yield replace(utterance, byte_range=place) if utterance.rejection is None else utterance
