"""Tokens longer than a character, learnt from the training transcripts by SentencePiece."""

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from asr.errors import UserError
from asr.tasks.transcribe.text.tokenizer import BLANK, BLANK_PIECE, SPACE_PIECE, UnknownCharacter

FILE = "tokenizer.model"
UNKNOWN = 1  # SentencePiece insists on one; it is never in an encoding, as unknown characters raise
MODEL_TYPES = ("bpe", "unigram")


class SentencePieceTokenizer:
    """Subwords ↔ ids by a SentencePiece model whose padding is the blank, 0 (Kudo & Richardson 2018)."""

    def __init__(self, model_proto: bytes) -> None:
        """model_proto: a serialised model; raises UserError for one whose ids 0, 1 are not blank and unknown."""
        try:
            self._processor = SentencePieceProcessor(model_proto=model_proto)
        except RuntimeError as error:
            raise UserError("not a SentencePiece model") from error
        ours = self.size > UNKNOWN and self._processor.is_control(BLANK) and self._processor.is_unknown(UNKNOWN)
        if not ours:
            raise UserError("this SentencePiece model's ids 0 and 1 are not the blank and the unknown token")
        pieces = (self._processor.id_to_piece(i) for i in range(UNKNOWN + 1, self.size))
        self._characters = frozenset(piece.replace(SPACE_PIECE, " ") for piece in pieces if len(piece) == 1)

    @classmethod
    def train(cls, texts: Iterable[str], model_type: str, vocabulary_size: int) -> "SentencePieceTokenizer":
        """A vocabulary of exactly vocabulary_size tokens, blank and unknown included, from normalised texts.

        model_type: bpe (Sennrich et al. 2016) or unigram (Kudo 2018). The same texts give the same bytes.
        Raises UserError where the texts are empty or do not allow that size, telling which they allow.
        """
        if model_type not in MODEL_TYPES:
            raise UserError(f"tokenizer.model_type={model_type!r}: choose one of {', '.join(MODEL_TYPES)}")
        sentences = [text for text in texts if text.strip()]
        if not sentences:
            raise UserError("no transcript holds any text, so there is nothing to make a vocabulary from")
        smallest = len({c for text in sentences for c in text} | {" "}) + UNKNOWN + 1
        if vocabulary_size < smallest:
            raise UserError(
                f"tokenizer.vocabulary_size={vocabulary_size} is too small: the characters of these transcripts"
                f" alone need {smallest}. Set tokenizer.vocabulary_size to {smallest} or more"
            )
        return cls(_train_model(sentences, model_type, vocabulary_size, smallest))

    @classmethod
    def load(cls, folder: Path) -> "SentencePieceTokenizer":
        """Read tokenizer.model; raises UserError naming the file where it is no model of ours."""
        path = Path(folder) / FILE
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); make it readable, or copy the model again"
            ) from error
        except UserError as error:
            raise UserError(f"{path}: {error}; copy the model again") from error

    @property
    def size(self) -> int:
        return self._processor.get_piece_size()

    @property
    def characters(self) -> frozenset[str]:
        return self._characters

    def encode(self, text: str) -> list[int]:
        unknown = set(text) - self._characters
        if unknown:
            raise UnknownCharacter(unknown)
        return self._processor.encode(text)

    def decode(self, ids: Sequence[int]) -> str:
        text = self._processor.decode([int(i) for i in ids if i > UNKNOWN])
        # A model may emit a lone ▁ anywhere; no transcript has two spaces, or one at an end.
        return re.sub(" +", " ", text).strip(" ")

    def piece(self, id: int) -> str:
        return BLANK_PIECE if id == BLANK else self._processor.id_to_piece(id)

    def save(self, folder: Path) -> None:
        (Path(folder) / FILE).write_bytes(self._processor.serialized_model_proto())


def _train_model(sentences: list[str], model_type: str, vocabulary_size: int, smallest: int) -> bytes:
    """A serialised model; raises UserError where the sentences do not hold that many different pieces."""
    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=model,
            model_type=model_type,
            vocab_size=vocabulary_size,
            character_coverage=1.0,
            byte_fallback=False,
            normalization_rule_name="identity",  # TextNormalizer has done it
            max_sentence_length=1 << 20,  # bytes; longer ones would be skipped without a word
            pad_id=BLANK,
            pad_piece="<blank>",
            unk_id=UNKNOWN,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,  # the sums of several threads differ in their last bits, and so would the vocabulary
            minloglevel=2,
        )
    except RuntimeError as error:
        limit = re.search(r"too high .*<= (\d+)", str(error))
        if limit is None:
            raise UserError(f"SentencePiece cannot make a vocabulary from these transcripts: {error}") from error
        raise UserError(
            f"tokenizer.vocabulary_size={vocabulary_size} is too large: these transcripts hold at most"
            f" {limit[1]} different {model_type} pieces. Set tokenizer.vocabulary_size between {smallest} and"
            f" {limit[1]}, or use tokenizer=characters"
        ) from error
    return model.getvalue()
