"""Which values a key of the configuration may have, told before anything is read.

The kind of a value is that of its default. Ranges go by a key's last word, so that they hold for parts yet to come.
"""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

from asr.errors import UserError

POSITIVE = frozenset(
    "epochs minutes batch_seconds batch_utterances sample_rate max_utterance_seconds accumulate_grad_batches "
    "check_val_every_n_epoch log_every_n_steps num_nodes gradient_norm patience examples trials lr vocabulary_size "
    "window_ms hop_ms mels coefficients delta_window dim units layers heads feed_forward channels blocks kernel_frames "
    "factor factors".split()
)
NOT_NEGATIVE = frozenset("seed workers cache_gib warmup_steps weight_decay deltas context time_masks".split())
SHARES = frozenset(  # from 0 to 1
    "dev_fraction test_fraction max_rejected average_decay final_share time_share frequency_share probability "
    "dropout".split()
)
UNITS = ("_ms", "_db", "_seconds", "_gib", "minutes")  # words that end so may be fractions, though 25 is the default
ANY = frozenset({"trainer.devices"})  # a number, a list or a word, as Lightning takes it


def check_values(defaults: Mapping, given: Mapping, prefix: str = "") -> None:
    """Raise UserError for the first value of `given` that is not of its default's kind, or out of range.

    `defaults` holds the same keys, and null where any kind will do.
    """
    wholes = whole_numbers(given.get("_target_"))
    for name, value in given.items():
        key, default = f"{prefix}{name}", defaults.get(name)
        if isinstance(value, Mapping):
            check_values(default if isinstance(default, Mapping) else value, value, f"{key}.")
        elif key not in ANY:
            wanted = kind_wanted(key, default, value, wholes)
            if wanted:
                raise UserError(f"{key}={shown(value)}: {wanted} is wanted{usual(default)}")


def kind_wanted(key: str, default: Any, value: Any, wholes: frozenset[str]) -> str | None:
    """What the value ought to be, where it is not; ranges are looked at too."""
    word = key.rpartition(".")[2]
    if isinstance(default, Mapping):
        inner = next(iter(default), "…")
        return f"a part of its own ({key}.{inner}=…, or {key.replace('.', '/')}=CHOICE where it is a group)"
    if isinstance(default, list) != isinstance(value, list) and default is not None:
        return f"a list, {key}=[…]," if isinstance(default, list) else "a single value"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    measured = word in POSITIVE | NOT_NEGATIVE | SHARES
    if is_number(default) or (isinstance(default, list) and default and all(map(is_number, default))):
        measured = True
    if not measured or (value is None and default is None):
        return None
    first = default[0] if isinstance(default, list) and default else default
    whole = word in wholes or not (isinstance(first, float) or word.endswith(UNITS) or word in SHARES)
    range_, holds = range_of(word)
    for number in numbers(value):
        if not is_number(number) or (whole and not isinstance(number, int)) or not holds(number):
            return f"a {'whole ' if whole else ''}number{range_}"
    return None


def range_of(word: str):
    """How the range of a number reads, and whether a number is in it."""
    if word in POSITIVE:
        return " above 0", lambda number: 0 < number < math.inf
    if word in NOT_NEGATIVE:
        return " of 0 or more", lambda number: 0 <= number < math.inf
    if word in SHARES:
        return " from 0 to 1", lambda number: 0 <= number <= 1
    return "", math.isfinite


def whole_numbers(target: object) -> frozenset[str]:
    """The arguments that the constructor `target` takes as int."""
    from hydra.utils import get_object

    try:
        arguments = inspect.signature(get_object(str(target))).parameters.values()
    except Exception:  # no constructor, or none that can be asked: instantiate will tell
        return frozenset()
    return frozenset(argument.name for argument in arguments if argument.annotation in (int, "int"))


def numbers(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Any) -> str:
    return "null" if value is None else str(value)


def usual(default: Any) -> str:
    return "" if default is None or isinstance(default, Mapping) else f", such as {default}"
