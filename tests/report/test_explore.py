"""The explorable: its numbers are the package's, its names are only names, it asks nothing of any network."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

import perturbviz as pv
from perturbviz.analyses.offered import Plan, parts_of, plan
from perturbviz.benchmark import save
from perturbviz.benchmark.scoretable import COLUMNS as SCORES
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.cli import main
from perturbviz.errors import UserError
from perturbviz.report.explorable import COLUMNS, pack
from perturbviz.report.explore import explore, page_of
from perturbviz.report.packing import from_planes
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import parse_subset
from perturbviz.scoring.view import View
from tests.wiring.world import World

HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>**bold**@body@"
METRICS = ("mse", "pearson_delta", "centroid_accuracy", "nonadditive_recall", "gene_correlation")


@pytest.fixture(scope="module")
def bench():
    return World().benchmark


def small(bench, genes=("all", "expressed:7-targets"), metrics=METRICS):
    """A plan of few views."""
    whole, subsets = plan(Evaluation(bench)), [parse_subset(g) for g in genes]
    pairs = {s: tuple(p for p in _pairs(bench, s) if p[0] in metrics) for s in subsets}
    return Plan(tuple(subsets), pairs, whole.parts, whole.averages)


def _pairs(bench, subset):
    from perturbviz.scoring.validity import offered_pairs

    return offered_pairs(Evaluation(bench), subset)


class Unpacked:
    """What the page's script reads, read the same way."""

    def __init__(self, packed):
        self.header, self.numbers = json.loads(packed.text), from_planes(packed.numbers)
        h = self.header
        self.m, self.averages, start = len(h["methods"]), h["averages"], 0
        start = len(h["views"]) * len(self.averages) * len(COLUMNS) * self.m
        self.starts = []
        for s, p, own in h["views"]:
            self.starts.append(start if own else None)
            start += own * self.m * len(self.units(s, p)["labels"])
        assert start == len(self.numbers)

    def units(self, s, p):
        return self.header["parts"][p]["whole" if self.header["settings"][s]["whole"] else "each"]

    def table(self, k, average):
        cell = k * len(self.averages) + self.averages.index(average)
        block = self.numbers[cell * len(COLUMNS) * self.m :][: len(COLUMNS) * self.m].reshape(len(COLUMNS), self.m)
        return pd.DataFrame(dict(zip(COLUMNS, block, strict=True)), index=[m["id"] for m in self.header["methods"]])

    def points(self, k):
        s, p, own = self.header["views"][k]
        labels = self.units(s, p)["labels"]
        if own:
            return labels, self.numbers[self.starts[k] :][: self.m * len(labels)].reshape(self.m, -1)
        first = next(i for i, (t, q, _) in enumerate(self.header["views"]) if (t, q) == (s, 0))
        names, values = self.points(first)
        return labels, values[:, [names.index(label) for label in labels]]


def rounded(values):
    return [v if not np.isfinite(v) else float(f"{v:.3e}") for v in np.asarray(values, float)]


def test_every_packed_ranking_is_the_packages(bench):
    """Every setting, part of the perturbations and average, on two contexts and seeds with rows missing."""
    found, parts = Unpacked(pack(bench, planned=small(bench))), parts_of(Evaluation(bench), Evaluation(bench).methods)
    every = ["held-out", "seed:1", "seed:2", "context:x", "context:y", "singles", "doubles"]
    assert [p.id for p in parts] == every
    seen = set()
    for k, (s, p, _) in enumerate(found.header["views"]):
        setting, part = found.header["settings"][s], parts[p]
        subset = parse_subset(setting["genes"])
        fields = {"genes": subset.kind, "n": subset.n, "targets": subset.targets, **part.fields}
        ref = {} if setting["ref"] == "none" else {"ref": setting["ref"]}
        for average in found.averages:
            view = View(metric=setting["metric"], avg=average, **ref, **fields)
            ranking = pv.ranking(bench, view=view)
            table = found.table(k, average)
            for column in COLUMNS:
                want = ranking.table[column].reindex(table.index)
                np.testing.assert_array_equal(table[column], rounded(want), err_msg=f"{view} {column}")
        seen.add((setting["metric"], part.id))
    assert {m for m, _ in seen} == set(METRICS) and {p for _, p in seen} == {p.id for p in parts}


