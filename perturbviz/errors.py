"""The one kind of error a user is shown: a sentence that says what is wrong, where, and what to do."""

import logging
import secrets

LOG = logging.getLogger("perturbviz")


class UserError(ValueError):
    """Bad input or a request that cannot be met; its message is one clear sentence for the person who caused it."""


def unexpected(name: str, what: str) -> UserError:
    """The sentence for what nobody expected of a file; ``what`` goes to the log under the number that it names."""
    number = secrets.token_hex(2)
    LOG.error("number %s: %s: %s", number, name, what)
    return UserError(f"{name} cannot be read: something in it is not as expected (number {number} in the log).")
