"""Score a trained model: python evaluate.py run=RUN_DIR [data.source=PATH] [split=NAME] [against=DIR]."""

from asr.commands.evaluate import main

if __name__ == "__main__":
    main()
