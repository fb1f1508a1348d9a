"""The controls of which perturbations count, how they are averaged, and what counts as the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from perturbviz.analyses.calibration.controls import CONTROL_NAMES, preferred_truth
from perturbviz.benchmark import Benchmark
from perturbviz.panels.captions.calibration import NO_REPLICATE
from perturbviz.scoring.view import AVERAGES, ROWS, SIZES, SPLITS
from perturbviz.ui import cache_calibration, choose, session


def settle(plain: Benchmark) -> Benchmark:
    """Make the choices ones that exist here; the benchmark with its controls as methods where they are asked for."""
    _among("context", ["", *plain.contexts])
    _among("seed", ["", *plain.seeds])
    if session.extra("controls") == "1" and cache_calibration.positives(plain):
        session.put("truth", preferred_truth(plain))  # the other half is the replicate
        return cache_calibration.source_with_controls(plain)
    if "half_a" not in plain.layers:
        session.put("truth", "all")
    return plain


def _among(key: str, options: Sequence[str]) -> None:
    if st.session_state.get(key) not in options:
        session.put(key, options[0])


def draw(benchmark: Benchmark) -> None:
    """Drawn where it is open only: closed, its boxes would cost every click their time."""
    with st.expander("Perturbations and average", key="_more", on_change="rerun") as more:
        if more.open:
            _draw(benchmark)
    if st.session_state["split"] in ("train", "all"):
        st.warning("Training perturbations are scored too: methods have seen them.", icon=":material/warning:")


def _draw(benchmark: Benchmark) -> None:
    choose.selectbox(
        "Part of the split",
        SPLITS,
        key="split",
        words=lambda s: {"held-out": "held out (test and val)"}.get(s, s),
        help=f"Splits: {benchmark.split_origin}.",
        persist_state="session",
    )
    if (benchmark.n_perturbed == 1).any() and (benchmark.n_perturbed > 1).any():
        _choice("Targets", "size", SIZES)
    if len(benchmark.contexts) > 1:
        _choice("Context", "context", {"": "all contexts", **{c: c for c in benchmark.contexts}})
    if len(benchmark.seeds) > 1:
        _choice("Split seed", "seed", {"": "all seeds", **{s: s for s in benchmark.seeds}})
    _choice("Perturbation set", "rows", ROWS)
    _choice("Average over perturbations", "avg", AVERAGES)
    _controls_and_truth(benchmark)


def _controls_and_truth(benchmark: Benchmark) -> None:
    can = bool(cache_calibration.positives(benchmark))
    shown = can and session.extra("controls") == "1"
    if st.session_state.get("_controls") != shown:
        st.session_state["_controls"] = shown
    st.toggle(
        "Show controls (duplicate, shuffled)",
        key="_controls",
        on_change=_controls_toggled,
        disabled=not can,
        help="Draws a replicate of the experiment and shuffled labels as methods on every page, dashed or open. Where "
        "there are halves, half of the cells is then the truth."
        if can
        else NO_REPLICATE,
    )
    if "half_a" in benchmark.layers:
        if shown:
            st.caption("The truth is half of the cells now: the other half is the replicate.")
        choose.selectbox(
            "Truth",
            ["all", "half_a"],
            key="truth",
            disabled=shown,
            persist_state="session",
            words={"all": "all cells", "half_a": "half of the cells"},
            help="With half of the cells as the truth, the other half is a technical duplicate.",
        )


def _choice(label: str, key: str, options: Mapping[str, str]) -> None:
    choose.selectbox(label, options, key=key, words=options, persist_state="session")


def _controls_toggled() -> None:
    """Show the controls beside what is shown, or take them away and give the truth all cells back."""
    on = st.session_state["_controls"]
    session.set_extra("controls", "1" if on else "")
    if on:
        session.put("show", [*st.session_state.get("show", []), *CONTROL_NAMES])
    else:
        session.put("truth", "all")
