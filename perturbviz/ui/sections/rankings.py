"""What the Rankings page shows besides the current order: every view, robustness, other data, retrieval."""

from __future__ import annotations

import numpy as np
import streamlit as st

from perturbviz.analyses.all_views.defensible import ViewFilter, Views
from perturbviz.analyses.retrieval import common_subset, distances, nearest
from perturbviz.analyses.robustness import flattering, shares_of_views, sweep_across
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE
from perturbviz.panels import all_views, robustness
from perturbviz.panels import captions as words
from perturbviz.panels import rankings as panels
from perturbviz.panels.captions import views as captions
from perturbviz.panels.retrieval import distances as panel_of_distances
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rank_table import FIRST
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View
from perturbviz.ui import cache, cache_views, choose, recipes, session, sources
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, four_questions, stop
from perturbviz.ui.sections import protocols
from perturbviz.ui.sections.strata import who_wins_where
from perturbviz.ui.sections.this_view import open_setting

#: Candidates of retrieval whose distances are drawn: a million cells are a chart of 4 MB.
MOST_CANDIDATES = 1000
_WORDS = {"all": "all", "expressed": "expressed", "de": "DE"}


def score_table(current: Current) -> None:
    """What every method gets under every metric, coloured by rank."""
    ranking = current.ranking()
    every = isinstance(current.source, Benchmark) and st.toggle(
        "Every metric",
        key="every",
        persist_state="session",
        help=f"Otherwise the metrics of five families: {', '.join(FIRST)}.",
    )
    table = cache.rank_table(current.data, current.view, "all" if every else "first").by_family()
    event = draw(panels.score_table(table, ranking, current.look, current.view), current.token)
    st.caption(four_questions(current, ranking.scores).split(" · ", 2)[2])  # the rows have the rest
    if event.clicked is not None:
        open_setting(current, table, int(np.ravel(event.clicked)[0]), section="This view")


def _filter(current: Current) -> ViewFilter:
    """Which views the user finds defensible."""
    with st.popover("Which views are defensible?", icon=":material/tune:"):
        st.caption(
            "Empty means all. Every question is asked once; a family of metrics has one vote unless you say otherwise."
        )
        metrics = choose.multiselect(
            "Metrics",
            CATALOGUE,
            key="f_metrics",
            words=lambda m: CATALOGUE[m].card.name,
            persist_state="session",
        )
        references = choose.multiselect(
            "References", ["control", "perturbation"], key="f_refs", persist_state="session"
        )
        kinds = choose.multiselect("Genes", _WORDS, key="f_kinds", words=_WORDS, persist_state="session")
        averages = choose.multiselect("Averages", ["mean", "median"], key="f_avg", persist_state="session")
        raw = st.toggle(
            "Count every view alike",
            key="f_raw",
            persist_state="session",
            help="Otherwise each family of metrics has one vote.",
        )
    return ViewFilter(tuple(metrics), tuple(references), tuple(kinds), averages=tuple(averages), raw=raw)


def every_view(current: Current) -> None:
    """Specification curve, shares won, which choice decides, agreement, make it look best."""
    if not isinstance(current.source, Benchmark):
        stop(
            "All views at once need predictions gene by gene; a table of scores has only the views it was made with.",
            ":material/table_chart:",
        )
    head = st.container(horizontal=True, vertical_alignment="bottom")
    with head:
        choice = _filter(current)
    asked = current.source, current.view, choice
    found = cache_views.views(*asked)
    if not len(found):
        stop("No view is left under this filter: take something out of it.")
    won = shares_of_views(found)
    with head:
        method = _method(found, str(won.index[0]))
    st.markdown(captions.won(won, len(found)))
    _left_out(current, found)
    look, view = current.look, current.view
    left, right = st.columns(2, gap="large")
    with left:
        draw(all_views.shares(won, found, look.colours, view, choice.raw), current.token)
    with right:
        names = dict(zip(found.methods, found.names, strict=True))
        draw(all_views.deciding(cache_views.deciding(*asked), names, view), current.token)
    event = draw(all_views.curve(found, method, look.colours[method], view), current.token)
    if event.clicked is not None:
        open_view(found.view(int(np.ravel(event.clicked)[0])))
    _portraits(current, found, method)
    if st.toggle("Do the metrics agree with one another?", key="f_agree", persist_state="session"):
        draw(all_views.agreement(cache_views.agreeing(*asked), view), current.token)


