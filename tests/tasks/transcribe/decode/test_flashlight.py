"""The same search as flashlight's (Kahn et al. 2022), an independent engine, where both can do the thing."""

import math

import pytest
import torch

from asr.language_model.ngram import estimate
from asr.tasks.transcribe.decode.automaton import token_ngram
from asr.tasks.transcribe.decode.prefix_search import search
from asr.tasks.transcribe.text.characters import CharacterTokenizer

decoders = pytest.importorskip("torchaudio.models.decoder", exc_type=ImportError)
pytest.importorskip("flashlight.lib.text.decoder.kenlm")

TOKENIZER = CharacterTokenizer(" abcd")
TEXT = ["ab ba", "a bad cab", "dab a cad", "abba", "cab dab bad", "a b c d", "bad dad"]


@pytest.mark.parametrize("lm_weight", [0.0, 0.4, 1.5])
@pytest.mark.parametrize("seed", range(15))
def test_the_best_candidates_and_their_scores(tmp_path, seed, lm_weight):
    random = torch.Generator().manual_seed(seed)
    log_probs = (3 * torch.randn(1, 6, TOKENIZER.size, generator=random)).log_softmax(-1)
    # Flashlight begins within a silence, whose token nothing else may have.
    with_silence = torch.cat([log_probs, torch.full((1, 6, 1), -100.0)], 2)
    model = estimate([[TOKENIZER.piece(token) for token in TOKENIZER.encode(text)] for text in TEXT], order=3)
    model.write_arpa(tmp_path / "lm.arpa")
    tokens = [*(TOKENIZER.piece(token) for token in range(TOKENIZER.size)), "silence"]
    (tmp_path / "tokens.txt").write_text("\n".join(tokens))  # without it the language model gets them in another order
    flashlight = decoders.ctc_decoder(
        lexicon=None,
        tokens=tokens,
        lm_dict=str(tmp_path / "tokens.txt"),
        lm=str(tmp_path / "lm.arpa"),
        nbest=10,
        beam_size=100_000,
        beam_threshold=1000.0,
        lm_weight=lm_weight * math.log(10),  # of log10
        sil_score=0.0,
        log_add=True,
        blank_token=TOKENIZER.piece(0),
        sil_token="silence",
    )
    theirs = [(hypothesis.tokens.tolist(), hypothesis.score) for hypothesis in flashlight(with_silence)[0]]
    scorer = token_ngram(model, TOKENIZER).with_weights(lm_weight, 0.0)
    ours = search(log_probs, torch.tensor([6]), [scorer], 100_000, 100, best=10)[0]
    assert len(ours) == len(theirs) == 10
    assert [candidate.score for candidate in ours] == pytest.approx([score for _, score in theirs], abs=1e-3)
    # It puts silences around what was said.
    assert [candidate.tokens for candidate in ours] == [tokens[1:-1] for tokens, _ in theirs]
