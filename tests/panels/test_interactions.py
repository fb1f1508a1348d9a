"""Figures of non-additivity that no page of the demo draws: they are what Plotly takes, and names are escaped."""

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES
from perturbviz.panels.figures import interaction_pairs, interactions, published

NASTY = "<b>x</b>"
COLOURS = {NASTY: "#1653bf", "B": "#c68564"}


def test_scores_by_published_class():
    table = pd.DataFrame({"class": ["b", "a_c", "b"], "value": [3.0, 1.0, 5.0], "double": [NASTY, "P+Q", "R+S"]})
    fig = interaction_pairs.by_class(table, "fit").figure()
    assert fig.layout.xaxis.ticktext == ("a<br>c", "b")
    points, median = fig.data[2:]
    np.testing.assert_array_equal(points.y, [3, 5])
    assert points.text[0] == "&lt;b&gt;x&lt;/b&gt;" and median.y == (4, 4)


def test_published_curves_and_calls():
    curves = pd.DataFrame({"method": [NASTY, NASTY, "B"], "fdp": [0.1, 0.2, 0.1], "tpr": [0.3, 0.4, 0.5]})
    lines = published.curves(curves, COLOURS, {"B": "dash"}).figure().data
    assert [t.name for t in lines] == ["&lt;b&gt;x&lt;/b&gt;", "B"]
    assert [t.line.dash for t in lines] == ["solid", "dash"]
    np.testing.assert_allclose(lines[0].y, [0.3, 0.4], atol=1e-6)
    calls = pd.DataFrame(
        {
            "method": [NASTY] * 3,
            "seed": "1",
            "perturbation": "P+Q",
            "gene": list("abc"),
            "observed": [0.1, 0.2, 0.3],
            "predicted": [1.0, -3.0, 2.0],
            "true_class": ["additive", "opposite", "additive"],
        }
    )
    fig = published.calls(calls, [NASTY], COLOURS, most=2).figure()
    pairs = next(t for t in fig.data if t.uid == f"pairs-{NASTY}")
    assert list(pairs.ids) == ["P+Q · b · seed 1", "P+Q · c · seed 1"]
    assert fig.layout.shapes[1].label.text == "3 calls<br>2 drawn"


def test_mosaic_of_nothing_is_empty():
    nothing = pd.DataFrame(0, index=PAPER_CLASSES, columns=PAPER_CLASSES)
    assert not interactions.mosaic(nothing).figure().data
