"""Greedy transcripts by an exported model, without torch: python onnx_transcribe.py model.onnx a.wav …

Needs numpy, onnxruntime and soundfile, and recordings at the model's sample rate.
"""

import json
import sys

import numpy as np
import onnxruntime
import soundfile

BLANK = 0
BATCH = 8  # recordings at once


def main(model: str, paths: list[str]) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    rate, tokens = int(facts["sample_rate"]), json.loads(facts["tokens"])
    for start in range(0, len(paths), BATCH):
        recordings = [samples_of(path, rate) for path in paths[start : start + BATCH]]
        lengths = np.array([len(samples) for samples in recordings])
        waveform = np.zeros((len(recordings), lengths.max()), np.float32)
        for row, samples in zip(waveform, recordings, strict=True):
            row[: len(samples)] = samples
        log_probs, frames = session.run(None, {"waveform": waveform, "lengths": lengths})
        for path, scores, count in zip(paths[start:], log_probs, frames, strict=False):
            print(f"{path}\t{text_of(scores[:count], tokens)}")


def samples_of(path: str, rate: int) -> np.ndarray:
    """(S,) samples in [-1, 1], channels averaged."""
    samples, recorded_at = soundfile.read(path, dtype="float32", always_2d=True)
    if recorded_at != rate:
        raise SystemExit(f"{path}: {recorded_at} Hz; this model takes {rate} Hz")
    return samples.mean(axis=1)


def text_of(log_probs: np.ndarray, tokens: list[str]) -> str:
    """The likeliest token of every frame, repeats merged, blanks removed."""
    best = log_probs.argmax(axis=1)
    first = np.append(True, best[1:] != best[:-1])
    pieces = [tokens[token] for token in best[first] if token != BLANK]
    return " ".join("".join(pieces).replace("▁", " ").split())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
