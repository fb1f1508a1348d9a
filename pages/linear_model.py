"""Linear model: build Y ≈ G W Pᵀ + b live, see what it can and cannot, and enter it into the competition."""

import pandas as pd
import streamlit as st

from perturbviz.errors import UserError
from perturbviz.panels import captions
from perturbviz.panels.captions import linear as words
from perturbviz.panels.figures import linear as figures
from perturbviz.panels.figures.marks import marked
from perturbviz.panels.figures.theme import method_colours
from perturbviz.scoring.rankings import n_units
from perturbviz.scoring.validity import view_problem
from perturbviz.stats import MIN_UNITS
from perturbviz.ui import cache, cache_linear, embeddings, session, sources
from perturbviz.ui.chart import chart
from perturbviz.ui.colours import chosen
from perturbviz.ui.current import begin, stop
from perturbviz.ui.sections import linear_controls as controls
from perturbviz.ui.sections import linear_looks

current = begin("linear_model")
data = current.view.data
plain = sources.open_source(data)
st.markdown(
    "$\\hat Y = G\\,W\\,P^\\top + b$: the change of every gene under an unseen perturbation, from an embedding "
    "$G$ of the genes, an embedding $P$ of the perturbations, weights $W$ found by ridge regression, and the "
    "mean change $b$. Fitted to training perturbations only."
)
places = st.columns(2)
how = controls.choose_split(plain, places[0])
recipe = controls.choose_recipe(plain, data, places[1])
companions = controls.choose_companions(recipe, plain, data, how)

# -- which rows, which metric --------------------------------------------------------------------------------------
own_split = how == "file"
view = current.view if own_split else current.view.with_(seed="", size="all", show=(), split="held-out")
try:
    evaluation = cache.evaluation(current.source if own_split else cache_linear.split(plain, how), view)
except UserError as error:
    stop(str(error))
base = cache.evaluation(plain, view) if own_split else evaluation  # the same rows without the methods added here
if evaluation.rows.empty:
    stop("No perturbation is held out under this split: choose another one above.")
problem = view_problem(view, evaluation)
if problem:
    view = view.with_(metric="l2")
    st.caption(f"{problem} Here L2 is shown instead.")


# -- fitting -------------------------------------------------------------------------------------------------------
models = {recipe.slug: ("This model", recipe)}
for slug, (name, companion) in companions.items():
    try:
        cache_linear.tables(companion, plain)
        models[slug] = (name, companion)
    except UserError as error:
        st.caption(f"{name}: {error}")
try:
    found = cache_linear.predictions(base, recipe)
    for source in recipe.tables:
        st.caption(f":material/table: {captions.escape(embeddings.table(source, plain).report)}")
except UserError as error:
    stop(str(error), icon=":material/table_chart:")

lost = words.unpredicted(base.rows, found)
coverage = words.coverage(base.rows, lost)
methods = [m for m in evaluation.methods if (not view.show or m in view.show) and m not in models]
if not own_split:  # baselines for combinations, where none is held out
    methods = [m for m in methods if evaluation.predicted(m).any()]
ranking = cache_linear.ranking(evaluation, base, view, methods, models)
if "*" in set(ranking.scores.rows["perturbation"]):
    view = view.with_(metric="l2")
    ranking = cache_linear.ranking(evaluation, base, view, methods, models)
    st.caption("The metric gives one value a data set; this page shows L2, one value a perturbation.")
scores = ranking.scores
names = {m: models[m][0] if m in models else evaluation.name(m) for m in scores.methods}
if recipe == recipe.self_trained and recipe.kind == "linear":
    names[recipe.slug] = "This model (self-trained)"
