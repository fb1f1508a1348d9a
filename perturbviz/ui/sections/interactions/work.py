"""What every section of the Interactions page works on, and the controls they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from perturbviz.analyses.interactions.pairs import Pairs
from perturbviz.analyses.interactions.threshold import Kind, Threshold
from perturbviz.panels.interactions import labels
from perturbviz.panels.look import Look
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui import choose
from perturbviz.ui.current import Current

LEVELS = {"0.001": "0.001", "0.01": "0.01", "0.02": "0.02", "": "0.05", "0.1": "0.10", "0.2": "0.20"}
CALLS = {"50": "50", "100": "100", "200": "200", "": "500", "1000": "1,000", "2000": "2,000", "5000": "5,000"}
SIDES = {"": "both sides", "synergy": "above additive", "suppression": "below additive"}


@dataclass(frozen=True, eq=False)
class Work:
    """View, pairs and threshold of this run."""

    current: Current
    question: cache.Question
    every: Pairs
    pairs: Pairs
    threshold: Threshold

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods that are switched on."""
        return self.current.shown

    @property
    def names(self) -> Mapping[str, str]:
        """Method -> display name; "truth" for the observation."""
        return labels(self.look)

    @property
    def colours(self) -> Mapping[str, str]:
        """Method -> colour."""
        return self.current.colours

    @property
    def look(self) -> Look:
        """Names and colours of all methods."""
        return self.current.look

    @property
    def token(self) -> str:
        """Mark of the state shown."""
        return self.current.token


def option(label: str, key: str, options: Mapping[str, str], help: str | None = None, *, slider: bool = False) -> str:
    """A choice that can stand in the link; "" is the default and stays out of it."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = ""
    draw = choose.select_slider if slider else choose.segmented_control
    return draw(label, options, key=key, words=options, help=help, persist_state="session") or ""


def choice(
    label: str, key: str, options: list[str], default: str, names: Mapping[str, str], help: str | None = None
) -> str:
    """A select box that can stand in the link; an unknown value gives way to the default."""
    if st.session_state.get(key) not in options:
        st.session_state[key] = default
    return choose.selectbox(
        label, options, key=key, words=lambda o: names.get(o, o), help=help, persist_state="session"
    )


def number_of_calls() -> int:
    """The slider of the number of top calls."""
    return int(
        option(
            "Top calls per split",
            "calls",
            CALLS,
            "Pairs ordered by |predicted deviation|; the paper takes 500.",
            slider=True,
        )
        or 500
    )


def rule_controls(question: cache.Question) -> cache.Rule:
    """Controls of the threshold: size or significance, fitted at a local fdr or set by hand."""
    every = cache.every(question)
    unknown = every.se if isinstance(every.se, str) else ""
    left, middle, right = st.columns([1.3, 1.2, 2], gap="medium", vertical_alignment="top")
    with left:
        # the usual rule of these data stays out of the link
        usual = {"": "size", "z": "significance"} if unknown else {"": "significance", "size": "size"}
        chosen = option(
            "Non-additive by",
            "rule",
            {**usual, "hand": "own bounds"},
            "Size: observed − additive beyond thresholds read off an empirical null, as the paper has it and the "
            "metrics of the catalogue. Significance: the same for the deviation over its standard error, the "
            "usual rule where that is known"
            + (f" (not available: {unknown})" if unknown else "")
            + ". Own bounds: two numbers.",
        )
    if chosen == "z" and unknown:
        middle.caption(f"{unknown} The size of the deviation is used.")
    kind: Kind = "significance" if chosen == "" and not unknown else "effect"
    fit = cache.threshold(cache.Question(question.benchmark, question.view, cache.Rule(kind), question.methods))
    if chosen == "hand":
        bounds = [_number("Lower bound", "lower", fit.lower, middle), _number("Upper bound", "upper", fit.upper, right)]
        return cache.Rule("effect", by_hand=True, lower=min(bounds), upper=max(bounds))
    for key in ("lower", "upper"):  # they belong to own bounds only
        st.session_state.pop(key, None)
    with middle:
        level = option(
            "Local fdr at the threshold",
            "fdr",
            LEVELS,
            "The chance that a pair just at the threshold is null (Efron). The paper takes 0.05.",
            slider=True,
        )
    if fit.null is None:
        right.caption(
            f"{fit.problem} The thresholds are set to 4 robust standard deviations; “own bounds” changes them."
        )
    return cache.Rule(kind, float(level or 0.05))


def _number(label: str, key: str, start: float, place) -> float:
    """A number that can stand in the link; starts at the fitted bound."""
    try:
        value = float(st.session_state.get(key) or "nan")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        value = round(start, 4) if np.isfinite(start) else 0.5 if key == "upper" else -0.5
    if st.session_state.get(key) != value:  # a value that is set makes the browser draw the widget anew
        st.session_state[key] = value
    return place.number_input(label, key=key, step=0.05, format="%.4f", persist_state="session")
