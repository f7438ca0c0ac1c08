import numpy as np
import pytest
import torch

from asr.tasks.transcribe.decode.beam import with_token_times
from asr.tasks.transcribe.decode.greedy import GreedyDecoder
from asr.tasks.transcribe.scoring.views import LEVELS, curves_of


def test_curves_are_the_likely_stretches_in_order():
    posteriors = np.zeros((10, 4))
    posteriors[:, 0] = 1.0
    posteriors[2:4, 3] = 0.5, 1.0
    posteriors[6, 1] = 0.4
    posteriors[8, 2] = 0.2  # never likely
    assert curves_of(posteriors, "∅abc") == [("c", 2, LEVELS[18] + "z"), ("a", 6, "e")]
    assert curves_of(np.zeros((0, 4)), "∅abc") == []


def test_what_is_right_lies_where_alignment_finds_it():
    """The likeliest path of all is the likeliest of its own tokens: a right hypothesis needs no second alignment."""
    log_probs = torch.randn(8, 40, 5, generator=torch.Generator().manual_seed(0)).mul(3).log_softmax(-1)
    lengths = torch.tensor([40, 40, 33, 20, 12, 5, 2, 1])
    hypotheses = GreedyDecoder()(log_probs, lengths)
    for found, again in zip(
        hypotheses, with_token_times(log_probs, lengths, [each.tokens for each in hypotheses]), strict=True
    ):
        assert (found.tokens, found.starts, found.ends) == (again.tokens, again.starts, again.ends)
        assert found.confidences == pytest.approx(again.confidences)
