"""Before the first step: leave out what CTC cannot align, and fit what has to be fitted to the corpus."""

from itertools import islice

import torch
from lhotse import CutSet
from torch.utils.data import DataLoader

from asr.ctc.loss import required_frames
from asr.data.utterance import Rejection
from asr.features import CorpusNormalization
from asr.model import AcousticModel
from asr.text.tokenizer import Tokenizer

BATCHES_FOR_NORMALIZATION = 200


def leave_out_infeasible(
    cuts: CutSet, model: AcousticModel, tokenizer: Tokenizer
) -> tuple[CutSet, list[Rejection]]:
    """Training cuts with at least as many output frames as tokens and repeats, and a Rejection for each other one."""
    kept, rejected = [], []
    for cut in cuts:
        tokens = torch.tensor([tokenizer.encode(cut.supervisions[0].text)])
        needed = int(required_frames(tokens, torch.tensor([tokens.shape[1]])))
        frames = int(model.frames_of(torch.tensor(cut.num_samples)))
        if frames >= needed:
            kept.append(cut)
            continue
        rejected.append(
            Rejection(
                cut.id,
                cut.recording.sources[0].source if cut.has_recording else "",
                "train",
                "ctc_infeasible",
                f"{cut.duration:.2f} s make {frames} frames, the transcript needs {needed}",
                "check the transcript, or lower encoder.subsampling.factor, or use tokenizer=bpe",
            )
        )
    return CutSet.from_cuts(kept), rejected


def fit_normalization(features, batches: DataLoader) -> None:
    """Give a CorpusNormalization its mean and deviation from the training data."""
    if isinstance(features.normalization, CorpusNormalization):
        chosen = islice(batches, BATCHES_FOR_NORMALIZATION)
        with torch.no_grad():
            features.normalization.fit(features.raw(batch.waveform, batch.lengths) for batch in chosen)
