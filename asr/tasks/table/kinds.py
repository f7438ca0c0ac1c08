"""The tables of answers that CREMA-D has, what each column is, and which columns give the displayed emotion away.

The columns are those of its README, https://github.com/CheyneyComputerScience/CREMA-D.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.errors import UserError

EMOTIONS = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad")
LETTERS = tuple(name[0] for name in EMOTIONS)  # also their numbers, 0 to 5, for a network that learns numbers
QUERY_TYPE = "queryType"  # 1 voice, 2 face, 3 both
PHRASE_TYPE = "PhraseType"  # IEO, TIE, … out of the clip's name
CLIP_NUMBER = "clipNum"
ACTOR = "ActorID"
NUMBERS_OF_ACTORS, CATEGORIES_OF_ACTORS = ("Age",), ("Sex", "Race", "Ethnicity")


@dataclass(frozen=True)
class Kind:
    """A table: its file in CREMA-D, the column that names the clip, and what is learnt from.

    critical: the column without whose value a row is dropped; answer: what people said, by itself a prediction;
    target: the displayed emotion, None where only the clip's name tells it; clipped: numbers with outliers;
    numbered: whether rows are named by 100000 × queryType + clipNum.
    """

    file: str
    clip: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    critical: str
    answer: str
    target: str | None = None
    clipped: tuple[str, ...] = ()
    numbered: bool = False


def levels(which: str) -> tuple[str, ...]:
    """meanAngerResp and so on: how strong those who named an emotion found it, −1 where nobody did."""
    return tuple(f"mean{emotion}Resp{which}" for emotion in EMOTIONS)


KINDS = (
    Kind(
        file="finishedResponses.csv",
        clip="clipName",
        numbers=("ttr", "numTries", "respLevel"),
        categories=(QUERY_TYPE, "respEmo"),
        critical="dispVal",
        answer="respEmo",
        target="dispEmo",
        clipped=("ttr",),
    ),
    Kind(
        file="processedResults/tabulatedVotes.csv",
        clip="fileName",
        numbers=(
            *(*LETTERS, "numResponses", "agreement"),
            *("meanEmoResp", *levels(""), "medianEmoResp"),
            *("meanEmoRespNorm", *levels("Norm"), "medianEmoRespNorm"),
        ),
        categories=(QUERY_TYPE, "emoVote"),
        critical="emoVote",
        answer="emoVote",
        numbered=True,
    ),
    Kind(
        file="processedResults/summaryTable.csv",
        clip="FileName",
        numbers=("VoiceLevel", "FaceLevel", "MultiModalLevel"),
        categories=("VoiceVote", "FaceVote", "MultiModalVote"),
        critical="MultiModalVote",
        answer="MultiModalVote",
    ),
)

LEAKS = {  # why a column gives the displayed emotion away
    **dict.fromkeys((kind.clip for kind in KINDS), "the third part of a clip's name is the displayed emotion"),
    "dispEmo": "it is what is to be predicted",
    "dispVal": "it is what the actor was told to show, no answer",
    "dispLevel": "it is what the actor was told to show, no answer",
    CLIP_NUMBER: "clips are numbered in an order of emotions that repeats with every sentence",
    "": "rows are numbered as clips are, in an order of emotions that repeats with every sentence",
}


def kind_of(header: Sequence[str], table: Path) -> Kind:
    """The kind of a table, by the column that names the clip; UserError where there is none."""
    for kind in KINDS:
        if kind.clip in header:
            return kind
    wanted = " or ".join(kind.clip for kind in KINDS)
    raise UserError(f"{table}: has no column {wanted}, which names the clip; it has {named(header)}")


def named(columns: Sequence[str]) -> str:
    """The columns of a table in a message."""
    return ", ".join(filter(None, columns)) or "no columns"
