"""Panels of profiles: predicted against observed values of one perturbation's genes, or of one gene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.profiles import Profile
from perturbviz.panels import captions
from perturbviz.panels.figures import profiles as figures
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel


def perturbation(
    found: Profile, look: Look, name: str, symbol: str, scores: Sequence[float], marked: str = ""
) -> Panel:
    """Genes of one perturbation; a click reports the gene.

    Parameters
    ----------
    symbol, scores
        The view's metric and (methods,) its scores of this perturbation, written into the corners.
    marked
        Gene drawn with a ring.
    """
    said = [f"{symbol} {'undefined' if np.isnan(score) else f'{score:#.3g}'}" for score in scores]
    multiples = [
        figures.Multiple(m, look.name(m), look.colours[m], values, [score, _r(r)])
        for m, values, score, r in zip(found.methods, found.predicted, said, found.correlation, strict=True)
    ]
    return Panel(
        key="profile",
        question=f"{name}: does the predicted {found.what} match, gene by gene?",
        figure=_figure(found, multiples, marked),
        caption=captions.profile(name, found.observed, multiples, pd.Index(found.labels)),
        hint="Click a gene to follow it." if _any(found) else "",
        alt=f"Predicted against observed {found.what} of {len(found.labels)} genes for {name}, "
        f"{len(multiples)} methods.",
        table=lambda: _table("gene", found, multiples),
        filename=f"profile-{name}",
        select=True,
        axes=(name, found.reference),
    )


def gene(found: Profile, look: Look, name: str, marked: str = "") -> Panel:
    """One gene over perturbations; ``marked``: perturbation drawn with a ring."""
    multiples = [
        figures.Multiple(m, look.name(m), look.colours[m], values, [f"{_r(r)} over perturbations"])
        for m, values, r in zip(found.methods, found.predicted, found.correlation, strict=True)
    ]
    return Panel(
        key="gene",
        question=f"{name}: is its {found.what} predicted over perturbations?",
        figure=_figure(found, multiples, marked),
        caption=captions.followed(name, found.observed, multiples, found.labels),
        alt=f"Predicted against observed {found.what} of {name} over {len(found.labels)} perturbations.",
        table=lambda: _table("perturbation", found, multiples),
        filename=f"gene-{name}",
        axes=(name, found.reference),
    )


def _r(correlation: float) -> str:
    return f"r {'undefined' if np.isnan(correlation) else f'{correlation:.2f}'}"


def _any(found: Profile) -> bool:
    """Whether some method predicts something."""
    return bool((~np.isnan(found.predicted)).any())


def _figure(found: Profile, multiples: Sequence[figures.Multiple], marked: str) -> Drawing:
    return figures.panels(
        found.observed,
        multiples,
        found.labels.tolist(),
        f"observed {found.what}",
        f"predicted {found.what}",
        centred=found.reference != "none",
        marked=marked,
    )


def _table(what: str, found: Profile, multiples: Sequence[figures.Multiple]) -> pd.DataFrame:
    return pd.DataFrame({what: found.labels, "observed": found.observed, **{p.name: p.predicted for p in multiples}})
