"""Recognisers put together by hand, for the tests."""

from collections.abc import Mapping
from typing import Any

from asr.runs.model_folder import TrainedModel
from asr.tasks.transcribe.recognizer import Recognizer
from asr.tasks.transcribe.task import Transcribe

TEXT = {
    "_target_": "asr.tasks.transcribe.text.normalise.TextNormalizer",
    **{"unicode_form": "NFC", "case": "lower", "punctuation": "remove", "apostrophes": "keep", "hyphens": "space"},
}
GREEDY = {"_target_": "asr.tasks.transcribe.decode.greedy.GreedyDecoder"}


def transcribe(tokenizer) -> Transcribe:
    """The task with these tokens and greedy decoding."""
    task = Transcribe(TEXT, GREEDY)
    task.use_tokenizer(tokenizer)
    return task


def recognizer_of(model, tokenizer, sample_rate: int, parts: Mapping[str, Any] | None = None) -> Recognizer:
    return Recognizer(TrainedModel(model, transcribe(tokenizer), sample_rate, parts or {}))
