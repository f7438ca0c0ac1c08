"""Run a recogniser over a set of utterances: what it heard beside what was said, and the score."""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from lhotse import CutSet

from asr.data.batches import Batch
from asr.errors import UserError
from asr.evaluation.plots import Example
from asr.evaluation.wer import Score, score
from asr.recognizer import Recognizer
from asr.writing import write_whole


def transcribe_set(recognizer: Recognizer, batches: Iterable[Batch], device="cpu") -> dict[str, str]:
    """Utterance id -> text, for every utterance of the batches."""
    recognizer.model.to(device)
    texts: dict[str, str] = {}
    for batch in batches:
        for name, problem in batch.unreadable.items():
            raise UserError(f"{name}: {problem.detail} (it could be decoded before); {problem.remedy}")
        hypotheses = recognizer.decode(batch.waveform.to(device), batch.lengths.to(device))
        texts.update(zip(batch.ids, map(recognizer.text_of, hypotheses), strict=True))
    return texts


def score_set(cuts: CutSet, texts: dict[str, str], split: str, seed: int) -> tuple[Score, list[dict]]:
    """The score of a split and its lines of hypotheses.jsonl."""
    cuts = list(cuts)
    spoken = [cut.supervisions[0] for cut in cuts]
    references = [supervision.text for supervision in spoken]
    heard = [texts[cut.id] for cut in cuts]
    result = score(references, heard, [supervision.speaker for supervision in spoken], seed)
    lines = [
        {
            "id": cut.id,
            "split": split,
            "reference": reference,
            "hypothesis": hypothesis,
            "wer": round(wer, 4),
            "duration": round(cut.duration, 3),
            "speaker": cut.supervisions[0].speaker,
        }
        for cut, reference, hypothesis, wer in zip(cuts, references, heard, result.per_utterance_wer, strict=True)
    ]
    return result, lines


def write_lines(path: Path, lines: Iterable[dict]) -> None:
    """JSON lines, whole or not at all."""
    write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


@torch.inference_mode()
def examples_of(recognizer: Recognizer, batch: Batch) -> list[Example]:
    """Everything there is to hear and see of a batch's utterances."""
    device = next(recognizer.model.parameters()).device
    waveform, lengths = batch.waveform.to(device), batch.lengths.to(device)
    frames, frame_counts = recognizer.model.features(waveform, lengths)
    log_probs, counts = recognizer.model(waveform, lengths)
    pieces = [recognizer.tokenizer.piece(index) for index in range(recognizer.tokenizer.size)]
    return [
        Example(
            name,
            text,
            recognizer.text_of(hypothesis),
            batch.waveform[row, : batch.lengths[row]].cpu().numpy(),
            recognizer.sample_rate,
            frames[row, : frame_counts[row]].float().detach().cpu().numpy(),
            log_probs[row, : counts[row]].exp().float().detach().cpu().numpy(),
            pieces,
        )
        for row, (name, text, hypothesis) in enumerate(
            zip(batch.ids, batch.texts, recognizer.decoder(log_probs, counts), strict=True)
        )
    ]
