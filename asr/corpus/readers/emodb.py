"""Berlin Database of Emotional Speech: wav/03a01Wa.wav is speaker 03, sentence a01, emotion W, take a.

Burkhardt et al. 2005, http://www.emodb.bilderbar.info/
"""

import re
from collections.abc import Iterator
from pathlib import Path

from asr.corpus.readers.named import held_out_split, named_recordings
from asr.corpus.utterance import Utterance

SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute Abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Blatt Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
EMOTIONS = {
    **{"W": "anger", "L": "boredom", "E": "disgust", "A": "fear"},
    **{"F": "happiness", "T": "sadness", "N": "neutral"},
}
MEN = frozenset({"03", "10", "11", "12", "15"})
AGES = {
    **{"03": "31", "08": "34", "09": "21", "10": "32", "11": "26"},
    **{"12": "30", "13": "32", "14": "35", "15": "25", "16": "31"},
}
NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")


def read(source: Path | str, held_out_speaker: str | None = None) -> Iterator[Utterance]:
    """Every recording, with its emotion, sentence (a01 …), take (a …), and the speaker's gender and age.

    The splits are left to be drawn, or one speaker is test.

    Raises UserError where there are no such recordings, or no such speaker.
    """
    found = named_recordings(Path(source), "wav", NAME, "03a01Wa.wav", "EmoDB")
    split_for = held_out_split([match[1] for _, match in found], held_out_speaker)
    for path, match in found:
        speaker, sentence, emotion, take = match.groups()
        about = {"emotion": EMOTIONS[emotion], "gender": "m" if speaker in MEN else "f"}
        about |= {"age": AGES[speaker]} if speaker in AGES else {}
        about |= {"sentence": sentence, "take": take}
        yield Utterance(path.stem, path, SENTENCES.get(sentence), speaker, split=split_for(speaker), about=about)
