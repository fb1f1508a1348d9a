"""What can go wrong on the way from cells to pseudobulk."""

from perturbviz.errors import UserError


class AggregateError(UserError):
    """The cells cannot be aggregated as asked; the message is one sentence for the person who asked."""


class AggregateCancelledError(Exception):
    """The caller stopped the aggregation; nothing was written."""


class EmptyCellError(AggregateError):
    """A cell of which every value is missing: no measurement, to be left out."""
