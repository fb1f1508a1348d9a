"""The sidebar, drawn before the page: opens the data, and makes every choice one that exists there as it is drawn."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.scoring.published_scores import card_of
from perturbviz.scoring.validity import default_view, metric_problem
from perturbviz.scoring.view import AVERAGES, PRESETS, View
from perturbviz.ui import cache, choose, present, recipes, session, sources
from perturbviz.ui.controls import badge, genes, metric, perturbations
from perturbviz.ui.current import Current, keep

_DEPENDENT = ("ref", "genes", "n", "show", "context", "seed", "size", "truth")  # what another benchmark may not have
_OF_TABLES = ("data", "metric", "avg", "show")  # choices that a table of scores leaves


def draw() -> None:
    """Draw every control; keeps what the page works on (:func:`perturbviz.ui.current.current`)."""
    cache.stop_looking_ahead()
    _data()
    try:
        source = recipes.open_source(st.session_state["data"])
    except UserError as error:
        session.go_back(f"{error} This page shows what was open before.")
        _hold()
        keep(Current(session.view(), None, None, str(error)))
        with st.sidebar:
            present.sidebar_controls()
        return
    with st.sidebar:
        keep(_benchmark(source) if isinstance(source, Benchmark) else _table(source))
        session.remember()
        present.sidebar_controls()


def _data() -> None:
    options = sources.choices()
    chosen = st.session_state.get("data", "demo")
    labels = options if chosen in options else {**options, chosen: sources.label(chosen)}
    choose.selectbox(
        "Benchmark",
        labels,
        key="data",
        words=labels,
        place=st.sidebar,
        on_change=_data_changed,
        help="Truth and predictions of one data set. The Data page adds your own and public ones.\n\n"
        + sources.to_download(options),
    )


def _data_changed() -> None:
    """Let go of choices that the new benchmark may not have; its own defaults take their place."""
    for name in (*_DEPENDENT, "p", "gene", "method", "against"):
        st.session_state.pop(name, None)
    session.memory().open_fields = {"metric", "avg", "rows", "split"}


def _hold() -> None:
    """Keep the view while its data are away: Streamlit forgets the values of widgets that are not drawn."""
    for name in {item.name for item in fields(View)} & set(st.session_state) - {"data"}:
        st.session_state[name] = st.session_state[name]


# -- a benchmark -----------------------------------------------------------------------------------------------------
def _benchmark(plain: Benchmark) -> Current:
    _defaults(plain)
    _presets()
    verdict = metric.draw(plain)
    with st.container():  # its further controls come and go; what is below must not shift, or it would be built anew
        metric.draw_reference()
    benchmark = perturbations.settle(plain)
    evaluation = cache.evaluation(benchmark, session.view())
    genes.draw(evaluation)
    perturbations.draw(plain)
    _methods(list(evaluation.methods))
    choose.pills("Methods", evaluation.methods, key="show", words=evaluation.name)
    view = session.view()
    badge.draw(verdict, plain, view)
    for sentence in recipes.notices(view.data):
        st.warning(sentence, icon=":material/table_chart:")
    return Current(view, benchmark, evaluation, "")


def _defaults(benchmark: Benchmark) -> None:
    """Fill what neither the link nor the user chose, and give way where the metric does not exist here."""
    try:
        parse_metric(st.session_state["metric"])
    except UserError:  # of a score table
        session.put("metric", default_view(benchmark).metric)
    chosen, session.memory().open_fields = session.memory().open_fields, None
    if chosen is None:
        return
    default = default_view(benchmark)
    for name in _DEPENDENT:
        if name not in chosen or name not in st.session_state:
            value = getattr(default, name)
            session.put(name, list(value) if isinstance(value, tuple) else value)
    if metric_problem(st.session_state["metric"], benchmark):
        session.put("metric", default.metric)


def _presets() -> None:
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


def _methods(methods: list[str]) -> None:
    session.memory().methods = tuple(methods)
    session.put("show", [m for m in st.session_state.get("show", []) if m in methods] or methods)


<<<<<<< HEAD
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
=======
# -- a table of scores -----------------------------------------------------------------------------------------------
def _table(table: ScoreTable) -> Current:
    """Its source has decided what a benchmark leaves open."""
    fresh, session.memory().open_fields = session.memory().open_fields is not None, None
    for item in fields(View):
        if item.name not in _OF_TABLES:  # not drawn here, so that Streamlit would forget them
            default = "" if item.name == "own" else item.default
            st.session_state[item.name] = default if fresh else st.session_state.get(item.name, default)
    if (chosen := st.session_state.get("metric")) not in table.metrics:
        same = (m for m, known in table.metrics.items() if known.get("card") == chosen)
        session.put("metric", next(same, next(iter(table.metrics))))
>>>>>>> ea31fa1 (Controls first, page second: they settle what the page works on as they are drawn; one table of link parameters; the tricks against Streamlit are gone)
    card = card_of(table, st.session_state["metric"])
    choose.selectbox("Metric", table.metrics, key="metric", words=lambda m: card_of(table, m).name)
    st.caption(f"{card.arrow} · as published; reference, genes and perturbations are those of its source.")
    choose.selectbox("Average over perturbations", AVERAGES, key="avg", words=AVERAGES)
    _methods(list(table.names))
    choose.pills("Methods", table.names, key="show", words=table.names)
    return Current(session.view(), table, None, "")
