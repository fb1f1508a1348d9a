"""The Goodhart lab without a browser: every section, links, and a class with three sessions."""

import numpy as np
import pytest

from perturbviz.analyses.goodhart import Knobs, game
from perturbviz.benchmark import load
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score
from tests.charts import figures
from tests.pages.conftest import ROOT, unfold


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def linked(at, name):
    """A parameter of the address; AppTest gives one value as a list or as it is."""
    return "".join(at.query_params[name])


def point(at):
    diamond = trace(chart(at, "plane"), "yours")
    return float(np.ravel(diamond["x"])[0]), float(np.ravel(diamond["y"])[0])


def test_a_slider_moves_the_point_to_what_the_package_computes(open_page):
    at = open_page("goodhart", start="cautious", mx="mse:none", my="pearson_delta:control", metric="mse")
    first = point(at)
    at.slider(key="k_amplify").set_value(2.0).run()
    assert linked(at, "knobs") == "a2"
    b = load(ROOT / "data" / "demo.h5ad")
    evaluation = Evaluation(b)
    values = np.full(b.adata.shape, np.nan, np.float32)
    seed = (evaluation.rows["seed"] == "1").to_numpy()
    rows = np.flatnonzero(seed)
    values[evaluation.rows["obs"].to_numpy()[rows]] = game(evaluation, "cautious", Knobs(amplify=2.0), rows)
    changed = Evaluation(b.with_predictions("yours", "Yours", {"1": values}))
    unfold(at, "_more").selectbox(key="seed").set_value("1").run()
    expected = score(changed, "mse", subset=GeneSubset("expressed", 1000), methods=["yours"], rows=rows).values.mean()
    assert point(at)[0] == pytest.approx(expected, rel=1e-5)
    assert point(at)[0] != pytest.approx(first[0])
    assert point(at)[1] == pytest.approx(trace_of_start(at)[1], rel=1e-3)  # blind to size


def trace_of_start(at):
    methods = trace(chart(at, "plane"), "methods")
    i = list(methods["ids"]).index("cautious")
    return np.ravel(methods["x"])[i], np.ravel(methods["y"])[i]


def test_a_link_restores_knobs_and_a_bad_one_is_explained(open_page):
    at = open_page("goodhart", knobs="b0.5~mean_a1.7_p", start="half_sum")
    assert at.slider(key="k_amplify").value == 1.7
    assert at.slider(key="k_blend").value == 0.5
    assert at.checkbox(key="k_positive").value
    assert at.selectbox(key="start").value == "half_sum"
    assert "training truth" in " ".join(c.value for c in at.caption)
    at = open_page("goodhart", knobs="a1_zzz")
    assert "no setting of knobs" in at.warning[0].value
    assert at.slider(key="k_amplify").value == 1.0


def test_tricks_and_reset_set_the_sliders(open_page):
    at = open_page("goodhart", start="cautious")
    assert "k_top" not in [w.key for w in at.select_slider]  # folded away
    at.selectbox(key="_trick").set_value("Only the headlines: 50 genes").run()
    assert at.select_slider(key="k_top").value == 50  # a trick unfolds what it turns
    at.session_state["_more_knobs"] = False
    at.slider(key="k_amplify").set_value(1.5).run()
    assert linked(at, "knobs") == "k50_a1.5"  # and what is folded away again stays turned
    at.selectbox(key="_trick").set_value("Shout: every change three times as large").run()
    assert at.slider(key="k_amplify").value == 3.0
    assert not at.exception
    assert "higher than Cautious did" in chart(at, "strip")["note"]
    next(b for b in at.button if b.label == "Reset all knobs").click().run()
    assert at.slider(key="k_amplify").value == 1.0
    assert "knobs" not in at.query_params


def test_the_optimiser_reports_climb_effects_and_verdict(open_page, monkeypatch):
    monkeypatch.setattr("perturbviz.ui.sections.goodhart_tune.SECONDS", 2.0)
    at = open_page("goodhart", lab="tune", start="overconfident", metric="mse")
    assert "Find the setting" in at.info[0].value
    assert at.selectbox(key="_target").value == ("pearson_delta", "control")
    at.button(key="_find").click().run()
    assert not at.exception
    assert {f["key"] for f in figures(at)} == {"climb", "scales"}
    assert "validation perturbations" in chart(at, "climb")["note"]
    assert any("learnt" in m.value for m in at.markdown)
    assert len(trace(chart(at, "climb"), "climb-reported on-after")["x"]) == 5  # seeds
    next(b for b in at.button if b.label == "Put it on the sliders").click().run()
    assert linked(at, "lab") == "play"
    assert Knobs.from_link(linked(at, "knobs")).amplify == at.slider(key="k_amplify").value


