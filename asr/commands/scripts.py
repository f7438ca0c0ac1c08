"""train.py, tune.py and evaluate.py, and `asr train | tune | evaluate`: their work is imported where it is begun."""

import sys

from asr.configuration.entry import show_help


def train(arguments: list[str] | None = None) -> None:
    """Train a model. Takes GROUP=CHOICE and KEY=VALUE; asr train --help lists them all."""
    arguments = or_typed(arguments)
    if not show_help("train", arguments):
        from asr.commands.train import main

        main(arguments)


def tune(arguments: list[str] | None = None) -> None:
    """Train many models, find the best configuration: search=NAME, and all that train takes."""
    arguments = or_typed(arguments)
    if not show_help("tune", arguments):
        from asr.commands.tune import main

        main(arguments)


def evaluate(arguments: list[str] | None = None) -> None:
    """Score a trained model: run=RUN_DIR, and for example data.source=PATH or against=RUN_DIR."""
    arguments = or_typed(arguments)
    if not show_help("evaluate", arguments):
        from asr.commands.evaluate import main

        main(arguments)


def or_typed(arguments: list[str] | None) -> list[str]:
    """Those given, or those of the command line."""
    return sys.argv[1:] if arguments is None else arguments
