"""The catalogue of metrics: one family a module, each metric a function plus its card.

To add a metric, write the function and its card in a family's module; everything else reads them from here.
"""

from __future__ import annotations

from perturbviz.errors import UserError
from perturbviz.metrics import correlation, distance, explained, retrieval
from perturbviz.metrics.cards import Card, Metric, Parameter

FAMILIES = (distance, correlation, explained, retrieval)

CATALOGUE: dict[str, Metric] = {m.card.id: m for family in FAMILIES for m in family.METRICS}


def parse_metric(text: str) -> tuple[Metric, str]:
    """Metric and parameter value of ``id`` or ``id@value``; raises :class:`UserError` naming what exists.

    The value is "" for a metric without a parameter and the default where none is written.
    """
    name, _, value = text.partition("@")
    if name not in CATALOGUE:
        raise UserError(f"There is no metric {name!r}; there are: {', '.join(CATALOGUE)}.")
    metric = CATALOGUE[name]
    parameter = metric.card.parameter
    if parameter is None:
        if value:
            raise UserError(f"{name} takes no parameter, but {text!r} gives one.")
        return metric, ""
    value = value or parameter.default
    if parameter.choices and value not in parameter.choices:
        raise UserError(f"{text!r}: {parameter.name} of {name} must be one of {', '.join(parameter.choices)}.")
    if not parameter.choices and not (value.isdecimal() and int(value) > 0):
        raise UserError(f"{text!r}: {parameter.name} of {name} must be a whole number above 0.")
    return metric, value


__all__ = ["CATALOGUE", "Card", "Metric", "Parameter", "parse_metric"]
