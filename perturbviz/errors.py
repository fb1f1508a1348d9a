"""The one kind of error a user is shown: a sentence that says what is wrong, where, and what to do."""

import logging
import secrets

LOG = logging.getLogger("perturbviz")


class UserError(ValueError):
    """Bad input or a request that cannot be met; its message is one clear sentence for the person who caused it."""


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
