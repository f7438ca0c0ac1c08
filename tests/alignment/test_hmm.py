"""The model of characters finds word boundaries that espeak-ng knows, from recordings and texts alone."""

import random

import numpy as np
import pytest
import torch

from asr.alignment.hmm import CharacterHMM, Recordings
from asr.errors import UserError
from asr.synthetic.espeak import SAMPLE_RATE, SpeechRequest, speak_timed
from asr.synthetic.sentences import generated_sentences
from asr.tasks.transcribe.recognizer import pad_to_batch


def spoken(texts: list[str]) -> list[tuple[np.ndarray, list[tuple[str, float, float]]]]:
    speeches = [SpeechRequest(text, "en-us+f3", 150 + 5 * (index % 5), 50, 50) for index, text in enumerate(texts)]
    return [
        (samples.astype(np.float32) / 32768, [(w.text, w.start / SAMPLE_RATE, w.end / SAMPLE_RATE) for w in words])
        for samples, words in speak_timed(speeches)
    ]


def recordings(said: list, texts: list[str]) -> Recordings:
    return Recordings(*pad_to_batch([samples for samples, _ in said]), texts)


@pytest.fixture(scope="module")
def fitted() -> CharacterHMM:
    texts = generated_sentences("en", {"train": 80, "dev": 0, "test": 0}, random.Random(1))["train"]
    said = spoken(texts)
    model = CharacterHMM.fit(
        (recordings(said[start : start + 20], texts[start : start + 20]) for start in range(0, 80, 20)), SAMPLE_RATE
    )
    assert model is not None
    return model


def boundary_errors(model: CharacterHMM, texts: list[str]) -> list[float]:
    said, errors = spoken(texts), []
    for (_, words), spans in zip(said, model.align(recordings(said, texts)), strict=True):
        assert spans is not None
        place = 0
        for text, start, end in words:  # such as "in the", which espeak-ng runs together
            count = len(text.replace(" ", ""))
            errors += [abs(spans[place].start - start), abs(spans[place + count - 1].end - end)]
            place += count
        assert place == len(spans)
    return errors


def test_word_boundaries_are_where_they_are(fitted):
    texts = generated_sentences("en", {"train": 20, "dev": 0, "test": 0}, random.Random(2))["train"]
    errors = boundary_errors(fitted, texts)
    assert np.median(errors) < 0.04  # of a minute of speech only
    assert np.quantile(errors, 0.9) < 0.12


def test_padding_neighbours_and_unknown_characters_do_not_matter(fitted):
    texts = ["the bird and the house are green", "my mother found a table today", "ünknown bird"]
    said = spoken(texts)
    together = recordings(said, texts)
    together.waveform[1, together.lengths[1] :] = torch.nan
    found = fitted.align(together)
    for row, text in enumerate(texts):
        (alone,) = fitted.align(recordings([said[row]], [text]))
        assert alone is not None and found[row] is not None
        assert len(found[row]) == len(text.replace(" ", ""))
        for one, other in zip(alone, found[row], strict=True):
            assert one.start == pytest.approx(other.start, abs=0.011)
            assert one.start <= one.end


def test_what_does_not_fit_has_no_times(fitted):
    (samples, _), *_ = spoken(["bird"])
    pair = Recordings(*pad_to_batch([samples[:500], samples]), ["a long text", ""])
    assert fitted.align(pair) == [None, []]
    assert (
        CharacterHMM.fit([Recordings(pair.waveform, pair.lengths, ["much too long for this one" * 9, ""])], 16000)
        is None
    )


def test_it_is_kept(fitted, tmp_path):
    path = tmp_path / "timing.safetensors"
    fitted.save(path)
    texts = ["the quiet river"]
    said = recordings(spoken(texts), texts)
    assert CharacterHMM.load(path).align(said) == fitted.align(said)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"timing\.safetensors: damaged"):
        CharacterHMM.load(path)
