"""The one exception that is meant for the person at the keyboard."""


class InputError(Exception):
    """Something the user gave cannot be used.

    The message says what is wrong, where (file, row or key) and what to do; it is printed without a traceback.
    """