def _method(found: Views, leader: str) -> str:
    """The method that is followed over all views; at first the one that wins most."""
    if st.session_state.get("method") not in found.methods:
        st.session_state["method"] = leader
    names = dict(zip(found.methods, found.names, strict=True))
    return choose.selectbox("Method", found.methods, key="method", words=names, persist_state="session")


def _left_out(current: Current, found: Views) -> None:
    """Which metrics do not count, and why."""
    if found.left_out:
        st.caption(f"{captions.no_vote(found.left_out)} Choosing such a metric above makes it count.")
    left_out = cache_views.unasked(current.evaluated, current.view)[1]
    if left_out:
        st.caption(f"{words.left_out(left_out)}: choose one as the metric to rank by it.")


def _portraits(current: Current, found: Views, method: str) -> None:
    """Make it look best, and worst."""
    pair = flattering(found, method, current.evaluated.benchmark.adata.n_vars)
    if pair is None:
        return
    for column, title, portrait in zip(
        st.columns(2, gap="large"), ("Make it look best", "Make it look worst"), pair, strict=True
    ):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{title}.** {captions.escape(portrait.words)}")
            if st.button("Open this view", key=f"_{title}", icon=":material/open_in_new:"):
                open_view(portrait.view.with_(data=current.view.data, show=current.view.show))
            st.code(session.link("", portrait.view.with_(data=current.view.data)), language=None)


def open_view(view: View) -> None:
    """Show a view as the current one."""
    session.defer(
        metric=view.metric,
        ref=view.ref,
        genes=view.genes,
        n=view.n,
        targets=view.targets,
        split=view.split,
        seed=view.seed,
        avg=view.avg,
        section="This view",
    )


def robust(current: Current) -> None:
    """How sure one ranking is, as challengeR shows it."""
    look, view = current.look, current.view
    current.scores()  # stops the page where the view makes no sense
    found = cache_views.robust(current.data, view)
    if len(found.methods) < 2:
        stop("Two methods with a defined score are needed: switch on another one in the sidebar.")
    left, right = st.columns(2, gap="large")
    with left.container():
        if found.problem:
            st.info(captions.blobs(found), icon=":material/search:")
        else:
            draw(robustness.blobs(found, look, view), current.token)
    with right.container():
        draw(robustness.podium(found, look, view), current.token)
    left, right = st.columns(2, gap="large")
    with left.container():
        if found.problem:
            st.info(captions.significance(found), icon=":material/search:")
        else:
            draw(robustness.significance(found, view), current.token)
    with right:
        draw(robustness.ways(found, look, view), current.token)


def _here() -> tuple[list[str], dict[str, str]]:
    """Data sets that open without a download, and their labels."""
    labels = sources.choices()
    return [data for data in labels if sources.is_here(data)], labels


def _chosen(current: Current) -> dict[str, Evaluation]:
    """The data sets chosen here, by label."""
    options = choose.distinct(*_here())
    chosen = choose.multiselect(
        "Data sets",
        options,
        key="f_across",
        words=options,
        persist_state="session",
        default=[k for k in dict.fromkeys((current.view.data, "demo", "demo-b")) if k in options][:2],
        help="Methods are matched by name; the baselines are everywhere.",
    )
    evaluations: dict[str, Evaluation] = {}
    for key in chosen:
        try:
            source = recipes.open_source(key)
        except UserError as error:
            st.warning(str(error))
            continue
        if isinstance(source, Benchmark):
            several = len(source.contexts) > 1
            evaluations[options[key]] = Evaluation(source, current.view.parts)
            if several:
                st.caption(f"{options[key]} holds {len(source.contexts)} contexts, taken together here.")
    return evaluations


