"""Who finds it? Curves over splits and a table of scores."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.metrics.nonadditive.calls import Side
from perturbviz.panels import captions
from perturbviz.panels import interactions as panels
from perturbviz.panels.captions import interactions as interaction_captions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.sections.interactions.work import SIDES, Work, number_of_calls, option
from perturbviz.ui.tables import draw_table

KINDS = {"": "TPR–FDP", "precision_recall": "precision–recall", "roc": "ROC"}
_HELP = (
    "TPR–FDP: for every false discovery proportion the largest share of non-additive pairs that can be found at it. "
    "Precision–recall and ROC: the usual curves of the same order."
)
_SIDES = (
    "Both sides (the paper): ordered by |predicted deviation|. Above additive (its preprint's notebook): by the "
    "deviation, found are pairs above the upper threshold. Below additive: the mirror image."
)


def draw(work: Work) -> None:
    """Draw the section."""
    a, b, c = st.columns([1.2, 1.4, 1.2], gap="medium")
    with a:
        kind = option("Curve", "curve", KINDS, _HELP) or "tpr_fdp"
    with b:
        side = cast("Side", option("Side", "side", SIDES, _SIDES) or "both")
    with c:
        n = number_of_calls()
    found = {m: cache.found(work.question, m, side, n) for m in work.methods}
    if "no_change" not in found and "no_change" in work.current.methods:  # always drawn: what any method has to beat
        found["no_change"] = cache.found(work.question, "no_change", side, n)
    says = interaction_captions.convention(work.threshold)
    st.markdown(captions.escape(interaction_captions.against_no_change(found, work.names, side)) + says)
    panel = panels.curves(kind, side, found, work.look, work.threshold)
    if panel is None:
        st.info(
            "No shown method orders the pairs of these doubles: switch on another method in the sidebar.",
            icon=":material/search:",
        )
        return
    draw_panel(panel, work.token)
    said = interaction_captions.take_part(found, work.names)
    if said:
        st.caption(said)
    table = score_table(found, work.names, n)
    help_ = {c: st.column_config.Column("±", help=c) for c in table.columns if c.startswith("±")}
    # short heads: the remark must not be pushed out of the screen
    draw_table(table, column_config=help_)


def score_table(found, names, n: int) -> pd.DataFrame:
    """Means over splits with standard errors, best average precision first; last who takes no part, with the reason."""
    columns = {
        "average_precision": "average precision",
        "auroc": "AUROC",
        "recall": f"recall@{n}",
        "precision": f"precision@{n}",
    }
    lines = []
    for method, f in found.items():
        line = {"method": names[method]}
        for key, title in columns.items():
            line[title] = f.table[key].mean() if len(f.table) else np.nan
            if len(f.table) > 1:
                line[f"± {title}"] = f.table[key].std() / np.sqrt(len(f.table))
        line["remark"] = {"additive": "by definition predicts none", "nothing predicted": "nothing predicted"}.get(
            f.why, ""
        )
        lines.append(line)
    table = pd.DataFrame(lines)
    order = ["method", *[c for t in columns.values() for c in (t, f"± {t}") if c in table], "remark"]
    return table.sort_values("average precision", ascending=False, na_position="last", kind="stable")[order].round(4)
