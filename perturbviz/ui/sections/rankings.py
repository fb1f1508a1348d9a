"""What the Rankings page shows besides the current order: every view, robustness, other data, retrieval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.all_views.defensible import FACTORS, ViewFilter, Views, in_words
from perturbviz.analyses.robustness import RANKING_METHODS, flattering, shares_of_views, sweep_across
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE
from perturbviz.metrics.retrieval import squared_distances
from perturbviz.panels import captions as words
from perturbviz.panels import rankings as panels
from perturbviz.panels.captions import views as captions
from perturbviz.panels.figures import rankings as order_figures
from perturbviz.panels.figures import views as figures
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View, metric_label
from perturbviz.ui import cache, cache_views, choose, recipes, session, sources
from perturbviz.ui.chart import chart, draw
from perturbviz.ui.current import Current, four_questions, stop
from perturbviz.ui.sections.this_view import open_setting

#: Candidates of retrieval whose distances are drawn: a million cells are a chart of 4 MB.
MOST_CANDIDATES = 1000
_WORDS = {"all": "all", "expressed": "expressed", "de": "DE"}


def score_table(current: Current) -> None:
    """What every method gets under every metric, coloured by rank."""
    ranking = current.ranking()
    table = cache.rank_table(current.data, current.view).by_family()
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
    swept = cache_views.all_views(current.source, current.view)
    key = cache_views.key(swept, choice)
    found = cache_views.views(*key, swept, choice)
    if not len(found):
        stop("No view is left under this filter: take something out of it.")
    won = shares_of_views(found)
    names = dict(zip(found.methods, found.names, strict=True))
    leader = str(won.index[0])
    with head:
        default = st.session_state.get("method")
        if default not in found.methods:
            st.session_state["method"] = leader
        method = choose.selectbox("Method", found.methods, key="method", words=names, persist_state="session")
    st.markdown(captions.won(won, len(found)))
    if found.left_out:
        st.caption(f"{captions.no_vote(found.left_out)} Choosing such a metric above makes it count.")
    left_out = cache_views.unasked(current.evaluated, current.view)[1]
    if left_out:
        st.caption(f"{words.left_out(left_out)}: choose one as the metric to rank by it.")
    left, right = st.columns(2, gap="large")
    with left:
        chart(
            current.mark(figures.shares(won["share"], names, current.colours), current.token),
            "shares",
            question=f"In how many of {len(found):,} views does each win?",
            alt=captions.won(won, len(found)),
            table=won.reset_index,
            filename="shares-of-views",
            note=captions.family_votes(choice.raw),
        )
    with right:
        decided = cache_views.deciding(*key, found)
        shares = decided["all"].sort_values(ascending=False)
        chart(
            current.mark(figures.deciding(shares), current.token),
            "deciding",
            question="Which choice decides the order?",
            alt=captions.decided(decided, names),
            table=decided.reset_index,
            filename="deciding-choices",
            note=captions.decided(decided, names),
        )
    _curve(current, found, method, names)
    _portraits(current, found, method)
    if st.toggle("Do the metrics agree with one another?", key="f_agree", persist_state="session"):
        agreed = cache_views.agreeing(*key, found)
        labels = [metric_label(g.metric, g.reference) for g in agreed.groups.itertuples()]
        chart(
            current.mark(figures.agreement(agreed.tau, labels), current.token),
            "agreement",
            question="Which metrics order the methods alike?",
            alt=captions.agreement(agreed, labels),
            table=lambda: pd.DataFrame(agreed.tau, labels, labels).rename_axis("metric").reset_index(),
            filename="agreement",
            note=captions.agreement(agreed, labels),
        )


def _curve(current: Current, found: Views, method: str, names: dict[str, str]) -> None:
    rank = found.ranks[:, found.methods.index(method)]
    known = np.flatnonzero(~np.isnan(rank))
    goodness = found.goodness[known, found.methods.index(method)]
    order = known[np.lexsort((-goodness, found.frame["family"].to_numpy()[known], rank[known]))]
    drawn = figures.thinned(order)
    frame = found.frame.iloc[drawn]
    choices = pd.DataFrame(
        {
            "metric": frame["family"],
            "reference": frame["reference"].map(
                {"none": "no reference", "control": "vs control", "perturbation": "vs pert. mean"}
            ),
            "genes": frame["genes"].str.replace("-targets", " without targets").replace(r"^de", "DE", regex=True),
            "n": frame["n"].map("{:,}".format),
            "split": frame["split"],
            "average": frame["average"],
        }
    )
    words = [in_words(found.view(int(i))) for i in drawn]
    event = chart(
        current.mark(
            figures.specification_curve(rank[drawn], choices, drawn, names[method], current.colours[method], words),
            current.token,
            method,
        ),
        "curve",
        question=f"Where does {names[method]} stand in every view?",
        alt=f"Rank of {names[method]} over {len(order):,} views.",
        table=lambda: found.frame[list(FACTORS)].assign(rank=rank, vote=found.vote),
        filename=f"specification-{method}",
        note=captions.curve(names[method], rank[known], len(drawn), len(order)),
        select=True,
    )
    if event.clicked is not None:
        open_view(found.view(int(np.ravel(event.clicked)[0])))


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
    scores = current.scores()
    found = cache_views.robust(current.data.content_id, current.view.token, scores, current.view.avg)
    if len(found.methods) < 2:
        stop("Two methods with a defined score are needed: switch on another one in the sidebar.")
    colours = [current.colours[m] for m in found.methods]

    def places(key: str, shares, x_title: str, question: str, note: str, filename: str) -> None:
        chart(
            current.mark(figures.blobs(shares, found.names, colours, x_title), current.token),
            key,
            question=question,
            alt=note,
            filename=filename,
            note=note,
            table=lambda: (
                pd.DataFrame(shares, found.names, range(1, len(found.names) + 1)).rename_axis("method").reset_index()
            ),
        )

    left, right = st.columns(2, gap="large")
    with left.container():
        if found.problem:
            st.info(captions.blobs(found), icon=":material/search:")
        else:
            question, note = "How sure is each place?", captions.blobs(found)
            places("blobs", found.blobs, "place in draws of all averages", question, note, "places-in-draws")
    with right.container():
        question, note = "Who is on the podium, perturbation by perturbation?", captions.podium(found)
        places("podium", found.podium, "place on single perturbations", question, note, "podium")
    left, right = st.columns(2, gap="large")
    with left.container():
        if found.problem:
            st.info(captions.significance(found), icon=":material/search:")
        else:
            chart(
                current.mark(figures.significance(found.significance, found.better, found.names), current.token),
                "significance",
                question="Which differences are beyond chance?",
                alt=captions.significance(found),
                filename="significance",
                note=captions.significance(found),
                table=lambda: (
                    pd.DataFrame(found.significance, found.names, found.names).rename_axis("method").reset_index()
                ),
            )
    with right:
        wide = found.places.pivot(index="method", columns="ranking", values="rank").reindex(
            index=list(found.methods), columns=list(RANKING_METHODS)
        )
        chart(
            current.mark(
                order_figures.bump(
                    wide.set_axis(range(3), axis=1),
                    list(RANKING_METHODS),
                    dict(zip(found.methods, found.names, strict=True)),
                    current.colours,
                    RANKING_METHODS.index(f"{current.view.avg} then rank"),
                ),
                current.token,
            ),
            "ways",
            question="Does the order depend on how one averages?",
            alt=captions.ways(wide, current.name),
            filename="ways-to-rank",
            table=found.places,
            note=captions.ways(wide, current.name),
        )


def _here() -> tuple[list[str], dict[str, str]]:
    """Data sets that open without a download, and their labels."""
    labels = sources.choices()
    return [data for data in labels if sources.is_here(data)], labels


def across(current: Current) -> None:
    """The current view on several data sets or contexts."""
    if not isinstance(current.source, Benchmark):
        stop(
            "Other data sets need the same metric computed gene by gene; this table holds its own scores only.",
            ":material/table_chart:",
        )
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
    if len(evaluations) < 2:
        stop("Choose at least two benchmarks (downloaded ones from the Data page appear here).")
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
    colours = {m: current.colours.get(m, "#8c4a2b") for m in found.names}
    ranks = found.ranks.set_axis(range(found.ranks.shape[1]), axis=1)
    chart(
        current.mark(
            order_figures.bump(ranks, list(found.ranks.columns), dict(found.names), colours, -1),
            current.token,
        ),
        "across",
        question="Does the order hold elsewhere?",
        alt=captions.across(found),
        table=found.ranks.reset_index,
        filename="across",
        note=captions.across(found),
    )
    if found.shares is not None:
        st.dataframe(found.shares.rename(index=found.names).style.format("{:.0%}", na_rep="–"))


def retrieval(current: Current) -> None:
    """The distances behind centroid accuracy and PDS."""
    if not isinstance(current.source, Benchmark):
        stop("Retrieval needs predictions gene by gene; this table holds scores only.", ":material/table_chart:")
    evaluation, view = current.evaluated, current.view
    methods = list(current.shown)
    if st.session_state.get("method") not in methods:
        st.session_state["method"] = methods[0]
    left, right = st.columns([1, 2])
    method = choose.selectbox("Method", methods, key="method", words=current.name, place=left, persist_state="session")
    positions = view_rows(evaluation, view, methods)
    if not len(positions):
        stop("No perturbation is left under this view: widen the perturbation set in the sidebar.")
    blocks = evaluation.rows.iloc[positions].groupby(["seed", "context"], sort=False).indices
    label = {k: " · ".join(v for v in (f"seed {k[0]}" if k[0] else "", k[1]) if v) for k in blocks}
    block = choose.selectbox(
        "Candidates: the scored perturbations of", blocks, key="_candidates", words=label, place=right
    )
    rows = positions[blocks[block]]
    if len(rows) > MOST_CANDIDATES:
        stop(
            f"{len(rows):,} perturbations are candidates here: a map of all distances would have "
            f"{len(rows) ** 2:,} cells. It is drawn for up to {MOST_CANDIDATES:,}: choose one context, seed or "
            "part of the split in the sidebar.",
            ":material/grid_on:",
        )
    scored = current.scores(
        view.with_(metric="centroid_accuracy", genes="all" if view.subset.differs_between_perturbations else view.genes)
    )
    (genes,) = resolve(
        GeneSubset("all") if view.subset.differs_between_perturbations else view.subset, evaluation, rows
    )
    matrix = np.sqrt(
        squared_distances(evaluation.prediction(method, rows, genes.genes), evaluation.truth(rows, genes.genes))
    )
    if np.isnan(matrix).all():
        stop(f"{current.name(method)} predicts none of these perturbations.")
    names = evaluation.rows["perturbation"].to_numpy()[rows]
    own = scored.values[scored.methods.index(method)][blocks[block]]
    chart(
        current.mark(figures.distances(matrix, names, "L2 distance"), current.token, method),
        "distances",
        question=f"Whose truth is closest to what {current.name(method)} predicts?",
        alt=f"Distances of {len(names)} predictions to {len(names)} truths.",
        filename=f"retrieval-{method}",
        table=lambda: pd.DataFrame(matrix, names, names).rename_axis("prediction").reset_index(),
        note=captions.retrieval(current.name(method), matrix, names, own),
    )
    who = choose.selectbox("Ranked candidates of", names.tolist(), key="f_who", persist_state="session")
    at = list(names).index(who)
    nearest = np.argsort(matrix[at], kind="stable")[:15]
    st.dataframe(
        pd.DataFrame(
            {
                "place": np.arange(1, len(nearest) + 1),
                "truth of": names[nearest],
                "L2 distance": matrix[at, nearest],
                "": ["← its own" if n == who else "" for n in names[nearest]],
            }
        ),
        hide_index=True,
    )


SECTIONS = {
    "Score table": score_table,
    "Every view": every_view,
    "Robustness": robust,
    "Across data sets": across,
    "Retrieval": retrieval,
}