def test_the_table_covers_every_metric_offered(open_page, monkeypatch):
    monkeypatch.setattr(
        "perturbviz.analyses.goodhart.gameability.weak_tricks", lambda n: (Knobs(amplify=0.5), Knobs(amplify=2.0))
    )
    monkeypatch.setattr("perturbviz.analyses.goodhart.gameability.empty_tricks", lambda n: (Knobs(shift=1.0),))
    at = open_page("goodhart", lab="table", genes="expressed", n="100", seed="1")
    figure = chart(at, "gameability")
    labels = figure["layout"]["yaxis"]["ticktext"]
    assert any(label.startswith("PDS") for label in labels)
    assert any("(100 DE genes)" in label for label in labels)
    assert "Empty start: any knob (No change)" in figure["note"]
    assert "Four known tricks" in " ".join(m.value for m in at.markdown)


@pytest.mark.parametrize(
    "query", [{"data": "demo-b"}, {"genes": "de", "n": "50"}, {"show": ["no_change", "mean"]}, {"targets": "false"}]
)
def test_every_view_has_a_playground(open_page, query):
    at = open_page("goodhart", **query)
    assert not at.exception
    assert {f["key"] for f in figures(at)} == {"plane", "strip"}


def test_a_class_of_two_teams(open_page):
    teacher = open_page("goodhart", lab="class")
    target = teacher.selectbox(key="_class_target")
    assert target.value == ("pearson_delta", "control")  # a target that shows the effect, whatever the view's metric is
    target.set_value(("mse", "none")).run()
    teacher.button(key="_open_class").click().run()
    code = teacher.title[-1].value
    teams = []
    for name, size in (("<b>Reds</b>", 0.5), ("Blues", 5.0)):
        at = open_page("goodhart", lab="class", start="overconfident")
        at.text_input(key="_code").set_value(code.lower())
        at.text_input(key="_team").set_value(name)
        next(b for b in at.button if b.label == "Join").click().run()
        at.slider(key="k_amplify").set_value(size).run()
        at.button(key="_hand_in").click().run()
        assert "Handed in" in at.success[0].value
        assert not figures(at)
        teams.append(at)
    teacher.run()
    board = teacher.dataframe[0].value
    assert board["team"].tolist() == ["<b>Reds</b>", "Blues"]
    assert list(board.columns)[-1] == "submissions"  # no settings before the reveal
    teacher.toggle(key="_reveal").set_value(True).run()
    teams[1].run()
    for at in (teacher, teams[1]):
        assert "change × 5" in at.dataframe[0].value["setting"].tolist()
        reveal = chart(at, "reveal")
        assert "is first on MSE" in reveal["note"] and "Against its untouched prediction: of " in reveal["note"]
        lines = {t["name"]: t for t in reveal["data"]}
        assert list(lines) == ["&lt;b&gt;Reds&lt;/b&gt;", "Blues", "Overconfident, untouched"]  # Plotly obeys tags
        assert (
            lines["Overconfident, untouched"]["y"][0] == 2
            and lines["Overconfident, untouched"]["line"]["dash"] == "dash"
        )


def test_a_wrong_code_and_a_taken_name_are_explained(open_page):
    at = open_page("goodhart", lab="class")
    at.text_input(key="_code").set_value("NOPE")
    at.text_input(key="_team").set_value("Us")
    next(b for b in at.button if b.label == "Join").click().run()
    assert "no class with this code" in at.error[0].value


def test_a_class_is_not_opened_on_what_somebody_loaded(open_page):
    at = open_page("goodhart", lab="class")
    at.session_state["_own_data"] = {"demo": load(ROOT / "data" / "demo_context_b.h5ad")}
    at.run()
    assert at.button(key="_open_class").disabled
    assert "stays in your session" in " ".join(i.value for i in at.info)


def test_metrics_that_would_take_minutes_are_left_out_by_name(open_page, monkeypatch):
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 0)
    at = open_page("goodhart", genes="expressed", n="37")
    assert "Centroid accuracy" in next(c.value for c in at.caption if c.value.startswith("Not among them:"))
    offered = at.selectbox(key="mx").options
    assert "Centroid accuracy" not in offered and "L2 distance" in offered
