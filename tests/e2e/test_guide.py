"""Lessons from link to reveal, presentation by keys, and the report from disk without a network, in a real browser."""

from pathlib import Path

import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.guide.lessons import LESSONS
from perturbviz.guide.named import TALK
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from perturbviz.ui.navigation import question

DEMO = Path(__file__).parents[2] / "data" / "demo.h5ad"
GUIDE, RANKINGS = question("guide"), question("rankings")


@pytest.fixture(scope="module")
def demo():
    return load(DEMO)


def test_a_lesson_is_played_on_the_page_it_is_about(app, demo):
    lesson = LESSONS[2]
    start, after = (lesson.view(demo, "demo", x).token for x in (False, True))
    page = app.open(f"?{start}&lesson={lesson.id}", RANKINGS).page
    page.get_by_text(lesson.question).wait_for()
    page.get_by_role("combobox", name=lesson.guess.question).click()
    page.get_by_role("option").first.click()
    page.get_by_role("button", name="This is my guess").click()
    page.get_by_role("button", name=lesson.toggle).click()
    app.wait(RANKINGS, token=after)
    page.get_by_role("button", name="Reveal").click()
    page.get_by_text("What the verdict asks for").wait_for()
    assert page.get_by_text("You guessed").is_visible() and "step=4" in page.url and f"lesson={lesson.id}" in page.url
    page.get_by_role("button", name="Next lesson").click()
    page.get_by_text(LESSONS[3].question).wait_for()


def where(app, text):
    app.page.wait_for_function("(t) => document.querySelector('.pv-present span')?.textContent === t", arg=text)


def test_arrow_keys_step_through_the_talk_and_escape_leaves(app):
    page = app.open("guide?guide=talk", GUIDE).page
    page.get_by_role("button", name="Present these").click()
    app.wait(question("errors"), token="", charts=2)
    steps = page.locator(".pv-present span").inner_text().partition(" / ")[2]
    where(app, f"1 / {steps}")
    assert not page.get_by_test_id("stExpandSidebarButton").is_visible()
    page.keyboard.press("ArrowRight")
    app.wait(question("errors"), token="metric=pearson_delta", charts=2)
    where(app, f"2 / {steps}")
    assert "present=2" in page.url
    assert page.locator(".pv-step-title").inner_text() == TALK[1].heading
    assert page.locator('[data-testid="stSelectbox"]:visible, [data-testid="stButtonGroup"]:visible').count() == 0
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.querySelector('.stMain').scrollTop > 100")
    page.keyboard.press("ArrowLeft")
    app.wait(question("errors"), token="", charts=2)
    where(app, f"1 / {steps}")
    size = "() => parseFloat(getComputedStyle(document.querySelector('.js-plotly-plot .gtitle')).fontSize)"
    large = page.evaluate(size)
    page.keyboard.press("Escape")
    page.locator(".pv-present").wait_for(state="detached")
    app.wait(question("errors"), token="", charts=2)
    assert page.get_by_test_id("stExpandSidebarButton").is_visible() and "present" not in page.url
    assert large > 1.3 * page.evaluate(size)


def test_the_report_opens_from_disk_without_network_and_shows_what_the_app_shows(app, demo, tmp_path):
    page = app.open("?metric=pearson_delta", RANKINGS, charts=4).page
    page.get_by_role("button", name="Report").click()
    page.get_by_role("button", name="Make the report").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    table = rank(score_view(Evaluation(demo), View(metric="pearson_delta"))).table["score"].dropna()
    context = page.context.browser.new_context(offline=True)
    report, wrong = context.new_page(), []
    report.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    report.on("pageerror", lambda e: wrong.append(str(e)))
    report.on("request", lambda r: wrong.append(r.url) if not r.url.startswith(("file:", "blob:", "data:")) else None)
    report.goto(path.as_uri())
    report.locator('html[data-drawn="3"]').wait_for(state="attached", timeout=120_000)  # no eval: the report forbids it
    drawn = report.evaluate(
        "() => { const t = document.getElementById('v0-order')._fullData[0]; return [t.ids, Array.from(t.x)]; }"
    )
    shown = next(c for c in app.charts() if c["data"][0]["name"] == "score")["data"][0]["x"]
    np.testing.assert_allclose(drawn[1], table, rtol=1e-9)
    np.testing.assert_allclose(drawn[1], shown, rtol=1e-9)
    assert drawn[0] == list(table.index)
    assert "/?data=demo&metric=pearson_delta" in report.get_by_role(
        "link", name="Open this view in the app"
    ).get_attribute("href")
    context.close()
    assert wrong == []