table = ranking.table.assign(name=[names[m] for m in ranking.table.index])
few = n_units(scores.rows) < MIN_UNITS
everyone = [*evaluation.methods, *(m for m in models if m not in evaluation.methods)]
colours = method_colours(everyone, [m for m in evaluation.methods if evaluation.is_baseline(m)]) | chosen()
card = scores.card
axis, higher = f"{card.axis or card.name} · {card.arrow}", card.rises
label = (
    scores.rows["perturbation"].str.cat(scores.rows["context"], sep=" · ")
    if len(set(scores.rows["context"])) > 1
    else scores.rows["perturbation"]
)
over_splits = pd.DataFrame(scores.values.T, index=label, columns=scores.methods).groupby(level=0).mean()
per_perturbation = {m: over_splits[m] for m in scores.methods}
token = f"{current.token}|{how}|{recipe.link}"


def mark(fig, *axes):
    return marked(fig, token, how, *axes)


means = ["mean", *(m for m, (_, r) in models.items() if r.perturbation == "zero" and m != recipe.slug)]
defined = ranking.defined
mean = next((m for m in means if m in defined), "mean")
st.markdown(
    words.against_mean(ranking, recipe.slug, names[recipe.slug], mean, mean_name="" if mean == "mean" else names[mean])
)
fitted = {names[m]: found if r is recipe else cache_linear.predictions(base, r) for m, (_, r) in models.items()}
reach = words.reach(base.rows, fitted)
st.caption(f"{recipe.label}. {coverage} {words.fit_time(found)}" + (f" {reach}" if len(models) > 1 else ""))
official = view.with_(split="held-out", truth="all")  # what the competition is about, whatever is shown here
competing = cache.evaluation(plain, official)
entry = found if competing is base else cache_linear.predictions(competing, recipe)
entering = (
    ""
    if entry.predicted.any()
    else (
        "It predicts none of the perturbations that the benchmark itself holds out, so it cannot compete: switch "
        "on sums for combinations under “More knobs”, or choose another P."
    )
)
controls.competition(recipe, data, entering)
if len(lost):
    why = st.expander(
        f"Perturbations that cannot be predicted, and why ({len(lost)})", key="lm_lost", on_change="rerun"
    )
    if why.open:  # closed, thousands of lines would cost every click their time
        why.dataframe(lost, hide_index=True, height=min(38 + 35 * len(lost), 300))

left, right = st.columns(2, gap="large")
with left:
    chart(
        mark(
            figures.standing(table, per_perturbation, colours, axis, higher, list(models)), view.metric, view.reference
        ),
        "standing",
        question="Where does it stand among the methods?",
        alt=captions.alt_order(ranking),
        table=lambda: table.reset_index(),
        filename=f"linear-{view.metric}",
        note=words.intervals(ranking, few, words.common_without(base.rows, fitted, names[recipe.slug]) if few else None)
        + captions.thinned(figures.POINTS, max(map(len, per_perturbation.values()))),
    )
with right:
    beside = {f"P.{r.perturbation}": slug for slug, (_, r) in models.items() if slug != recipe.slug}
    roles = {role: m for role, m in ({"this": recipe.slug} | beside).items() if m in defined}
    roles |= {m: m for m in scores.methods if m in defined and m not in roles.values()}
    if "this" not in roles or len(roles) < 2:
        st.info("Arrows need two models with a defined score on the same perturbations.")
    else:
        start, end = (roles[role] for role in controls.choose_arrows(recipe, {r: names[m] for r, m in roles.items()}))
        a, b, pair = per_perturbation[start], per_perturbation[end], (names[start], names[end])
        event = chart(
            mark(figures.arrows(a, b, pair, axis, higher, session.extra("p")), view.metric, view.reference, start, end),
            "arrows",
            question="Which perturbations gain?",
            alt=f"Arrows from {pair[0]} to {pair[1]}, {len(a)} perturbations.",
            table=lambda: pd.DataFrame({"perturbation": a.index, pair[0]: a.to_numpy(), pair[1]: b.to_numpy()}),
            filename="arrows",
            note=words.arrows(a, b, pair, higher, figures.MAX_ARROWS),
            select=True,
            height=max(400, 15 + 36 * len(table)),  # ends where the chart beside it ends
        )
        if event.clicked:
            session.defer(p=str(event.clicked).partition(" · ")[0])
linear_looks.draw(linear_looks.Subject(recipe, base, found, scores, axis, colours[recipe.slug], mark))
