"""A trained model's tokenizer, whichever it is."""

from collections.abc import Callable
from pathlib import Path

from asr.errors import UserError
from asr.tasks.transcribe.text import characters, sentencepiece
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.sentencepiece import SentencePieceTokenizer
from asr.tasks.transcribe.text.tokenizer import Tokenizer


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer that `save` wrote into a folder, as told by which file is there.

    Neither form is code, so a stranger's folder is safe to open. Raises UserError naming the file or folder where
    there is none, more than one, or a malformed one.
    """
    loaders: dict[str, Callable[[Path], Tokenizer]] = {
        characters.FILE: CharacterTokenizer.load,
        sentencepiece.FILE: SentencePieceTokenizer.load,
    }
    present = [name for name in loaders if (Path(folder) / name).exists()]
    if not present:
        raise UserError(f"{folder}: no tokenizer here; a trained model's folder holds {' or '.join(loaders)}")
    if len(present) > 1:
        raise UserError(f"{folder}: holds {' and '.join(present)}; keep the one that the model was trained with")
    return loaders[present[0]](Path(folder))
