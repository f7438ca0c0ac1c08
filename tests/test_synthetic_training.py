"""A recogniser is really trained on the embedded corpus: spoken words, voices and sentences that it never heard."""

from asr.configuration import load_configuration
from train import train


def test_half_a_minute_on_the_embedded_corpus_leaves_the_plateau(tmp_path, monkeypatch):
    """What the demo does in minutes, cut short: well under the 100 % of a model that emits blanks or noise."""
    config = load_configuration(
        "train",
        [
            "experiment=demo",
            f"run_dir={tmp_path / 'run'}",
            "budget.minutes=1.2",
            "trainer.precision=32-true",
            "encoder=bilstm",
            "encoder.layers=2",
            "+encoder.units=128",
            "augment=none",
            "data.batch_seconds=20",
        ],
    )
    metrics = train(config)
    assert metrics["test"]["wer"] < 0.6
    assert metrics["test"]["cer"] < 0.3
