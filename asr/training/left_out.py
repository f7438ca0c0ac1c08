"""Utterances that cannot be learnt are left out before training; those left out by single steps are named after it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from lhotse import CutSet

from asr.corpus.corpus import StreamedSplit
from asr.corpus.utterance import Rejection
from asr.model.speech_model import SpeechModel
from asr.task import Task
from asr.training.module import Training


def leave_out_unusable(
    cuts: CutSet | StreamedSplit, model: SpeechModel, task: Task
) -> tuple[CutSet | StreamedSplit, list[Rejection]]:
    """Training cuts that can be learnt, with enough output frames for their targets, and a Rejection for each other.

    A streamed split is returned as it is: its utterances are checked in the training steps.
    """
    if not isinstance(cuts, CutSet):
        return cuts, []
    kept, rejected = [], []
    for cut in cuts:
        why = task.why_unlearnable(cut.supervisions[0].text, int(model.frames_of(torch.tensor(cut.num_samples))))
        if why is None:
            kept.append(cut)
            continue
        detail = f"{cut.duration:.2f} s make {why.detail}" if why.of_frames else why.detail
        remedy = f"check the transcript, or {why.remedy}" if why.of_frames else why.remedy
        rejected.append(Rejection(cut.id, audio_source(cut), "train", why.reason, detail, remedy))
    return CutSet.from_cuts(kept), rejected


def left_out_in_training(module: Training, cuts: CutSet | StreamedSplit) -> list[Rejection]:
    """A Rejection for each training utterance that steps had to leave out, though other steps may have used it."""
    names = {**module.left_out, **module.not_finite, **module.unreadable}
    sources = (
        {cut.id: audio_source(cut) for cut in cuts if cut.id in names} if isinstance(cuts, CutSet) and names else {}
    )

    def rejected(name: str, reason: str, detail: str, remedy: str) -> Rejection:
        return Rejection(name, sources.get(name, ""), "train", reason, detail, remedy)

    found = []
    for name, (steps, frames, target) in module.left_out.items():
        why = module.task.why_unlearnable(target, frames)
        assert why is not None, "a loss leaves out what its task calls unusable"
        if why.of_frames:
            detail = f"left out of {steps_in_words(steps)} after augmentation: {why.detail}"
            found.append(rejected(name, why.reason, detail, f"take speed out of augment, or {why.remedy}"))
        else:
            found.append(rejected(name, why.reason, f"not trained on: {why.detail}", why.remedy))
    for name, steps in module.not_finite.items():
        detail = f"in {steps_in_words(steps)} that were left out: the loss or gradient was not finite"
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


def audio_source(cut) -> str:
    return cut.recording.sources[0].source


def steps_in_words(steps: int) -> str:
    return f"{steps} training step{'s' if steps > 1 else ''}"
