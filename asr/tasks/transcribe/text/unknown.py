"""Characters that a tokenizer cannot write: no transcript it was made from holds them."""

from collections.abc import Iterable, Iterator

from lhotse.cut import Cut

from asr.corpus.utterance import Rejection
from asr.tasks.transcribe.text.tokenizer import Tokenizer


def unknown_characters(split: str, cuts: Iterable[Cut], tokenizer: Tokenizer) -> Iterator[Rejection]:
    """A Rejection for each utterance whose reference holds unknown characters; it is scored nevertheless."""
    for cut in cuts:
        unknown = set(cut.supervisions[0].text) - tokenizer.characters
        if unknown:
            detail = f"scored, but the model cannot write {' '.join(sorted(unknown))}: no training transcript holds it"
            remedy = "mend the transcript, or add such ones to train"
            source = cut.recording.sources[0].source
            yield Rejection(cut.id, source, split, "unknown_characters", detail, remedy)
