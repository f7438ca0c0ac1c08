"""VoxCeleb: wav/id10001/1zcIwhmdeo4/00001.wav is speaker id10001, video 1zcIwhmdeo4, stretch 00001; no transcripts.

Nagrani, Chung, Zisserman 2017, https://www.robots.ox.ac.uk/~vgg/data/voxceleb/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from asr.corpus.readers.lines import numbered_lines
from asr.corpus.readers.named import gender_letter
from asr.corpus.utterance import Reading, Utterance, is_audio, kept_about
from asr.errors import UserError

PLACE = re.compile(r"(?:^|.*/)(id\d{5})/([^/]+)/(\d+)")  # of a recording, without its suffix
LIST = "iden_split.txt"
SPLIT_OF_NUMBER = {"1": "train", "2": "dev", "3": "test"}
IDENTIFICATION, VERIFICATION, NONE = SPLITS = ("identification", "verification", "none")
FIRST_HELD_OUT, LAST_HELD_OUT = "id10270", "id10309"  # VoxCeleb1's test speakers for verification: names with E
META = "*meta*.csv"
Found = Sequence[tuple[Path, str, str, str]]  # recording, speaker, video, id


def read(source: Path | str, splits: str = IDENTIFICATION, iden_split: str | None = None) -> Reading:
    """Every recording, with gender and nationality where vox1_meta.csv lies beside them, and its video as session.

    splits: identification takes those of iden_split.txt, in the source or where `iden_split` says, and leaves out what
    is not in it; verification holds out the 40 speakers of VoxCeleb1's test; none leaves them to be drawn. Raises
    UserError where there are no such recordings.
    """
    source = Path(source)
    if splits not in SPLITS:
        raise UserError(f"data.reader.splits={splits}: {' or '.join(SPLITS)} is wanted")
    found = _recordings(source)
    note = f"{source}: VoxCeleb, {len(found)} recordings"
    if splits == VERIFICATION:
        held_out = "splits for verification, test is the speakers " + f"{FIRST_HELD_OUT} to {LAST_HELD_OUT}"
        return Reading(_utterances(source, found, None, splits), f"{note}; {held_out}")
    if splits == NONE:
        return Reading(_utterances(source, found, None, splits), note)
    listed = _listed_splits(source, iden_split)
    if listed is None:
        return Reading(_utterances(source, found, None, NONE), f"{note}; no {LIST} in it, so that splits are drawn")
    kept = [each for each in found if each[3] in listed]
    if not kept:
        raise UserError(f"{source}: none of its {len(found)} recordings is in {LIST}; set data.reader.splits=none")
    missing = len(listed.keys() - {each[3] for each in kept})
    note += f"; splits for identification by {LIST}"
    note += f", {missing} that it lists are not there" if missing else ""
    note += f", {len(found) - len(kept)} that it does not list are left out" if len(kept) < len(found) else ""
    return Reading(_utterances(source, kept, listed, splits), note)


def _recordings(source: Path) -> Found:
    """Every recording below a source that lies in id…/video/, sorted by its id."""
    found = []
    for path in source.rglob("*") if source.is_dir() else ():
        if is_audio(path) and (place := PLACE.fullmatch(path.relative_to(source).with_suffix("").as_posix())):
            found.append((path, place[1], place[2], "/".join(place.groups())))
    if not found:
        raise UserError(f"{source} holds no recordings such as wav/id10001/1zcIwhmdeo4/00001.wav; set data.source")
    return sorted(found, key=lambda each: (each[3], each[0]))


def _listed_splits(source: Path, iden_split: str | None) -> dict[str, str] | None:
    """{id: split} by lines such as 3 id10001/1zcIwhmdeo4/00001.wav; None where there is no such file."""
    beside = [source / LIST, source.parent / LIST]
    file = Path(iden_split).expanduser() if iden_split else next((path for path in beside if path.is_file()), None)
    if file is None:
        return None
    if not file.is_file():
        raise UserError(f"data.reader.iden_split={file}: no such file; it is called {LIST} where VoxCeleb is published")
    found = {}
    for number, line in numbered_lines(file):
        cells = line.split()
        if not cells:
            continue
        place = PLACE.fullmatch(cells[-1].rpartition(".")[0])
        if len(cells) != 2 or cells[0] not in SPLIT_OF_NUMBER or place is None:
            raise UserError(f"{file}, line {number}: not 1, 2 or 3 and a recording: {line[:80]}; fetch the file again")
        found["/".join(place.groups())] = SPLIT_OF_NUMBER[cells[0]]
    return found


def _utterances(source: Path, found: Found, listed: Mapping[str, str] | None, splits: str) -> Iterator[Utterance]:
    speakers = _speakers(source)
    for path, speaker, video, name in found:
        split = listed[name] if listed is not None else None
        if splits == VERIFICATION:
            split = "test" if FIRST_HELD_OUT <= speaker <= LAST_HELD_OUT else "train"
        about = {**speakers.get(speaker, {}), "session": video}
        yield Utterance(name, path, None, speaker, split=split, about=about)


def _speakers(source: Path) -> dict[str, dict[str, str]]:
    """{speaker: gender, nationality} of vox1_meta.csv (tabs) and vox2_meta.csv (commas), in the source or beside it."""
    found: dict[str, dict[str, str]] = {}
    for table in [*sorted(source.glob(META)), *sorted(source.parent.glob(META))]:
        rows = [re.split(r"\s*[\t,]\s*", line.strip()) for _, line in numbered_lines(table)]
        names = [name.lower() for name in rows[0]] if rows else []
        for row in rows[1:]:
            known = dict(zip(names, row, strict=False))
            named = {"gender": gender_letter(known.get("gender", "")), "nationality": known.get("nationality", "")}
            found.setdefault(row[0], kept_about(named.items()))
    return found