def test_every_packed_point_stands_under_its_perturbation(bench):
    found = Unpacked(pack(bench, planned=small(bench, ("all",), ("mse", "centroid_accuracy"))))
    evaluation = Evaluation(bench)
    parts = parts_of(evaluation, evaluation.methods)
    for k, (s, p, _) in enumerate(found.header["views"]):
        labels, values = found.points(k)
        setting = found.header["settings"][s]
        view = View(metric=setting["metric"], genes="all", **parts[p].fields)
        frame = pv.score_view(evaluation, view).to_frame()
        several = frame["context"].nunique() > 1
        frame["label"] = frame["perturbation"] + (" · " + frame["context"] if several else "")
        want = frame.groupby(["method", "label"])["value"].mean()
        for i, method in enumerate(m["id"] for m in found.header["methods"]):
            expected = [want[method, label] for label in labels]
            np.testing.assert_allclose(values[i], rounded(expected), rtol=1e-3 + 1e-9)
        assert len(labels) == frame["label"].nunique()


def test_sentences_are_the_packages(bench):
    from perturbviz.panels import captions

    found = pack(bench, planned=small(bench, ("all",), ("mse",))).header
    headline, questions, interval = (found["texts"][i] for i in found["sentences"][0])
    ranking = pv.ranking(bench, metric="mse", genes="all")
    assert headline == captions.headline(ranking)
    assert "reference: **none**" in questions and "average: **mean**" in questions and "all genes" in questions
    assert interval.startswith(("Intervals: 95%", "No intervals: "))


def test_what_would_be_too_much_is_left_out_and_said(bench, monkeypatch):
    from perturbviz.analyses import offered

    evaluation = Evaluation(bench)
    whole = plan(evaluation)
    assert whole.left_out == () and len(whole.parts) == 7 and any(not s.targets for s in whole.subsets)
    monkeypatch.setattr(offered, "VALUES", 1)
    monkeypatch.setattr(offered, "MEDIANS", 1)
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 1)
    few = plan(evaluation)
    assert len(few.parts) == 1 and few.averages == ("mean",) and all(s.targets for s in few.subsets)
    assert "Perturbation discrimination" in few.left_out[0] or "Centroid accuracy" in few.left_out[0]
    assert "Medians are left out" in few.left_out[1] and "too large" in few.left_out[2]
    assert not any(m == "centroid_accuracy" for pairs in few.pairs.values() for m, _ in pairs)


def test_many_perturbations_are_thinned_evenly(bench, monkeypatch):
    monkeypatch.setattr("perturbviz.report.explorable.MAX_POINTS", 5)
    found = Unpacked(pack(bench, planned=small(bench, ("all",), ("mse",))))
    units = found.units(0, 0)
    assert len(units["labels"]) == 5 < units["total"]


def score_table():
    rows = [("m", "", "c", p, "mse", "none", "all", 10, v) for p, v in (("A", 1.0), ("B", 2.0), ("C", 4.0))]
    rows += [("n", "", "c", p, "mse", "none", "all", 10, v) for p, v in (("A", 2.0), ("B", 2.5), ("C", 4.5))]
    frame = pd.DataFrame(rows, columns=SCORES)
    return ScoreTable(frame, {"mse": {"name": "MSE", "better": "lower"}}, {"m": "M", "n": HOSTILE}, HOSTILE)


def test_a_score_table_is_ranked_by_its_own_metrics():
    found = Unpacked(pack(score_table()))
    for average in ("mean", "median"):
        want = pv.rank(score_table(), metric="mse", average=average).set_index("method")
        np.testing.assert_array_equal(found.table(0, average)["score"], rounded(want["score"].reindex(["m", "n"])))
    assert found.header["parts"][0]["id"] == "published" and found.header["published"]


