"""The one kind of error a user is shown: a sentence that says what is wrong, where, and what to do."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

LOG = logging.getLogger("perturbviz")


@dataclass(frozen=True)
class Choice:
    """A way out of a problem: what to say about a file, and how a button puts it.

    Attributes
    ----------
    option
        Field of :class:`perturbviz.readers.Options`.
    value
        What to set it to; what is there already stays where the field holds several.
    words
        Words of the button.
    """

    option: str
    value: str
    words: str


class UserError(ValueError):
    """Bad input or a request that cannot be met; its message is one clear sentence for the person who caused it.

    ``choices`` are the ways out that can be taken by a click; the sentence names them in the words of the command line.
    """

    def __init__(self, text: str = "", choices: Sequence[Choice] = ()):
        super().__init__(text)
        self.choices = tuple(choices)


def unexpected(name: str, what: str) -> UserError:
    """The sentence for what nobody expected of a file; ``what`` goes to the log under the number that it names."""
    return UserError(
        f"{name} cannot be read: something in it is not as expected (number {_log(name, what)} in the log)."
    )


def fault(name: str, what: str) -> UserError:
    """The sentence for a mistake of this program, where no file is to blame; ``what`` as for :func:`unexpected`."""
    return UserError(
        f"{name} stopped at a mistake of perturbviz, not yours: please report (number {_log(name, what)} in the log)."
    )


def _log(name: str, what: str) -> str:
    """Write it down; returns the number under which it is found."""
    number = secrets.token_hex(2)
    LOG.error("number %s: %s: %s", number, name, what)
    return number
