"""The one kind of error a user is shown: a sentence that says what is wrong, where, and what to do."""


class UserError(ValueError):
    """Bad input or a request that cannot be met; its message is one clear sentence for the person who caused it."""
