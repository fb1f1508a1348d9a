"""In the browser, on first opening: one click on the switch flips the order and moves nothing but dots and scores."""

from perturbviz.scoring.view import View
from tests.e2e.conftest import RANKINGS, SETTLED
from tests.e2e.test_app import expected

#: Place and size of everything on the page; texts that a switch rewrites count as the room reserved for them.
BOXES = """() => [...document.querySelectorAll('.stMain h1, .stMain figure, .stMain button, .stMain a, '
    + '.stMain [data-testid="stElementContainer"], .stMain [class*="st-key-pv-"]')]
  .filter((e) => !e.parentElement.closest('.st-key-pv-said, .st-key-pv-questions, .st-key-pv-overturned'))
  .map((e) => { const b = e.getBoundingClientRect(), name = e.className.match?.(/st-key-[\\w-]+/)?.[0] ?? e.tagName;
    return [name, ...[b.x, b.y, b.width, b.height].map(Math.round)]; })"""
DOTS = """() => { const gd = document.querySelector('.st-key-pv-frame-slope .js-plotly-plot');
  const t = gd._fullData.find((t) => t.uid === 'ruler');
  return {ids: t.ids, x: Array.from(t.x), y: Array.from(t.y)}; }"""


def ranks(app):
    drawn = app.page.evaluate(DOTS)
    return dict(zip(drawn["ids"], drawn["y"], strict=True)), set(drawn["x"])


def test_the_switch_flips_the_order_and_shifts_nothing_else(app):
    app.page.set_viewport_size({"width": 1440, "height": 900})
    app.open("", RANKINGS, charts=4)
    assert app.page.url.endswith("?metric=pearson_delta")
    assert app.page.get_by_test_id("stSidebar").get_attribute("data-collapsed") == "true"
    foot = app.page.locator(".st-key-pv-questions").bounding_box()
    assert foot["y"] + foot["height"] <= 900
    control = View(metric="pearson_delta")
    for size, at, name in ((1440, 1, "perturbation mean"), (390, 0, "control mean")):
        app.page.set_viewport_size({"width": size, "height": 900})
        app.page.wait_for_function(SETTLED)
        before, order = app.page.evaluate(BOXES), ranks(app)
        view = control.with_(ref="perturbation") if at else control
        app.pick(name, view.token, charts=4).still()
        assert [pair for pair in zip(before, app.page.evaluate(BOXES), strict=True) if pair[0] != pair[1]] == []
        after, side = ranks(app)
        assert after != order[0] and side == {at}
        best = list(expected(metric="pearson_delta", ref="perturbation" if at else "control").index)
        assert sorted(best, key=after.__getitem__) == best
