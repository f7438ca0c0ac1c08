"""What CTC cannot align is left out before the first step, what augmentation makes so is named after the last one."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import torch
from lhotse import CutSet
from torch.utils.data import DataLoader

from asr.corpus.corpus import Streamed
from asr.corpus.utterance import Rejection
from asr.model.features import CorpusNormalization
from asr.model.speech_model import AcousticModel
from asr.tasks.transcribe.ctc.loss import frames_needed
from asr.tasks.transcribe.text.tokenizer import Tokenizer
from asr.training.module import CTCTraining

BATCHES_FOR_NORMALIZATION = 200
REMEDY = "lower encoder.subsampling.factor, or use tokenizer=bpe"  # more frames, fewer tokens


def leave_out_infeasible(
    cuts: CutSet | Streamed, model: AcousticModel, tokenizer: Tokenizer
) -> tuple[CutSet | Streamed, list[Rejection]]:
    """Training cuts with at least as many output frames as tokens and repeats, and a Rejection for each other one.

    What is read as training goes is left to its steps.
    """
    if not isinstance(cuts, CutSet):
        return cuts, []
    kept, rejected = [], []
    for cut in cuts:
        needed = frames_needed(tokenizer.encode(cut.supervisions[0].text))
        frames = int(model.frames_of(torch.tensor(cut.num_samples)))
        if frames >= needed:
            kept.append(cut)
            continue
        detail = f"{cut.duration:.2f} s make {frames} frames, the transcript needs {needed}"
        remedy = f"check the transcript, or {REMEDY}"
        rejected.append(Rejection(cut.id, source_of(cut), "train", "ctc_infeasible", detail, remedy))
    return CutSet.from_cuts(kept), rejected


def left_out_in_training(module: CTCTraining, cuts: CutSet | Streamed) -> list[Rejection]:
    """A Rejection for each training utterance that steps had to leave out, though other steps may have used it."""
    names = {**module.infeasible, **module.not_finite, **module.unknown, **module.unreadable}
    sources = {cut.id: source_of(cut) for cut in cuts if cut.id in names} if isinstance(cuts, CutSet) and names else {}

    def rejected(name: str, reason: str, detail: str, remedy: str) -> Rejection:
        return Rejection(name, sources.get(name, ""), "train", reason, detail, remedy)

    found = []
    for name, (steps, frames, needed) in module.infeasible.items():
        detail = f"left out of {counted(steps)} after augmentation: {frames} frames, the transcript needs {needed}"
        found.append(rejected(name, "ctc_infeasible", detail, f"take speed out of augment, or {REMEDY}"))
    for name, characters in module.unknown.items():
        detail = f"not trained on: the model cannot write {characters}, as no transcript that it learnt its tokens from"
        found.append(rejected(name, "unknown_characters", detail, "mend the transcript, or have text.… fold it"))
    for name, steps in module.not_finite.items():
        detail = f"in {counted(steps)} that were left out: the loss or gradient was not finite"
        remedy = "listen to it and check its transcript, or lower optimizer.lr, or set trainer.precision=32-true"
        found.append(rejected(name, "not_finite", detail, remedy))
    for name, problem in module.unreadable.items():
        found.append(rejected(name, problem.reason, f"during training: {problem.detail}", problem.remedy))
    return found


def note_of_left_out(rejected: Sequence[Rejection], file: Path) -> str | None:
    """How many utterances training left out, and why, in one line."""
    if not rejected:
        return None
    counts = Counter(each.reason for each in rejected)
    reasons = ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
    return f"left out of training, always or in some steps: {len(rejected)} ({reasons}), see {file}"


def source_of(cut) -> str:
    return cut.recording.sources[0].source


def counted(steps: int) -> str:
    return f"{steps} training step{'s' if steps > 1 else ''}"


def fit_normalization(features, batches: DataLoader) -> None:
    """Give a CorpusNormalization its mean and deviation from the training data."""
    if isinstance(features.normalization, CorpusNormalization):
        chosen = islice(batches, BATCHES_FOR_NORMALIZATION)
        with torch.no_grad():
            features.normalization.fit(features.raw(batch.waveform, batch.lengths) for batch in chosen)
