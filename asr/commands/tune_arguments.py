"""What is typed after tune.py: its own settings, and the overrides of train.py that hold for every training."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from omegaconf import DictConfig

from asr.configuration.compose import all_keys, compose_quietly, load_configuration
from asr.configuration.overrides import names_in
from asr.errors import UserError

KEYS_OF_TRAIN_TOO = (
    "budget",
)  # groups of keys that tune.py and train.py share; only what conf/tune.yaml names is tune.py's


def own_and_train(arguments: Sequence[str]) -> tuple[DictConfig, list[str]]:
    """This command's configuration, and the overrides that are train.py's; UserError for a mistyped key."""
    keys = all_keys(compose_quietly("tune", []))
    parts = {key.partition(".")[0] for key in keys} - set(KEYS_OF_TRAIN_TOO)

    def is_own(argument: str) -> bool:
        key = argument.partition("=")[0].lstrip("+~")
        return key in keys or key.partition(".")[0] in parts

    own = [argument for argument in arguments if is_own(argument)]
    passed_on = [argument for argument in arguments if not is_own(argument)]
    for argument in passed_on:
        meant = get_close_matches(argument.partition("=")[0], keys, n=1, cutoff=0.75)
        known = set(all_keys(compose_quietly("train", []))) if meant else set()
        if meant and argument.partition("=")[0] not in known:
            raise UserError(f"{argument}: no such key; did you mean {meant[0]}?")
    load_configuration("train", passed_on)
    config = load_configuration("tune", own)
    if config.name is None:
        searches = [argument.partition("=")[2] for argument in own if argument.startswith("search=")]
        name = "-".join(names_in(searches[-1])) if searches else config.choices.search
        config = load_configuration("tune", [*own, f"name={name}"])
    return config, passed_on


def with_shared_audio(config: DictConfig, overrides: list[str]) -> list[str]:
    """Have several workers map one copy of the decoded audio, where the command does not say otherwise."""
    if config.workers < 2 or any(each.startswith(("data.cache_", "data.workers=")) for each in overrides):
        return overrides
    folder = Path(config.run_dir or f"runs/tuning/{config.name}").absolute() / "audio"
    return [*overrides, f"data.cache_dir={folder}", "data.cache_gib=0", "data.workers=0"]
