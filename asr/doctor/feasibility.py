"""How many utterances CTC could not align, for every subsampling and tokenizer: frames ≥ tokens + equal neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asr.errors import UserError
from asr.tasks.transcribe.ctc.loss import frames_needed
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.text.sentencepiece import SentencePieceTokenizer
from asr.tasks.transcribe.text.tokenizer import Tokenizer

FACTORS = (1, 2, 4, 8)
BPE_SIZES = (100, 300, 1000)
TOLERATED = 0.001  # share of the utterances that a recommended setting may leave out


@dataclass(frozen=True, slots=True)
class Setting:
    """A tokenizer and, for each of FACTORS, the ids of the utterances that could not be aligned."""

    tokenizer: str
    infeasible: dict[int, list[str]]


def settings(
    seconds: Mapping[str, float], texts: Mapping[str, str], train: Sequence[str], hop_s: float
) -> list[Setting]:
    """Exactly what training would leave out; tokenizers are learnt from the texts of `train`, frames take `hop_s`."""
    learnt = [texts[name] for name in train]
    tokenizers: dict[str, Tokenizer] = {"tokenizer=characters": CharacterTokenizer.train(learnt)}
    for size in BPE_SIZES:
        try:
            learned = SentencePieceTokenizer.train(learnt, model_type="bpe", vocabulary_size=size)
        except UserError:  # more pieces than these transcripts hold
            break
        tokenizers[f"tokenizer=bpe tokenizer.vocabulary_size={size}"] = learned
    frames = {name: int(duration / hop_s) + 1 for name, duration in seconds.items()}
    found = []
    for label, tokenizer in tokenizers.items():
        needed = {name: frames_needed(tokenizer.encode(texts[name])) for name in train}
        infeasible = {
            factor: [name for name in train if -(-frames[name] // factor) < needed[name]] for factor in FACTORS
        }
        found.append(Setting(label, infeasible))
    return found


def recommended(found: Sequence[Setting], utterances: int) -> str:
    """The coarsest frames that characters allow, or the finest tokens that the coarsest frames allow."""
    for factor in reversed(FACTORS):
        for setting in found:
            if factor >= 4 and len(setting.infeasible[factor]) <= TOLERATED * utterances:
                return f"encoder.subsampling.factor={factor} {setting.tokenizer}"
    return f"encoder.subsampling.factor={FACTORS[1]} {found[0].tokenizer}"
