"""Score a trained model: python evaluate.py run=RUN_DIR [data.source=PATH] [split=NAME] [against=DIR]."""

from asr.commands.scripts import evaluate

if __name__ == "__main__":
    evaluate()
