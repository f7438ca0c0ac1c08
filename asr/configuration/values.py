"""Which values a key of the configuration may have, told before anything is read.

The kind of a value is that of its default. Ranges go by a key's last word, so that they hold for parts yet to come.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from asr.errors import UserError

POSITIVE = {
    *(
        "epochs",
        "minutes",
        "total_minutes",
        "trials",
        "folds",
        "fold",
        "lr",
        "gradient_norm",
        "patience",
        "examples",
        "num_nodes",
    ),
    *("accumulate_grad_batches", "check_val_every_n_epoch", "log_every_n_steps"),
    *("sample_rate", "batch_seconds", "batch_utterances", "max_utterance_seconds", "vocabulary_size"),
    *("window_ms", "hop_ms", "mels", "coefficients", "delta_window", "factor", "factors"),
    *("beam", "tokens_per_frame"),
    *("dim", "units", "layers", "heads", "feed_forward", "channels", "blocks", "kernel_frames"),
}
NOT_NEGATIVE = {"seed", "workers", "cache_gib", "warmup_steps", "weight_decay", "deltas", "context", "time_masks"}
SHARES = {  # from 0 to 1
    *("dev_fraction", "test_fraction", "max_rejected", "augment_from", "average_decay", "final_share"),
    *("train_share", "time_share", "frequency_share", "probability", "dropout"),
}
UNITS = ("_ms", "_db", "_seconds", "_gib", "minutes")  # words that end so may be fractions, though 25 is the default
# null in conf/train.yaml or conf/data/default.yaml, though an experiment may set them
NULLABLE = {"minutes", "patience", "batch_utterances", "workers", "sample_rate", "trials", "unknown_penalty", "folds"}
# a number, a list or a word, as Lightning takes it; a range or a list where the default is the other
ANY = {"trainer.devices", "search.space"}


def check_values(defaults: Mapping, given: Mapping, prefix: str = "") -> None:
    """Raise UserError for the first value of `given` that is not of its default's kind, or out of range.

    `defaults` holds the same keys, and null where any kind will do.
    """
    for name, value in given.items():
        key, default = f"{prefix}{name}", defaults.get(name)
        if key in ANY:
            continue
        if isinstance(value, Mapping):
            check_values(default if isinstance(default, Mapping) else value, value, f"{key}.")
        elif value != default and (wanted := wanted_instead(key, default, value)):
            usual = "" if default is None or isinstance(default, Mapping) else f", such as {default}"
            raise UserError(f"{key}={'null' if value is None else value}: {wanted} is wanted{usual}")


def wanted_instead(key: str, default: Any, value: Any) -> str | None:
    """What the value ought to be; None where it is that."""
    word = key.rpartition(".")[2]
    if isinstance(default, Mapping):
        group = f"{key.replace('.', '/')}=NAME"
        return f"a part with keys of its own ({key}.{next(iter(default), '…')}=…, or {group} where that is a group)"
    if default is not None and isinstance(default, list) != isinstance(value, list):
        return f"a list ({key}=[…])" if isinstance(default, list) else "one value, not a list,"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    usual = default[0] if isinstance(default, list) and default else default
    if value is None and (default is None or word in NULLABLE):
        return None
    if not (word in POSITIVE | NOT_NEGATIVE | SHARES or is_number(usual)):
        return None
    whole = not (isinstance(usual, float) or word in SHARES or word.endswith(UNITS))
    interval, holds = interval_of(word)
    numbers = value if isinstance(value, list) else [value]
    if all(is_number(n) and not (whole and isinstance(n, float)) and holds(n) for n in numbers):
        return None
    return f"a {'whole ' if whole else ''}number{interval}"


def interval_of(word: str) -> tuple[str, Callable[[float], bool]]:
    """How the interval of a key's numbers reads, and whether a number lies in it."""
    if word in POSITIVE:
        return " above 0", lambda number: 0 < number < math.inf
    if word in NOT_NEGATIVE:
        return " of 0 or more", lambda number: 0 <= number < math.inf
    if word in SHARES:
        return " from 0 to 1", lambda number: 0 <= number <= 1
    return "", math.isfinite


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
