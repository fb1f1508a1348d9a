"""The catalogue of metrics: one family a module, each metric a function plus its card.

To add a metric, write the function and its card in a family's module; everything else reads them from here.
"""

from __future__ import annotations

from perturbviz.errors import UserError
from perturbviz.metrics import (
    correlation,
    directions,
    distance,
    explained,
    expressed,
    hits,
    known,
    nonadditive,
    retrieval,
    spread,
    unexplained,
    weighted,
)
from perturbviz.metrics.cards import Card, Metric, Parameter, is_whole

FAMILIES = (
    distance,
    unexplained,
    weighted,
    correlation,
    explained,
    retrieval,
    known,
    expressed,
    hits,
    directions,
    spread,
    nonadditive,
)

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
    if value in parameter.choices:
        return metric, value
    if parameter.whole_numbers and is_whole(value) and int(value) > 0:
        return metric, str(int(value))
    number = " or a whole number above 0" if parameter.whole_numbers else ""
    raise UserError(f"{text[:60]!r}: {parameter.name} of {name} must be one of {', '.join(parameter.choices)}{number}.")


def canonical(text: str) -> str:
    """The one way to write a metric: ``id`` with its default parameter, ``id@value`` otherwise."""
    metric, value = parse_metric(text)
    parameter = metric.card.parameter
    return metric.card.id if parameter is None or value == parameter.default else f"{metric.card.id}@{value}"


__all__ = ["CATALOGUE", "Card", "Metric", "Parameter", "canonical", "parse_metric"]
