"""The sidebar: every control is a field of the view, offered where it means something and explained where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from perturbviz.analyses.calibration.controls import CONTROL_NAMES
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import parse_metric
from perturbviz.panels.captions.calibration import NO_REPLICATE
from perturbviz.scoring import genesets, references
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.published_scores import card_of
from perturbviz.scoring.view import AVERAGES, PRESETS, REFERENCE_FROM, ROWS, SIZES, SPLITS, View
from perturbviz.ui import cache, cache_calibration, choose, present, recipes, session, settle, sources
from perturbviz.ui.controls import badge
from perturbviz.ui.settle import Settled

_GRID = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000)


def draw_data() -> None:
    """Draw the choice of the data; the one control that stands before the page, so that the sidebar keeps its room."""
    options = sources.choices()
    chosen = st.session_state.get("data", "demo")
    labels = options if chosen in options else {**options, chosen: sources.label(chosen)}
    choose.selectbox(
        "Benchmark",
        labels,
        key="data",
        words=labels,
        place=st.sidebar,
        on_change=settle.data_changed,
        help="Truth and predictions of one data set. The Data page adds your own and public ones.\n\n"
        + sources.to_download(options),
    )


def draw(settled: Settled) -> None:
    """Draw the other controls: below the page in time, since a click waits for the charts and not for them."""
    with st.sidebar:
        if isinstance(settled.plain, Benchmark):
            _draw_benchmark(settled.plain, settled)
            for sentence in recipes.notices(session.view().data):
                st.warning(sentence, icon=":material/table_chart:")
        elif isinstance(settled.plain, ScoreTable):
            _draw_table(settled.plain)
        present.sidebar_controls()


# -- the view of a benchmark ---------------------------------------------------------------------------------------
def _draw_benchmark(plain: Benchmark, settled: Settled) -> None:
    evaluation = settled.current.evaluated
    choose.selectbox(
        "Preset",
        PRESETS,
        index=None,
        key="_preset",
        words=lambda k: PRESETS[k][0],
        placeholder="Jump to a view …",
        on_change=_preset,
        label_visibility="collapsed",
    )
    verdict = _metric(plain)
    with st.container():  # its further controls come and go; what is below must not shift, or it would be built anew
        _reference()
    _genes(evaluation, settled.genes_problems)
    _perturbations(plain)
    choose.pills("Methods", evaluation.methods, key="show", words=evaluation.name)
    badge.draw(verdict, plain, settled.current.view)


def _controls_toggled() -> None:
    """Show the controls beside what is shown, or take them away and give the truth all cells back."""
    on = st.session_state["_controls"]
    session.set_extra("controls", "1" if on else "")
    if on:
        session.put("show", [*st.session_state.get("show", []), *CONTROL_NAMES])
    else:
        session.put("truth", "all")


def _preset() -> None:
    """Apply a preset's view to the current benchmark."""
    chosen = st.session_state.get("_preset")
    if chosen is None:
        return
    before = session.view()
    session.set_view(
        View(data=before.data, show=before.show).with_(**PRESETS[chosen][1]),
        explicit={"metric", "show"} | set(PRESETS[chosen][1]),
    )
    st.session_state["_preset"] = None


def _metric(benchmark: Benchmark) -> Any:
    """The metric; returns the place of its verdict."""
    offered, refused = cache.metric_options(benchmark)
    offered = list(offered)
    if st.session_state.get("metric") not in offered:
        offered.append(st.session_state["metric"])
    card = parse_metric(st.session_state["metric"])[0].card
    choose.selectbox(
        "Metric",
        offered,
        key="metric",
        words=_metric_option,
        on_change=_metric_changed,
        help=f"{card.summary}\n\n**Good:** {card.pro}\n\n**Bad:** {card.con}\n\n**How to game it:** {card.gaming}\n\n"
        f"Range {card.range}. {card.source}.",
    )
    st.caption(f"{card.arrow} · {card.summary}")
    verdict = st.empty()
    if refused:
        with st.popover(f"Not offered here: {len(refused)}", type="tertiary"):
            for reason in dict.fromkeys(refused.values()):
                st.markdown(f"- {reason}")
    return verdict


def _metric_option(metric: str) -> str:
    parsed, value = parse_metric(metric)
    return parsed.card.name + (f" ({value})" if parsed.card.parameter else "")


