"""Profiles: predicted against observed values, gene by gene for one perturbation, or over perturbations for one gene."""

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.metrics.correlation import pearson
from perturbviz.panels import captions
from perturbviz.panels.figures import profiles as figures
from perturbviz.panels.figures.marks import marked
from perturbviz.scoring.genesets import resolve
from perturbviz.scoring.references import LABELS
from perturbviz.ui import choose, session
from perturbviz.ui.chart import chart
from perturbviz.ui.current import begin, four_questions, stop

current = begin("profiles")
view, evaluation = current.view, current.evaluation
scores = current.scores()
if scores.rows.empty or "*" in set(scores.rows["perturbation"]):
    scores = current.scores(view.with_(metric="l2"))
if scores.rows.empty:
    stop("No perturbation is left under this view: widen the perturbation set in the sidebar.")
reference = view.ref if evaluation.benchmark.value_space == "lognorm" or view.ref != "none" else "control"
what = {"none": "expression", "control": "change from control", "perturbation": "difference to perturbation mean"}[
    reference
]

rows = scores.rows
available = sorted(rows["perturbation"].unique())
if st.session_state.get("p") not in available:
    lead = (
        scores.values[0] if np.isnan(scores.values).all() else np.nanmean(scores.card.goodness(scores.values), axis=0)
    )
    st.session_state["p"] = (
        rows["perturbation"].iloc[int(np.nanargmin(lead))] if not np.isnan(lead).all() else available[0]
    )
pick, split, follow = st.columns([2, 1, 2])
perturbation = choose.selectbox(
    "Perturbation", available, key="p", place=pick, persist_state="session", help="Opens on the hardest one."
)
here = rows[rows["perturbation"] == perturbation]
places = {(rows.seed[i], rows.context[i]): i for i in here.index}
row = places[
    choose.selectbox(
        "Split and context",
        places,
        key="_place",
        words=lambda at: " · ".join(v for v in (f"seed {at[0]}" if at[0] else "", at[1]) if v),
        place=split,
        disabled=len(places) == 1,
    )
]
all_rows = evaluation.rows.reset_index()
key = ["seed", "context", "perturbation"]
at = int(all_rows.merge(rows.loc[[row], key], on=key)["index"].iloc[0])

(block,) = resolve(view.subset, evaluation, np.array([at]))
columns = np.arange(evaluation.benchmark.adata.n_vars) if block.genes is None else np.ravel(block.genes)
genes = evaluation.benchmark.genes[columns]
gene = session.extra("gene")
options = ["", *genes]
if gene and gene not in evaluation.benchmark.genes:
    st.session_state["gene"] = gene = ""
elif gene not in options:
    options.append(gene)
choose.selectbox(
    "Follow a gene over perturbations",
    options,
    key="gene",
    persist_state="session",
    words=lambda g: g or "none (click one in a panel)",
    place=follow,
)

index = columns[None, :]
base = evaluation.reference(reference, np.array([at]), index, view.ref_from == "all")
observed = (evaluation.truth(np.array([at]), index) - base)[0]
colours = current.colours


def panel(method: str, predicted: np.ndarray, truth: np.ndarray, score: float) -> figures.Panel:
    """One method with the score of this view and the correlation of what is drawn in the corner."""
    have = ~np.isnan(predicted)
    correlation = pearson(truth[None, have], predicted[None, have])[0] if have.sum() > 1 else np.nan
    written = "undefined" if np.isnan(score) else f"{score:#.3g}"
    corner = [f"{scores.card.symbol} {written}", f"r {'undefined' if np.isnan(correlation) else f'{correlation:.2f}'}"]
    return figures.Panel(method, current.name(method), colours[method], predicted, corner)


panels = []
for i, method in enumerate(scores.methods):
    predicted = (evaluation.prediction(method, np.array([at]), index) - base)[0]
    panels.append(panel(method, predicted, observed, scores.values[i, row]))
figure = figures.panels(
    observed, panels, genes, f"observed {what}", f"predicted {what}", centred=reference != "none", marked=gene
)
event = chart(
    marked(figure, current.token, perturbation, reference),
    "profile",
    question=f"{perturbation}: does the predicted {what} match, gene by gene?",
    alt=f"Predicted against observed {what} of {len(genes)} genes for {perturbation}, {len(panels)} methods.",
    table=lambda: pd.DataFrame({"gene": genes, "observed": observed, **{p.name: p.predicted for p in panels}}),
    filename=f"profile-{perturbation}",
    note=captions.profile(perturbation, observed, panels, genes),
    select=True,
)
if event.clicked and event.clicked in genes:
    session.defer(gene=str(event.clicked))
st.caption(four_questions(current, scores) + f" · drawn relative to: **{LABELS[reference]}**")

if gene:
    column = evaluation.benchmark.genes.get_loc(gene)
    kept = all_rows.merge(rows[key], on=key)["index"].to_numpy()
    one = np.array([column])
    base = evaluation.reference(reference, kept, one, view.ref_from == "all")
    observed = (evaluation.truth(kept, one) - base)[:, 0]
    names = evaluation.rows["perturbation"].to_numpy()[kept]
    across = [panel(m, (evaluation.prediction(m, kept, one) - base)[:, 0], observed, np.nan) for m in scores.methods]
    across = [
        figures.Panel(p.method, p.name, p.colour, p.predicted, [f"{p.corner[1]} over perturbations"]) for p in across
    ]
    figure = figures.panels(
        observed,
        across,
        names,
        f"observed {what}",
        f"predicted {what}",
        centred=reference != "none",
        marked=perturbation,
    )
    chart(
        marked(figure, current.token, gene, reference),
        "gene",
        question=f"{gene}: is its {what} predicted over perturbations?",
        alt=f"Predicted against observed {what} of {gene} over {len(names)} perturbations.",
        table=lambda: pd.DataFrame(
            {"perturbation": names, "observed": observed, **{p.name: p.predicted for p in across}}
        ),
        filename=f"gene-{gene}",
        note=captions.followed(gene, observed, across, names),
    )
