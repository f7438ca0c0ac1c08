"""Which utterances a page shows, and what lies over their pictures."""

import torch
from rich.console import Console
from torch import nn

from asr.corpus.batches import Batch, SpeechDataset, evaluation_batches
from asr.corpus.readers import folder
from asr.model.features import LogMel
from asr.report.clips import BYTES_PER_SECOND
from asr.tasks.transcribe.ctc.head import CTCHead
from asr.tasks.transcribe.report.clips import choose, clips_of, make_clips
from asr.tasks.transcribe.scoring.hypotheses import transcribe_set
from asr.tasks.transcribe.scoring.measurement import score_split, transcribe_split
from asr.tasks.transcribe.text.characters import CharacterTokenizer
from asr.tasks.transcribe.timing.words import Word
from tests.corpus.recordings import corpus, pair, tone
from tests.tasks.transcribe.recognizers import recognizer_of

RATE_HZ = 16_000
HEARD = {"text": "ab", "start": 0.05, "end": 0.2, "confidence": 0.7}


def lines(count: int, duration: float = 4.0) -> list[dict]:
    return [{"id": f"u{i:04d}", "wer": i / count, "duration": duration} for i in range(count)]


def test_all_are_chosen_where_there_is_room():
    assert set(choose(lines(1000))) == {line["id"] for line in lines(1000)}


def test_else_the_worst_and_as_many_at_random():
    chosen = choose(lines(10_000))
    assert 1000 < len(chosen) < 1200
    worst = {line["id"] for line in lines(10_000)[-500:]}
    assert worst <= set(chosen)
    assert sum(name < "u5000" for name in chosen) > 200
    assert chosen == choose(lines(10_000)[::-1])


def test_one_that_is_longer_than_the_room_is_left_out():
    assert choose(lines(1, duration=10.0), room=5 * BYTES_PER_SECOND) == []


class Spelling(nn.Module):
    """A model that hears 'ab a' in every recording, a token every other frame, from the second frame on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.features = LogMel(RATE_HZ, 25, 10, 40, nn.Identity)
        self.head = CTCHead(4, 4)
        self.frame_s = 0.04

    def forward(self, waveform, lengths):
        self.calls += 1
        frames = lengths // 640
        log_probs = torch.full((len(waveform), int(frames.max()), 4), 0.01)
        log_probs[..., 0] = 0.97
        for place, token in enumerate((2, 3, 1, 2)):
            log_probs[:, 2 * place + 1] = torch.eye(4)[token] * 0.96 + 0.01
        return log_probs.log(), frames


def test_words_get_their_times_and_what_cannot_be_aligned_gets_none():
    tokenizer = CharacterTokenizer.train(["ab a"])
    recognizer = recognizer_of(Spelling(), tokenizer, RATE_HZ)
    lengths = torch.tensor([RATE_HZ, RATE_HZ // 2])
    waveform = 0.1 * torch.randn(2, RATE_HZ, generator=torch.Generator().manual_seed(0))
    batch = Batch(["x", "y"], ["ab a", "ß"], waveform, lengths, ())
    texts = [
        {"id": "x", "reference": "ab a", "words": [HEARD]},
        {"id": "y", "reference": "ß", "words": []},
    ]
    done = []
    views = transcribe_set(recognizer, [batch]).views
    clips = clips_of(RATE_HZ, recognizer.model.frame_s, [batch], texts, views, lambda *progress: done.append(progress))
    assert done == [(1, 2), (2, 2)]
    assert [(w.text, w.start, w.end) for w in clips["x"].reference] == [("ab", 0.04, 0.16), ("a", 0.28, 0.32)]
    assert clips["x"].hypothesis == [Word(**HEARD)]
    assert [piece for piece, _, _ in clips["x"].curves] == ["a", "b", "▁", "a"]
    assert clips["y"].reference == clips["y"].hypothesis == [] and clips["y"].seconds == 0.5


def test_each_batch_passes_the_model_once(tmp_path):
    """Scores, words, curves and clips come from one pass; beside it there is the sample whose latency is measured."""
    for number in range(12):
        pair(tmp_path / f"s{number % 4}", f"u{number}", "ab a", tone(1.0 + number / 100))
    held = corpus(folder.read(tmp_path))
    cuts = held.splits["train"]
    recognizer = recognizer_of(Spelling(), CharacterTokenizer.train(["ab a"]), RATE_HZ)
    dataset, screen = SpeechDataset(held.audio, recognizer.task.encode), Console(quiet=True)
    transcriptions = transcribe_split(recognizer, cuts, dataset, 4.0, "test", screen)
    batches = len(list(evaluation_batches(cuts, dataset, 4.0, 0)))
    assert recognizer.model.calls == batches > 1
    found = score_split(recognizer, cuts, dataset, transcriptions, "test", 0)
    assert recognizer.model.calls == batches + len(cuts) + 1  # of so few, all are timed alone, after one to warm up
    clips = make_clips(RATE_HZ, recognizer.model.frame_s, cuts, dataset, found.lines, found.views, screen)
    assert recognizer.model.calls == batches + len(cuts) + 1
    assert clips.keys() == found.views.keys() == {cut.id for cut in cuts}
    for clip in clips.values():
        assert [word.text for word in clip.reference] == [word.text for word in clip.hypothesis] == ["ab", "a"]
        assert [piece for piece, _, _ in clip.curves] == ["a", "b", "▁", "a"]
