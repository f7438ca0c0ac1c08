"""Characters that a tokenizer cannot write: no transcript it was made from holds them."""

from lhotse import CutSet

from asr.text.tokenizer import Tokenizer

NAMED = 3  # utterances that the note names


def note_of_unknown(split: str, cuts: CutSet, tokenizer: Tokenizer) -> str | None:
    """What to say of a split whose references hold unknown characters; None where there are none."""
    unknown = {cut.id: set(cut.supervisions[0].text) - tokenizer.characters for cut in cuts}
    ids = [name for name, characters in unknown.items() if characters]
    if not ids:
        return None
    named = ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
    characters = " ".join(sorted(set().union(*unknown.values())))
    return (
        f"{split}: {named}: no training transcript holds {characters}, so the model cannot write it and is scored so; "
        "mend these transcripts, or add such ones to train"
    )
