"""Errors that the user has to mend, as opposed to faults of the program."""


class Interrupted(KeyboardInterrupt):
    """A signal ended the work; says what is kept and how to go on. Entry points exit with status 130."""


class UserError(Exception):
    """A fault in the input or the call: one clear line naming the file, utterance or key, and the remedy.

    Entry points print it without a traceback and exit with status 2.
    """


class Infeasible(UserError):
    """A model that cannot align too much of its training data: more frames or fewer tokens are needed."""


def one_line(error: BaseException) -> str:
    """What an error says, without its line breaks."""
    return " ".join(str(error).split())
