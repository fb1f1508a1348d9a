"""Linear model: build Y ≈ G W Pᵀ + b live, see what it can and cannot, and enter it into the competition."""

from typing import cast

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.panels import linear as panels
from perturbviz.panels.captions import linear as words
from perturbviz.ui import session, sources
from perturbviz.ui.chart import draw
from perturbviz.ui.current import begin
from perturbviz.ui.sections import linear_controls as controls
from perturbviz.ui.sections import linear_fit
from perturbviz.ui.sections.linear_fit import Fit
from perturbviz.ui.sections.linear_looks import look_closer


def main() -> None:
    """The page."""
    current = begin("linear_model")
    data = current.view.data
    plain = cast(Benchmark, sources.open_source(data))  # a table of scores does not come this far
    st.markdown(
        "$\\hat Y = G\\,W\\,P^\\top + b$: the change of every gene under an unseen perturbation, from an embedding "
        "$G$ of the genes, an embedding $P$ of the perturbations, weights $W$ found by ridge regression, and the "
        "mean change $b$. Fitted to training perturbations only."
    )
    places = st.columns(2)
    how = controls.choose_split(plain, places[0])
    recipe = controls.choose_recipe(plain, data, places[1])
    companions = controls.choose_companions(recipe, plain, data, how)
    fit = linear_fit.fit(current, plain, recipe, companions, how)
    linear_fit.say_result(fit)
    controls.competition(recipe, data, linear_fit.why_not_entering(current, plain, fit))
    linear_fit.show_lost(fit)
    left, right = st.columns(2, gap="large")
    with left:
        draw(panels.standing(fit.subject, fewer(fit)), fit.token)
    with right:
        show_arrows(fit)
    look_closer(fit)


def fewer(fit: Fit) -> dict[str, int] | None:
    """Where perturbations are few: how many there would be without each model."""
    if not fit.subject.few:
        return None
    return words.common_without(fit.base.rows, fit.named, fit.subject.names[fit.recipe.slug])


def show_arrows(fit: Fit) -> None:
    """From one model's scores to another's; both are chosen here."""
    subject, defined, own = fit.subject, fit.subject.ranking.defined, fit.recipe.slug
    beside = {f"P.{r.perturbation}": slug for slug, (_, r) in fit.models.items() if slug != own}
    roles = {role: m for role, m in ({"this": own} | beside).items() if m in defined}
    roles |= {m: m for m in subject.ranking.scores.methods if m in defined and m not in roles.values()}
    if "this" not in roles or len(roles) < 2:
        st.info("Arrows need two models with a defined score on the same perturbations.")
        return
    names = {role: subject.names[m] for role, m in roles.items()}
    start, end = (roles[role] for role in controls.choose_arrows(fit.recipe, names))
    event = draw(panels.arrows(subject, start, end, session.extra("p")), fit.token)
    if event.clicked:
        session.defer(p=str(event.clicked).partition(" · ")[0])


main()