def test_gene_subsets_contexts_and_splits_of_a_score_table_are_choices():
    """Rankings of every part, on the perturbations common to the methods; a part without any is not offered."""
    rng, rows = np.random.default_rng(3), []
    for method in ("m", "n"):
        for genes in ("all", "de:20", "as published"):
            for seed, context, names in (("1", "x", "ABCD"), ("2", "x", "BCDE"), ("1", "y", "AB"), ("2", "z", "FG")):
                some = names if method == "m" or context != "z" else ""
                rows += [(method, seed, context, p, "mse", "none", genes, 10, rng.random()) for p in some]
    table = ScoreTable(pd.DataFrame(rows, columns=SCORES), {"mse": {"better": "lower"}}, {"m": "M", "n": "N"}, "Table")
    found = Unpacked(pack(table))
    parts = found.header["parts"]
    assert [p["id"] for p in parts] == ["published", "seed:1", "seed:2", "context:x", "context:y", "context:z"]
    assert [s["genes"] for s in found.header["settings"]] == ["all", "de:20"]  # no view can ask for the third
    for k, (s, p, _) in enumerate(found.header["views"]):
        field, _, value = parts[p]["id"].partition(":")
        subset = parse_subset(found.header["settings"][s]["genes"])
        view = View(metric="mse", genes=subset.kind, n=subset.n, **({field: value} if value else {}))
        want = pv.ranking(table, metric="mse", view=view).table
        np.testing.assert_array_equal(found.table(k, "mean")["score"], rounded(want["score"].reindex(["m", "n"])))
        labels, values = found.points(k)
        assert values.shape == (2, len(labels)) and len(set(labels)) == len(labels)
    assert {p for _, p, _ in found.header["views"]} == set(range(6))


def test_hostile_names_are_only_names():
    page = explore(score_table())
    text = page.html
    assert text.count("<script") == 4 and text.count("</script>") == 4
    assert "<img" not in text and "onerror=alert(2)>" not in text and html.escape(HOSTILE) in text
    islands = re.findall(r'<script type="text/plain" id="pv-\w+">([^<]*)</script>', text)
    assert len(islands) == 3 and all(re.fullmatch(r"[A-Za-z0-9+/=]+", island) for island in islands)
    framed = page._repr_html_()
    assert framed.count("<") == 2 and 'sandbox="allow-scripts allow-downloads"' in framed
    assert "MB)" in repr(page) and len(repr(page)) < 300


def test_it_fetches_nothing_and_runs_only_its_own_scripts():
    text = explore(score_table()).html
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'") and "connect-src" not in policy and "http" not in policy
    assert len(re.findall(r"'sha256-[\w+/=]+'", policy)) == 2 and "unsafe-eval" not in policy
    assert not re.search(r'(src|href)="(?!#)', text)
    assert "showSendToCloud: false" in text and "innerHTML" not in text


def test_the_command_writes_whole_or_not_at_all(make_benchmark, tmp_path, capsys):
    rng = np.random.default_rng(0)
    names = ["g1", "g2", "g3", "g4", "g1+g2", "g3+g4", "g1+g3"]
    save(make_benchmark(rng.normal(size=(7, 12)), names, space="delta"), tmp_path / "b.h5ad")
    assert main(["explore", str(tmp_path / "b.h5ad"), "-o", str(tmp_path / "p.html")]) == 0
    assert re.search(r"wrote .*p.html: [\d,]+ views, \d\.\d MB\n$", capsys.readouterr().err)
    assert (tmp_path / "p.html").stat().st_size < 3e6
    for words in (["no.h5ad", "-o", "q.html"], ["b.h5ad", "-o", "q.txt"], ["b.h5ad", "-o", "no/q.html"]):
        assert main(["explore", *(str(tmp_path / w) if "." in w else w for w in words)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert {p.name for p in tmp_path.iterdir()} == {"b.h5ad", "p.html"}


def test_nothing_to_rank_is_one_sentence(make_benchmark):
    with pytest.raises(UserError, match="nothing to rank"):
        explore(make_benchmark(np.ones((2, 5)), ["g1", "g2"], space="delta", split=["train", "train"]))


def test_the_start_is_where_the_dashboard_opens(bench):
    start = pack(bench, planned=small(bench)).header["start"]
    assert start == {"metric": "l2", "ref": "control", "genes": "expressed:1000"}
    assert page_of(bench, pack(bench, planned=small(bench, ("all",), ("mse",)))).n_views == 2 * 7
