"""The Goodhart lab in a browser: a slider moves the point; two browsers play in one class."""

import re

from tests.e2e.conftest import open_app

HEADING = "What happens when a measure becomes a target?"


def diamond(app):
    plane = app.charts()[0]
    return next(t for t in plane["data"] if t["uid"] == "yours")


def test_moving_a_slider_moves_the_point(app):
    app.open("goodhart?start=cautious&mx=pds%3Anone&my=mse%3Anone", HEADING, charts=2)
    before = diamond(app)
    slider = app.page.get_by_role("slider", name="Shrink or amplify the change")
    slider.press("PageUp")
    app.page.wait_for_url(re.compile("knobs=a"))
    app.page.wait_for_function(
        "(x) => document.querySelector('.js-plotly-plot')?._fullData.find((t) => t.uid === 'yours')?.x[0] !== x",
        arg=before["x"][0],
    )
    app.still()
    after = diamond(app)
    assert after["x"][0] > before["x"][0]
    trail = next(t for t in app.charts()[0]["data"] if t["uid"] == "trail")
    assert trail["x"][-1] == after["x"][0]


def test_two_browsers_play_in_one_class_and_the_teacher_reveals(app, browser, serve):
    app.open("goodhart?lab=class&metric=mse", HEADING)
    app.page.get_by_role("button", name="Open a class").click()
    code = app.page.get_by_role("heading", name=re.compile(r"^[A-Z2-9]{4}-[A-Z2-9]{4}$")).inner_text()
    opened = [open_app(browser, serve("app.py")) for _ in range(2)]
    teams = [next(o) for o in opened]
    for team, name, steps in zip(teams, ("Reds", "Blues"), (1, 3), strict=True):
        team.open("goodhart?lab=class&start=cautious", HEADING)
        team.page.get_by_role("textbox", name="Class code").first.fill(code)
        team.page.get_by_role("textbox", name="Name of your team").fill(name)
        team.page.get_by_role("button", name="Join", exact=True).click()
        team.page.get_by_role("heading", name=f"Team {name}").wait_for()
        for _ in range(steps):
            team.page.get_by_role("slider", name="Shrink or amplify the change").press("PageUp")
        team.page.wait_for_url(re.compile("knobs=a"))
        team.wait(HEADING)
        team.page.get_by_role("button", name="Hand in this setting").click()
        team.page.get_by_text("Handed in (1)").wait_for()
        assert team.page.locator(".js-plotly-plot").count() == 0  # the other metrics are hidden
    app.page.locator('[data-testid="stToggle"], [data-testid="stCheckbox"]').filter(
        has_text="Reveal the other metrics"
    ).click()
    for player in (app, *teams):
        player.page.get_by_text("And on the metrics nobody played for?").wait_for(timeout=20_000)
        player.page.locator(".js-plotly-plot .main-svg").first.wait_for()
        names = {t["name"] for t in player.charts()[0]["data"]}
        assert names == {"Reds", "Blues", "Cautious, untouched"}
    for o in opened:
        next(o, None)
