"""Which values a key of the configuration may have, checked before any data is read.

The kind of a value is that of its default in conf/. A whole number above 0 stands for whole numbers above 0, any other
number for any. The comment beside the key says where it is otherwise, in a part of its own between semicolons:
`lr: 0.001  # peak; above 0`. It may also say `null: …`, what null stands for, where another default is usual.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asr.errors import UserError

UNITS = ("_ms", "_db", "_seconds", "_gib", "minutes")  # words that end so may be fractions, though 25 is the default
# a number, a list or a word, as Lightning takes it; a range or a list where the default is the other
UNCHECKED_KEYS = {"trainer.devices", "search.space"}
NUMBER = r"-?\d+(?:\.\d+)?"
RANGE = re.compile(
    rf"(?P<any>any number)|(?P<whole>whole )?(?:numbers? )?(?:of )?"
    rf"(?:above (?P<above>{NUMBER})|(?P<least>{NUMBER}) or more|(?P<low>{NUMBER}) to (?P<high>{NUMBER}))"
)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` (itself not, where `open`) to `high`; whole: without fractions, None: as the default is."""

    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    whole: bool | None = None

    def __contains__(self, number: float) -> bool:
        return math.isfinite(number) and self.low <= number <= self.high and not (self.open and number == self.low)

    def __str__(self) -> str:
        if self.high < math.inf:
            return f" from {self.low:g} to {self.high:g}"
        if self.low > -math.inf:
            return f" above {self.low:g}" if self.open else f" of {self.low:g} or more"
        return ""


def check_values(defaults: Mapping, given: Mapping, comments: Mapping[str, str], prefix: str = "") -> None:
    """Raise UserError for the first value of `given` that is not of its default's kind, or out of range.

    `defaults` holds the same keys, and null where any kind will do; `comments` stand beside the keys in conf/.
    """
    for name, value in given.items():
        key, default = f"{prefix}{name}", defaults.get(name)
        if key in UNCHECKED_KEYS:
            continue
        if isinstance(value, Mapping):
            check_values(default if isinstance(default, Mapping) else value, value, comments, f"{key}.")
        elif value != default and (wanted := expected_value(key, default, value, comments.get(key, ""))):
            usual = "" if default is None or isinstance(default, Mapping) else f", such as {default}"
            raise UserError(f"{key}={'null' if value is None else value}: {wanted} is wanted{usual}")


def expected_value(key: str, default: Any, value: Any, comment: str) -> str | None:
    """What the value ought to be; None where it is that."""
    if isinstance(default, Mapping):
        group = f"{key.replace('.', '/')}=NAME"
        return f"a part with keys of its own ({key}.{next(iter(default), '…')}=…, or {group} where that is a group)"
    several = isinstance(value, list) and any(part.startswith("several:") for part in parts_of(comment))
    if default is not None and isinstance(default, list) != isinstance(value, list) and not several:
        return f"a list ({key}=[…])" if isinstance(default, list) else "one value, not a list,"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if value is None and (default is None or any(part.startswith("null:") for part in parts_of(comment))):
        return None
    usual = default[0] if isinstance(default, list) and default else default
    wanted = range_of(comment, usual)
    if wanted is None:
        return None
    is_whole = isinstance(usual, int) and not key.endswith(UNITS) if wanted.whole is None else wanted.whole
    numbers = value if isinstance(value, list) else [value]
    if all(is_number(n) and n in wanted and not (is_whole and isinstance(n, float)) for n in numbers):
        return None
    return f"a {'whole ' if is_whole else ''}number{wanted}"


def range_of(comment: str, default: Any) -> Range | None:
    """The numbers that a key's comment or default allows; None where it takes no numbers."""
    for found in filter(None, map(RANGE.fullmatch, parts_of(comment))):
        if found["any"]:
            return Range(whole=False)
        whole = True if found["whole"] else None
        if found["high"]:
            return Range(float(found["low"]), float(found["high"]), whole=bool(whole))
        low = found["above"] or found["least"]
        return Range(float(low), open=bool(found["above"]), whole=whole)
    if not is_number(default):
        return None
    return Range(0, open=default > 0) if isinstance(default, int) and default >= 0 else Range()


def parts_of(comment: str) -> list[str]:
    return [part.strip() for part in comment.split(";")]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
