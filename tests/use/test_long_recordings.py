"""Long recordings are heard in parts as they would be heard whole, and cut between words."""

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from asr.configuration.compose import load_configuration
from asr.model.features import CorpusNormalization, LogMel
from asr.model.speech_model import SpeechModel
from asr.tasks.transcribe import long_recordings
from asr.tasks.transcribe.ctc.head import CTCHead
from asr.tasks.transcribe.decode.greedy import GreedyDecoder, Hypothesis
from asr.tasks.transcribe.long_recordings import consecutive_log_probs, decode_parts, stretches
from asr.tasks.transcribe.text.tokenizer import BLANK

RATE = 8000


@pytest.fixture(scope="module")
def local_model() -> SpeechModel:
    """A model whose frames hear less than a second, and that normalizes no recording by itself."""
    torch.manual_seed(1)
    features = LogMel(RATE, 25, 10, 20, CorpusNormalization)
    encoder = instantiate(load_configuration("train", ["encoder=cnn_local"]).encoder, features=features.dim)
    return SpeechModel(features, encoder, CTCHead(encoder.dim, 5)).eval()


@pytest.mark.parametrize("seconds", [1.0, 29.9, 36.1, 59.0, 121.7])
def test_parts_are_the_whole_where_the_model_hears_no_further(local_model, seconds):
    samples = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    with torch.inference_mode():
        whole, lengths = local_model(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    parts = list(consecutive_log_probs(local_model, samples, RATE))
    assert torch.allclose(torch.cat(parts), whole[0, : lengths[0]], atol=1e-4)
    assert all(len(part) * local_model.frame_s <= long_recordings.CHUNK_S + 0.1 for part in parts)
    heard = decode_parts(GreedyDecoder(), iter(parts))
    assert heard.starts == sorted(heard.starts)
    assert max(heard.ends, default=0) <= len(whole[0])


def test_a_seam_lies_where_nothing_is_heard(local_model):
    samples = 0.1 * np.random.default_rng(0).standard_normal(100 * RATE).astype(np.float32)
    parts = list(consecutive_log_probs(local_model, samples, RATE))
    whole = torch.cat(parts)
    seam = len(parts[0])
    around = round(long_recordings.OVERLAP_S / local_model.frame_s / 4)
    assert whole[seam, BLANK] >= whole[seam - around // 2 : seam + around // 2, BLANK].quantile(0.5)


def test_stretches_hold_every_token_once_and_end_at_pauses():
    chance = np.random.default_rng(2)
    gaps = chance.choice([1, 2, 30], 600, p=[0.5, 0.4, 0.1])
    starts = np.cumsum(gaps + 2).tolist()
    whole = Hypothesis(list(range(1, 601)), starts, [start + 2 for start in starts], [1.0] * 600)
    begins = [token % 4 == 0 for token in range(600)]
    found = stretches(whole, begins, starts[-1] + 5, 0.04)
    assert [token for each in found for token in each.hypothesis.tokens] == whole.tokens
    assert [start + each.first_frame for each in found for start in each.hypothesis.starts] == whole.starts
    assert [each.first_frame for each in found] == [0, *(each.end_frame for each in found[:-1])]
    assert all(begins[each.hypothesis.tokens[0] - 1] for each in found)
    assert all(each.hypothesis.starts[0] >= 0 for each in found)
    assert max(each.end_frame - each.first_frame for each in found) * 0.04 < 4 * long_recordings.STRETCH_S
