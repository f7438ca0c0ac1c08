"""Miniature tables as CREMA-D has them."""

import csv
import random
from pathlib import Path

EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
ACTORS = tuple(str(number) for number in range(1001, 1025))
ANSWER_COLUMNS = (
    *("", "localid", "pos", "ans", "ttr", "queryType", "numTries", "clipNum", "questNum", "subType", "clipName"),
    *("sessionNums", "respEmo", "respLevel", "dispEmo", "dispVal", "dispLevel"),
)


def write(path: Path, header, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([header, *rows])
    return path


def write_actors(folder: Path, actors=ACTORS) -> Path:
    rows = [(int(name), 20 + n, ("Male", "Female")[n % 2], "Asian", "Hispanic") for n, name in enumerate(actors)]
    return write(folder / "VideoDemographics.csv", ("ActorID", "Age", "Sex", "Race", "Ethnicity"), rows)


def answer(number: int, clip: str, emotion: str, **other: object) -> list:
    """A row of finishedResponses.csv."""
    known = {
        **{"": number, "localid": 7, "pos": number, "ans": f"{emotion}_60", "ttr": 1500, "queryType": 1, "numTries": 0},
        **{"clipNum": number, "questNum": 1, "subType": 4, "clipName": clip, "sessionNums": 1, "respEmo": emotion},
        **{"respLevel": 60, "dispEmo": clip[9], "dispVal": 50, "dispLevel": "XX"},
    }
    return [(known | other)[name] for name in ANSWER_COLUMNS]


def crema_d(folder: Path, right: float = 0.8, seed: int = 1) -> Path:
    """24 actors with two sentences in six emotions, answered three times each; `right` of the answers are."""
    drawn, rows = random.Random(seed), []
    clips = [f"{actor}_{phrase}_{emotion}_XX" for actor in ACTORS for phrase in ("IEO", "DFA") for emotion in EMOTIONS]
    for clip in clips:
        for query in (1, 2, 3):
            said = clip[9] if drawn.random() < right else drawn.choice("ADFHNS")
            rows.append(answer(len(rows) + 1, clip, said, queryType=query, ttr=drawn.randint(900, 3000)))
    write_actors(folder)
    write(folder / "finishedResponses.csv", ANSWER_COLUMNS, rows)
    return folder
