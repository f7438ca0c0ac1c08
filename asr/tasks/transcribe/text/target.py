"""What speech recognition learns of an utterance: its transcript, normalised."""

from collections.abc import Callable

from asr.corpus.utterance import UtteranceFacts
from asr.task import Unusable


class TranscriptTarget:
    """The normalised text of an utterance; raises Unusable where there is none, or nothing is left of it."""

    def __init__(self, normalize: Callable[[str], str]) -> None:
        self.normalize = normalize

    def __call__(self, known: UtteranceFacts) -> str:
        if known.text is None:
            remedy = "add its transcript, or take the recording out"
            raise Unusable("transcript_missing", "it has no transcript", remedy)
        if text := self.normalize(known.text):
            return text
        detail = "the transcript is empty" + (f" once normalised ({known.text!r})" if known.text.strip() else "")
        raise Unusable("transcript_empty", detail, "write down what is said, or take the recording out")