def across(current: Current) -> None:
    """The current view on several data sets or contexts."""
    if not isinstance(current.source, Benchmark):
        stop(
            "Other data sets need the same metric computed gene by gene; this table holds its own scores only.",
            ":material/table_chart:",
        )
    evaluations = _chosen(current)
    if len(evaluations) < 2:
        stop("Choose at least two data sets (downloaded ones from the Data page appear here).")
    with_shares = st.toggle("Share of views won on each (takes a while)", key="f_shares", persist_state="session")
    plain = current.view.with_(context="", show=())
    found = sweep_across(evaluations, plain)
    for name, problem in found.problems.items():
        st.caption(f"{name}: {problem}")
    if not found.names:
        stop(captions.across(found))
    if with_shares:
        shown = current.view.with_(show=tuple(sorted(found.names)), context="")
        swept = {name: cache_views.all_views(evaluations[name].benchmark, shown) for name in found.ranks}
        found = sweep_across(evaluations, plain, swept)
    draw(robustness.across(found, current.colours, current.view), current.token)
    if found.shares is not None:
        st.dataframe(found.shares.rename(index=found.names).style.format("{:.0%}", na_rep="–"))


def retrieval(current: Current) -> None:
    """The distances behind centroid accuracy and PDS."""
    if not isinstance(current.source, Benchmark):
        stop("Retrieval needs predictions gene by gene; this table holds scores only.", ":material/table_chart:")
    evaluation, view = current.evaluated, current.view
    method, rows, columns = _candidates(current)
    scored = current.scores(view.with_(metric="centroid_accuracy", genes=common_subset(view.subset).kind))
    matrix = distances(evaluation, method, rows, view.subset)
    if np.isnan(matrix).all():
        stop(f"{current.name(method)} predicts none of these perturbations.")
    names = evaluation.rows["perturbation"].to_numpy()[rows]
    own = scored.values[scored.methods.index(method)][columns]
    draw(panel_of_distances(matrix, names, own, method, current.name(method), view), current.token)
    who = choose.selectbox("Ranked candidates of", names.tolist(), key="f_who", persist_state="session")
    st.dataframe(nearest(matrix, names, list(names).index(who)), hide_index=True)


def _candidates(current: Current) -> tuple[str, np.ndarray, np.ndarray]:
    """A method, and the rows of one seed and context: positions in the evaluation, and among the scored rows."""
    evaluation, methods = current.evaluated, list(current.shown)
    if st.session_state.get("method") not in methods:
        st.session_state["method"] = methods[0]
    left, right = st.columns([1, 2])
    method = choose.selectbox("Method", methods, key="method", words=current.name, place=left, persist_state="session")
    positions = view_rows(evaluation, current.view, methods)
    if not len(positions):
        stop("No perturbation is left under this view: widen the perturbation set in the sidebar.")
    blocks = evaluation.rows.iloc[positions].groupby(["seed", "context"], sort=False).indices
    label = {k: " · ".join(v for v in (f"seed {k[0]}" if k[0] else "", k[1]) if v) for k in blocks}
    block = choose.selectbox(
        "Candidates: the scored perturbations of", blocks, key="_candidates", words=label, place=right
    )
    columns = blocks[block]
    n = len(columns)
    if n > MOST_CANDIDATES:
        stop(
            f"{n:,} perturbations are candidates here: a map of all distances would have {n**2:,} cells. It is drawn "
            f"for up to {MOST_CANDIDATES:,}: choose one context, seed or part of the split in the sidebar.",
            ":material/grid_on:",
        )
    return method, positions[columns], columns


def as_in_a_paper(current: Current) -> None:
    """What the rules of papers say of these predictions."""
    protocols.as_in_a_paper(current, open_view)


SECTIONS = {
    "Score table": score_table,
    "Every view": every_view,
    "As in a paper": as_in_a_paper,
    "Who wins where": who_wins_where,
    "Robustness": robust,
    "Across data sets": across,
    "Retrieval": retrieval,
}
