"""A recogniser is really trained on the embedded corpus: spoken words, voices and sentences that it never heard."""

from asr.commands.train import train
from asr.configuration.compose import load_values


def test_a_minute_on_the_embedded_corpus_leaves_the_plateau(tmp_path):
    """A part of what the demo does: far below the 100 % of a model that emits blanks or noise."""
    chosen = ["experiment=demo", "data.synthetic.utterances=500", "budget.epochs=12", "budget.minutes=null"]
    metrics = train(load_values("train", [*chosen, f"run_dir={tmp_path / 'run'}"]))
    assert metrics["test"]["utterances"] == 90
    assert metrics["test"]["wer"] < 0.7
    assert metrics["test"]["cer"] < 0.6
