"""Train a speech recogniser from scratch with CTC, on your own recordings, and know how good it is.

recognizer = asr.load("runs/demo/conformer-log_mel/model")
recognizer.transcribe(["a.wav"])[0].text
"""

__version__ = "0.1.0"


def load(folder):
    """Open a trained model's folder: `asr.use.load.load`, imported when it is first needed."""
    from asr.use.load import load

    return load(folder)
