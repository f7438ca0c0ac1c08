"""Recordings and their speakers from a run's manifest, for trials of speech that a model was not trained on."""

import json
from pathlib import Path

from asr.corpus.cuts import AVERAGED, BYTE_RANGE
from asr.corpus.readers.lines import manifest_lines
from asr.errors import UserError

SHORTER_PART = 0.05  # seconds by which a cut may fall short of the whole recording


def speakers_of_manifest(manifest: Path, root: Path | None = None) -> tuple[dict[str, str], int]:
    """{recording: speaker} of the lines that are a whole file of a known speaker, and how many others there are.

    Recordings are paths, relative to `root` where that is given. Raises UserError where there is no such line.
    """
    if not manifest.is_file():
        raise UserError(f"{manifest}: no such file; give RUN_DIR/data/test.jsonl.gz of a training")
    speakers, others = {}, 0
    for number, line in manifest_lines(manifest):
        try:
            cut = json.loads(line)
            found = _recording_and_speaker(cut)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise UserError(
                f"{manifest}, line {number}: is no cut of a CutSet; give a manifest of a training"
            ) from error
        if found is None:
            others += 1
        else:
            speakers[_relative(found[0], root)] = found[1]
    if not speakers:
        raise UserError(f"{manifest}: no line of {others} is a whole file with a known speaker; give another split")
    return speakers, others


def _recording_and_speaker(cut: dict) -> tuple[Path, str] | None:
    """None where the speaker is not known (then the cut's own id stands there), or where it is a part of a file."""
    recording, speaker = cut["recording"], cut["supervisions"][0].get("speaker")
    source = recording["sources"][0]
    custom = cut.get("custom") or {}
    one_of_several = len(source["channels"]) > 1 and AVERAGED not in custom
    whole = (
        not one_of_several
        and BYTE_RANGE not in custom
        and cut["start"] == 0
        and recording["duration"] - cut["duration"] <= SHORTER_PART
    )
    if source["type"] != "file" or not whole or len(recording["sources"]) > 1:
        return None
    if speaker is None or speaker == cut["supervisions"][0]["id"] or speaker == cut["id"]:
        return None
    return Path(source["source"]), str(speaker)


def _relative(path: Path, root: Path | None) -> str:
    if root is None:
        return path.as_posix()
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise UserError(f"{path}: is not in --audio {root}; give a folder that holds all recordings") from error
