"""How far the times of a known text are from the truth; prints JSON.

    python -m bench.alignment --run RUN_DIR [--emodb FOLDER]

The run's dev and test sets are spoken again where it was trained on the embedded corpus: espeak-ng says when it begins
a word. With --emodb, a run that was trained on EmoDB is measured against the syllables that its makers marked by hand.
Errors are of the starts and ends of words; "frames" are CTC's path alone, "characters" the model of characters.
"""

import argparse
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lhotse import CutSet
from omegaconf import DictConfig, OmegaConf

from asr.audio.recording import load_audio
from asr.configuration.entry import exit_status
from asr.synthetic import espeak
from asr.synthetic.corpus import noise_of, plan_of
from asr.synthetic.voices import recorded
from asr.tasks.transcribe.ctc.alignment import align_batch
from asr.tasks.transcribe.ctc.loss import frames_needed
from asr.tasks.transcribe.decode.greedy import Hypothesis
from asr.tasks.transcribe.recognizer import Recognizer, pad_to_batch
from asr.tasks.transcribe.timing.words import Transcript
from asr.use.load import load_recognizer

BATCH = 30


@dataclass(frozen=True)
class Said:
    """A recording (S,), its normalised text, and (words, start, end) of every stretch of it whose times are known."""

    samples: np.ndarray
    text: str
    words: list[tuple[int, float, float]]


def synthetic(config: DictConfig, split: str) -> Iterator[Said]:
    """A held-out split of the embedded corpus with espeak-ng's own times."""
    made = config.data.synthetic
    counts = {"train": made.utterances, "dev": made.held_out_utterances, "test": made.held_out_utterances}
    voices = {"train": made.speakers, "dev": made.held_out_speakers, "test": made.held_out_speakers}
    plan = [each for each in plan_of(made.languages, None, counts, voices, made.seed) if each[0].split == split]
    speeches = [espeak.SpeechRequest(line.text, s.voice, s.rate, s.pitch, s.pitch_range) for line, s in plan]
    for (line, speaker), (samples, words) in zip(plan, espeak.speak_timed(speeches), strict=True):
        times = [(len(w.text.split()), w.start / espeak.SAMPLE_RATE, w.end / espeak.SAMPLE_RATE) for w in words]
        yield Said(recorded(samples, speaker, noise_of(line)), line.text, times)


def marked_by_hand(folder: Path, recognizer: Recognizer, cuts: CutSet) -> Iterator[Said]:
    """EmoDB's recordings whose marked syllables can be gathered into the words of their sentence."""
    for cut in cuts:
        marks = folder / "silb" / f"{cut.id}.silb"
        text = cut.supervisions[0].text
        lines = [line.split() for line in marks.read_text("latin-1").splitlines()] if marks.is_file() else []
        syllables = [(float(line[0]), re.sub(r"\W", "", line[1].lower())) for line in lines if len(line) == 2]
        words = gathered(syllables, text.split())
        if len(words) == len(text.split()):
            audio = load_audio(Path(cut.recording.sources[0].source), sample_rate=recognizer.sample_rate)
            yield Said(audio.samples, text, words)


def gathered(syllables: list[tuple[float, str]], words: list[str]) -> list[tuple[int, float, float]]:
    """Syllables (start, text), empty ones where nobody speaks -> the words, as far as they fit."""
    found: list[tuple[int, float, float]] = []
    place = 0
    for word, following in zip(words, [*words[1:], None], strict=True):
        while place < len(syllables) and not syllables[place][1]:
            place += 1
        if place == len(syllables) or not word.startswith(syllables[place][1]):
            return found
        start, spelled = syllables[place]
        place += 1
        while place < len(syllables) and (syllable := syllables[place][1]):
            goes_on = word.startswith(spelled + syllable)
            if not goes_on and following and following.startswith(syllable):
                break
            spelled, place = spelled + syllable, place + 1  # one that fits neither is a slurred ending: "hn" of gehen
        if place == len(syllables):
            return found
        found.append((1, start, syllables[place][0]))
    return found


def errors(transcripts: list[Transcript], said: list[Said]) -> np.ndarray:
    """Differences (N,) in seconds of all starts and ends of words."""
    found = []
    for transcript, truth in zip(transcripts, said, strict=True):
        place = 0
        for count, start, end in truth.words:
            first, last = transcript.words[place], transcript.words[place + count - 1]
            found += [first.start - start, last.end - end]
            place += count
    return np.array(found)


def measured(recognizer: Recognizer, said: list[Said]) -> dict:
    """Errors of CTC's frames alone and of the model of characters."""
    timing, result = recognizer.timing, {"utterances": len(said), "words": sum(len(each.words) for each in said)}
    for name, recognizer.timing in (("frames", None), ("characters", timing)):
        begun = time.perf_counter()
        transcripts = [
            transcript
            for start in range(0, len(said), BATCH)
            for transcript in aligned(recognizer, said[start : start + BATCH])
        ]
        taken = time.perf_counter() - begun
        off = np.abs(errors(transcripts, said))
        result[name] = {
            "median_ms": round(1000 * float(np.median(off)), 1),
            "p90_ms": round(1000 * float(np.quantile(off, 0.9)), 1),
            "audio_seconds_per_second": round(sum(len(each.samples) for each in said) / recognizer.sample_rate / taken),
        }
    return result


def fits(recognizer: Recognizer, said: Said) -> bool:
    """Whether there are as many frames as CTC needs."""
    frames = int(recognizer.model.frames_of(torch.tensor(len(said.samples))))
    return frames >= frames_needed(recognizer.tokenizer.encode(said.text))


@torch.inference_mode()
def aligned(recognizer: Recognizer, said: list[Said]) -> list[Transcript]:
    waveform, lengths = pad_to_batch([each.samples for each in said])
    tokens = [recognizer.tokenizer.encode(each.text) for each in said]
    counts = torch.tensor([len(each) for each in tokens])
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(each) for each in tokens], batch_first=True)
    found = align_batch(*recognizer.model(waveform, lengths), padded, counts)
    hypotheses = [
        Hypothesis(each, found[row].starts, found[row].ends, found[row].confidences) for row, each in enumerate(tokens)
    ]
    return recognizer.with_word_times(hypotheses, waveform, lengths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--emodb", type=Path, default=None)
    arguments = parser.parse_args()
    with exit_status():
        torch.set_num_threads(2)
        recognizer = load_recognizer(arguments.run / "model")
        config = OmegaConf.load(arguments.run / "config.yaml")
        result: dict = {"frame_ms": round(1000 * recognizer.model.frame_s)}
        for split in ("dev", "test"):
            if arguments.emodb is None:
                said = list(synthetic(config, split))
            else:
                cuts = CutSet.from_file(arguments.run / "data" / f"{split}.jsonl.gz")
                said = list(marked_by_hand(arguments.emodb, recognizer, cuts))
            result[split] = measured(recognizer, [each for each in said if fits(recognizer, each)])
        print(json.dumps(result))


if __name__ == "__main__":
    main()
