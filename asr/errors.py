"""What a person must mend, told apart from what is our fault."""


class UserError(Exception):
    """A fault in the input or the call: one clear line naming the file, utterance or key, and the remedy.

    Entry points print it without a traceback and exit with status 2.
    """
