"""How a command begins and ends: --help before anything heavy is imported, one line and a status where it fails."""

import errno
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from asr.configuration.search_path import take_config_dir
from asr.errors import UserError, one_line


def run_entry_point(name: str, work: Callable[..., object], arguments: Sequence[str] | None = None) -> None:
    """Compose conf/<name>.yaml with the command line and do the work with its values.

    Leaves with status 0, 2 (the user must mend something) or 130 (Ctrl-C). `arguments`: None for those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if show_help(name, arguments):
        return
    with exit_status():
        overrides = take_config_dir(arguments)
        if {"-m", "--multirun"} & set(overrides):
            raise UserError("-m: to run many, use python tune.py search=grid")
        from asr.configuration.compose import load_values

        work(load_values(name, overrides))


def show_help(name: str, arguments: Sequence[str]) -> bool:
    """Print what conf/<name>.yaml and its groups offer where `arguments` ask for it; whether they did."""
    if not {"-h", "--help"} & set(arguments):
        return False
    with exit_status():
        overrides = take_config_dir(arguments)
        from asr.configuration.help import help_text

        print(help_text(name, overrides))
    return True


class exit_status:  # noqa: N801 - reads as a statement: with exit_status(): …
    """Context that turns what went wrong into one line and an exit status."""

    def __enter__(self) -> None:
        threading.excepthook = print_unless_reraised

    def __exit__(self, kind, error, traceback) -> None:
        if error is None:
            return
        error = unwrap_hydra_error(error)
        if isinstance(error, UserError):
            exit_with(str(error), 2)
        disk = next((cause for cause in causes(error) if isinstance(cause, OSError)), None)
        if disk is not None and disk.errno in DISK_FULL:
            place = disk.filename or "the run"
            exit_with(f"no room on the disk for {place}: free some, then type the same command again", 2)
        if disk is not None and disk.errno in NOT_ALLOWED:
            exit_with(f"{disk.filename}: {disk.strerror}; make it writable, or give another place", 2)
        if isinstance(error, KeyboardInterrupt):
            exit_with(str(error) or "interrupted", 130)


DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def unwrap_hydra_error(error: BaseException) -> BaseException:
    """An error of Hydra or OmegaConf as a UserError that names the key; any other error as it is."""
    if "hydra" not in sys.modules and "omegaconf" not in sys.modules:
        return error
    from hydra.errors import InstantiationException
    from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        key = re.search(r"full_key: (\S+)", str(error))
        cause = error.__cause__
        if not isinstance(cause, UserError | InstantiationException):
            cause = UserError(f"{key.group(1) if key else 'configuration'}: {one_line(cause)}")
        error = cause
    if isinstance(error, MissingMandatoryValue):
        return UserError(f"{error.full_key}= has to be given")
    if isinstance(error, OmegaConfBaseException | InstantiationException):
        return UserError(one_line(error))
    return error


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from: TensorBoard's logger makes a ValueError of a full disk."""
    while error is not None:
        yield error
        error = error.__cause__


def print_unless_reraised(failure: threading.ExceptHookArgs) -> None:
    """Print an error of a thread unless it is an OSError: TensorBoard raises those again in the main thread."""
    if not isinstance(failure.exc_value, OSError):
        threading.__excepthook__(failure)


def exit_with(message: str, status: int) -> None:
    print(f"error: {message}" if status == 2 else message, file=sys.stderr)
    raise SystemExit(status)
