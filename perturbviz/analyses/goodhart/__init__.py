"""Goodhart's law by hand: move a metric by transforming a prediction without knowing more, and see what it breaks."""

from perturbviz.analyses.goodhart.knobs import CARD, CARDS, USES, WORDS, KnobCard, Knobs, blend_name
from perturbviz.analyses.goodhart.transform import Allowed, Arena, game, transform, unavailable
from perturbviz.scoring.prepared import Setting

__all__ = [
    "CARD",
    "CARDS",
    "USES",
    "WORDS",
    "Allowed",
    "Arena",
    "KnobCard",
    "Knobs",
    "Setting",
    "blend_name",
    "game",
    "transform",
    "unavailable",
]
