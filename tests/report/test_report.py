"""The report: the same numbers as the scores, harmless whatever the names are, small, written whole or not at all."""

import base64
import gzip
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest

from perturbviz.benchmark import load, save
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.cli import main
from perturbviz.cli.report import parse_view
from perturbviz.metrics import CATALOGUE
from perturbviz.report import Direct, Item, build
from perturbviz.report.page import inline
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from tests.charts import decoded
from tests.wiring.world import World

DEMO = Path(__file__).parents[2] / "data" / "demo.h5ad"
HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>**bold**@body@"


def unpacked(text, name):
    data = re.search(rf'id="{name}">([^<]*)<', text)[1]
    return gzip.decompress(base64.b64decode(data)).decode()


@pytest.fixture(scope="module")
def demo():
    return load(DEMO)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "r.html"
    assert main(["report", str(DEMO), "--view", "metric=pearson_delta&ref=perturbation", "-o", str(out)]) == 0
    return out.read_text(encoding="utf-8")


def test_table_and_figure_hold_the_scores(report, demo):
    view = View(metric="pearson_delta", ref="perturbation")
    table = rank(score_view(Evaluation(demo), view)).table
    lines = re.findall(r"<tr>(<td>.*?)</tr>", re.search(r'<table class="numbers">.*?</table>', report, re.S)[0])
    cells = [[html.unescape(c) for c in re.findall(r"<td>(.*?)</td>", line)] for line in lines]
    assert [c[1] for c in cells] == list(table["name"])
    assert [c[2] for c in cells] == ["undefined" if np.isnan(s) else f"{s:.6g}" for s in table["score"]]
    figures = decoded(json.loads(unpacked(report, "pv-figures")))
    drawn = figures["v0-order"]["data"][0]
    expected = table["score"].dropna()
    np.testing.assert_allclose(np.asarray(drawn["x"], float), expected)
    assert drawn["ids"] == list(expected.index)
    assert set(figures) == {"v0-order", "v0-distribution", "v0-bump"}


def test_no_chart_offers_to_upload_itself(report):
    assert report.count("showSendToCloud: false") == 1


def test_it_says_what_it_is_about(report, demo):
    assert len(report.encode()) < 8e6
    for text in (
        "is first by Pearson delta vs the perturbation mean",
        "reference: <strong>perturbation mean",
        "average: <strong>mean",
        "Simulated data",
        demo.content_id,
        "plotly ",
        "numpy ",
        "metric=pearson_delta",
        "--view",
    ):
        assert text in report
    assert all(html.escape(m.card.symbol) in report and html.escape(m.card.name) in report for m in CATALOGUE.values())
    assert unpacked(report, "pv-plotly").startswith("/**")
    assert not re.search(r'(src|href)="(?!#)', report)  # nothing is fetched


def test_the_usual_views_leave_out_what_makes_no_sense(make_benchmark, tmp_path):
    rng = np.random.default_rng(0)
    names = ["g1", "g2", "g3", "g4", "g1+g2", "g3+g4", "g1+g3"]
    save(make_benchmark(rng.normal(size=(7, 30)), names, space="delta"), tmp_path / "b.h5ad")
    assert main(["report", str(tmp_path / "b.h5ad"), "-o", str(tmp_path / "r.html")]) == 0
    text = (tmp_path / "r.html").read_text()
    assert text.count("<article") == 4 and 'class="problem">P' not in text
    assert "all genes, 30" in text


def test_a_view_that_makes_no_sense_gets_its_sentence(make_benchmark):
    b = make_benchmark(np.ones((2, 5)), ["g1", "g2"], space="delta", split=["train", "test"])
    text = build([Item(b, View(metric="pearson"))])
    assert "needs expression values" in text


def test_hostile_names_are_only_names(make_benchmark):
    rng = np.random.default_rng(1)
    names = ["g1", "g2", "g3", "g1+g2", "g2+g3", "g1+g3"]
    control = rng.gamma(2, 1, 20)
    truth = control + rng.normal(size=(6, 20))
    b = make_benchmark(
        truth, names, control=control, split=["train"] * 3 + ["test"] * 3, predictions={"m": truth + 0.1}
    )
    meta = b.adata.uns["perturbviz"]
    meta.update(title=HOSTILE, source={HOSTILE: HOSTILE}, methods={"m": {"name": HOSTILE, "note": HOSTILE}})
    text = build([Item(b, View(genes="all"))], app="http://localhost:8501/", command=HOSTILE)
    assert text.count("<script") == 3 and text.count("</script>") == 3
    assert "<img" not in text and "onerror=alert(2)>" not in text
    assert html.escape(HOSTILE) in text
    assert re.search(r"script-src 'sha256-[\w+/=]+' 'sha256-[\w+/=]+'\"", text)
    figures = json.loads(unpacked(text, "pv-figures"))
    shown = " ".join(figures["v0-order"]["layout"]["yaxis"]["ticktext"])
    assert "&lt;/script&gt;" in shown and "</script>" not in shown and "<img" not in shown
    bad = build([Item(b, View(genes="all"))], app='javascript:alert("x")')
    assert "href=" not in bad


def test_a_score_table_can_be_reported():
    rows = [("m", "", "c", p, "mse", "none", "all", 10, v) for p, v in (("A", 1.0), ("B", 2.0), ("C", 4.0))]
    rows += [("n", "", "c", p, "mse", "none", "all", 10, v) for p, v in (("A", 2.0), ("B", 2.5), ("C", 4.5))]
    import pandas as pd

    from perturbviz.scoring.scores import COLUMNS

    frame = pd.DataFrame(rows, columns=COLUMNS)
    table = ScoreTable(frame, {"mse": {"name": "MSE", "better": "lower"}}, {"m": "M <x>", "n": "N"}, "Table")
    text = build([Item(table, View(metric="mse"))])
    assert "M &lt;x&gt;" in text and "2.33333" in text and "as published" in text


def test_sentences_become_html():
    assert inline(r"**A\*b** \<c\> d*e & f") == "<strong>A*b</strong> &lt;c&gt; d*e &amp; f"
    assert inline("**open") == "<strong>open</strong>"


def test_views_are_read_strictly(capsys, tmp_path):
    assert parse_view("http://host/?metric=mse&genes=de&n=50&data=x") == {"metric": "mse", "genes": "de", "n": 50}
    assert parse_view("metric=l2") == {"metric": "l2"}
    for text in ("metric=nonsense", "colour=red", "", "n=-3", "targets=maybe"):
        assert main(["report", str(DEMO), "--view", text, "-o", str(tmp_path / "r.html")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["report", str(DEMO), "-o", str(tmp_path / "r.txt")]) == 2
    assert main(["report", str(tmp_path / "no.h5ad"), "-o", str(tmp_path / "r.html")]) == 2
    assert not list(tmp_path.iterdir())


def test_metrics_that_take_minutes_are_left_out_as_on_the_page(monkeypatch):
    bench = World().benchmark
    every = Direct().rank_table(bench, View())
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 0)
    quick = Direct().rank_table(bench, View())
    assert not every.left_out and quick.left_out
    assert {*quick.settings, *quick.left_out} == set(every.settings) and not {*quick.settings} & {*quick.left_out}