def _metric_changed() -> None:
    """A metric of changes needs a reference; the plain twin of one has none."""
    card = parse_metric(st.session_state["metric"])[0].card
    if card.reference == "delta" and st.session_state.get("ref") == "none":
        session.put("ref", st.session_state.get("_last_ref", "control"))


def _reference() -> None:
    card = parse_metric(st.session_state["metric"])[0].card
    fixed = card.reference == "none" and card.id not in settle.twins()
    choose.segmented_control(
        "Reference",
        references.REFERENCES,
        key="ref",
        disabled=fixed,
        words={"none": "none", "control": "control", "perturbation": "pert. mean"},
        on_change=_reference_changed,
        help="\n\n".join(f"**{references.LABELS[r]}**: {references.MEANING[r]}" for r in references.REFERENCES),
    )
    if fixed:
        st.caption(f"{card.name} needs no reference: whatever is subtracted from both sides cancels.")
    if card.reference != "none" and st.session_state["ref"] == "perturbation":
        choose.selectbox(
            "Mean over",
            REFERENCE_FROM,
            key="ref_from",
            words=REFERENCE_FROM,
            persist_state="session",
            help="Taking the mean over all perturbations lets the truth of the tested ones into the reference.",
        )
        if st.session_state["ref_from"] == "all":
            st.warning(
                "The tested perturbations are part of this reference: it leaks their truth.", icon=":material/warning:"
            )


def _reference_changed() -> None:
    """With or without reference the same question has two metrics: switch between the twins."""
    card = parse_metric(st.session_state["metric"])[0].card
    if st.session_state["ref"] == "none" and card.plain_twin:
        session.put("metric", card.plain_twin)
    elif st.session_state["ref"] != "none" and card.id in settle.twins():
        session.put("metric", settle.twins()[card.id])


def _genes(evaluation: Evaluation, problems: Mapping[str, str]) -> None:
    choose.segmented_control(
        "Genes",
        settle.offered_genes(problems),
        key="genes",
        words={"all": "all", "expressed": "expressed", "de": "DE", "own": "own"},
        help="\n\n".join(
            f"**{genesets.LABELS[k]}**: {genesets.DEFINITION[k]} *Good:* {genesets.PRO[k]} *Bad:* {genesets.CON[k]}"
            for k in genesets.KINDS
        ),
    )
    kind, total = st.session_state["genes"], evaluation.benchmark.adata.n_vars
    if kind in ("expressed", "de"):
        grid = sorted({g for g in _GRID if g < total} | {total, st.session_state["n"]})
        choose.select_slider("Number of genes", grid, key="n", words=lambda v: f"{v:,}", persist_state="session")
    elif kind == "own":
        st.text_input(
            "Your genes",
            key="own",
            placeholder="KLF1 GATA1 HBG2",
            persist_state="session",
            help="Gene names, separated by blanks or commas.",
        )
        missing = genesets.unmeasured(session.view().own, evaluation)
        if missing:
            st.caption(f"Not measured here: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}")
    else:
        st.caption(f"{total:,} genes.")
    st.checkbox(
        "Count the perturbed genes themselves",
        key="targets",
        help="A knocked-down gene goes down in every honest prediction: leaving it out asks for the rest.",
    )
    refused = dict.fromkeys(p for p in problems.values() if p)
    for reason in refused:
        st.caption(reason)


def _perturbations(benchmark: Benchmark) -> None:
    """Which perturbations count; drawn where it is open only: closed, its boxes would cost every click their time."""
    with st.expander("Perturbations and average", key="_more", on_change="rerun") as more:
        if more.open:
            _which_perturbations(benchmark)
    if st.session_state["split"] in ("train", "all"):
        st.warning("Training perturbations are scored too: methods have seen them.", icon=":material/warning:")


def _which_perturbations(benchmark: Benchmark) -> None:
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


# -- the view of a score table -------------------------------------------------------------------------------------
def _draw_table(table: ScoreTable) -> None:
    card = card_of(table, st.session_state["metric"])
    choose.selectbox("Metric", table.metrics, key="metric", words=lambda m: card_of(table, m).name)
    st.caption(f"{card.arrow} · as published; reference, genes and perturbations are those of its source.")
    choose.selectbox("Average over perturbations", AVERAGES, key="avg", words=AVERAGES)
    choose.pills("Methods", table.names, key="show", words=table.names)
