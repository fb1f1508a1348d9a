"""The chart component in a real browser: in place, gliding, answering, exporting."""

import html
import re

import pytest

from tests.e2e.conftest import open_app

APP = "tests/e2e/chart_app.py"
FIRST = "l2|as is|one"
SECOND = "pearson|as is|one"
PLOTLY = "/charts/plotly-"
STRIP = "document.querySelectorAll('.js-plotly-plot')[0]"
DRAWS = "[...document.querySelectorAll('.js-plotly-plot')].map((gd) => Number(gd.dataset.draws))"
# Screen positions of the first trace's points, by id.
PLACES = """() => Object.fromEntries([...document.querySelectorAll('.js-plotly-plot')[0]
  .querySelectorAll('g.trace.scatter')[0].querySelectorAll('path.point')]
  .map((el) => [el.__data__.id, el.getAttribute('transform')]))"""


@pytest.fixture
def charts(app):
    return app.open("", "Charts", charts=3)


def test_redraws_in_place_and_once(charts):
    page = charts.page
    assert page.evaluate(DRAWS) == [1, 1, 1]
    page.evaluate(f"window.kept = {STRIP}; kept.mark = 1")
    before = charts.charts()[0]["data"][0]["y"]
    charts.pick("pearson", SECOND, 3).still()
    assert page.evaluate(f"{STRIP} === window.kept && kept.isConnected")
    assert page.evaluate(DRAWS) == [2, 2, 2]
    assert charts.charts()[0]["data"][0]["y"] != before
    assert charts.charts()[0]["meta"]["token"] == SECOND


def test_no_chart_offers_to_upload_itself(charts):
    """plotly.js does so by default; this app sends nothing anywhere."""
    page = charts.page
    assert page.evaluate(f"{STRIP}._context.showSendToCloud") is False
    tools = page.locator(".js-plotly-plot .modebar-btn")
    names = tools.evaluate_all("all => all.map(b => b.dataset.title || b.getAttribute('aria-label') || b.title || '')")
    assert len(names) > 3 and not [n for n in names if "share" in n.lower() or "cloud" in n.lower()]


def test_nothing_is_drawn_when_nothing_changes(charts):
    charts.page.get_by_text("Many", exact=True).click()
    charts.page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 12")
    charts.wait(token=FIRST, charts=6)
    assert charts.page.evaluate(DRAWS) == [1] * 6


def test_a_chart_that_looks_the_same_in_another_state_is_not_drawn_again(charts):
    charts.pick("reversed", "l2|reversed|one", 3).still()
    assert charts.page.evaluate(DRAWS) == [2, 1, 1]
    charts.pick("pearson", "pearson|reversed|one", 3).still()
    assert charts.page.evaluate(DRAWS) == [3, 2, 2]


def test_only_shapes_are_drawn_where_only_they_change(charts):
    page, heat = charts.page, "document.querySelectorAll('.js-plotly-plot')[2]"
    for label, token in (("pearson", SECOND), ("l2", FIRST), ("pearson", SECOND)):  # until its margins have settled
        charts.pick(label, token, 3).still()
    page.evaluate(f"window.kept = {heat}.calcdata")
    page.get_by_text("Ring", exact=True).click()
    charts.wait(token=SECOND + "|ring", charts=3).still()
    assert page.evaluate(DRAWS) == [4, 4, 5]
    assert page.evaluate(f"{heat}.querySelector('.shape-label text').textContent") == "r = −0.5"
    assert page.evaluate(f"{heat}.calcdata === kept")
    page.get_by_text("Ring", exact=True).click()
    charts.wait(token=SECOND, charts=3).still()
    assert page.evaluate(f"{heat}.querySelectorAll('.shapelayer path').length") == 0
    charts.pick("l2", FIRST, 3).still()
    assert page.evaluate(f"{heat}.calcdata !== kept")


def test_each_of_six_charts_is_drawn_once_per_click(charts):
    charts.page.get_by_text("Many", exact=True).click()
    charts.wait(token=FIRST, charts=6).pick("pearson", SECOND, 6).still()
    assert charts.page.evaluate(DRAWS) == [2] * 6


def test_clicks_faster_than_drawing_end_in_the_last_state(charts):
    for label in ("pearson", "reversed", "l2", "as is", "pearson"):
        charts.page.get_by_role("radio", name=label, exact=True).click(no_wait_after=True)
    charts.wait(token=SECOND, charts=3).still()
    fresh = charts.charts()[0]["data"]
    charts.page.reload()
    charts.wait("Charts", charts=3).pick("pearson", SECOND, 3)
    assert charts.charts()[0]["data"] == fresh


def test_points_glide_and_arrive(charts):
    page = charts.page
    start = page.evaluate(PLACES)
    page.evaluate(
        f"""() => {{ document.addEventListener('perturbviz:drawn', (e) => {{
            if (e.target !== {STRIP}) return;
            const t0 = performance.now();
            window.frames_seen = [[0, ({PLACES})()]];
            const look = (now) => {{ frames_seen.push([now - t0, ({PLACES})()]);
              if ({STRIP}.dataset.gliding) requestAnimationFrame(look); }};
            requestAnimationFrame(look); }}); }}"""
    )

    def play(label, token):
        page.evaluate("window.frames_seen = []")
        charts.pick(label, token, 3).still()
        page.wait_for_function(f"!{STRIP}.dataset.gliding && window.frames_seen.length > 1")
        return page.evaluate("frames_seen")

    seen = play("pearson", SECOND)
    end = page.evaluate(PLACES)
    numbers = {i: [float(n) for n in re.findall(r"-?[\d.]+", place)] for i, place in start.items()}
    first = {i: [float(n) for n in re.findall(r"-?[\d.]+", place)] for i, place in seen[0][1].items()}
    assert all(abs(a - b) < 0.02 for i in numbers for a, b in zip(numbers[i], first[i], strict=True))
    assert start != end and seen[-1][1] == end
    for label, token in [("l2", FIRST), ("pearson", SECOND)] * 3:
        if len(seen) > 2:
            break
        seen = play(label, token)  # a busy machine may have shown no frame in between
    between = seen[1:-1]
    assert between and all(places not in (start, end) for _, places in between)
    assert between[-1][0] < 300  # only frames of the first 280 ms are on the way; the next one, however late, arrives


def test_the_flags_of_arcs_are_not_interpolated(charts):
    """Circles of another size: their outline moves, the 0 and 1 of its arcs must stay as they are."""
    page = charts.page
    circle = "M6,0A6,6 0 1,1 0,-6A6,6 0 0,1 6,0Z"
    written = page.evaluate(
        """async (d) => {
          const loaded = [...performance.getEntriesByType('resource')].map((e) => e.name);
          const url = loaded.find((n) => /glide\\.js/.test(n));
          const { glide, remember } = await import(url);
          const gd = document.createElement('div');
          gd.innerHTML = `<svg class="cartesianlayer"><g class="trace"><path class="point" d="${d}"/></g></svg>`;
          document.body.append(gd);
          gd.querySelector('.trace').__data__ = [{ trace: { uid: 'u' } }];
          const places = remember(gd);
          gd.querySelector('path').setAttribute('d', d.replaceAll('6', '3'));
          glide(gd, places)();
          const start = gd.querySelector('path').getAttribute('d');
          gd.remove();
          return start; }""",
        circle,
    )
    assert written == circle.replace("6", "6.00")


def test_points_do_not_glide_under_reduced_motion(browser, serve):
    for app in open_app(browser, serve(APP), reduced_motion="reduce"):
        app.open("", "Charts", charts=3)
        app.page.evaluate(
            "document.addEventListener('perturbviz:drawn',"
            " (e) => setTimeout(() => { window.moved ||= !!e.target.dataset.gliding; window.seen = true; }, 0))"
        )
        app.pick("pearson", SECOND, 3)
        app.page.wait_for_function("window.seen")
        assert app.page.evaluate("window.moved") is False


def test_glide_can_be_switched_off_by_setting(browser, serve):
    for app in open_app(browser, serve(APP, PERTURBVIZ_GLIDE="0")):
        app.open("", "Charts", charts=3)
        app.page.evaluate(
            "document.addEventListener('perturbviz:drawn', (e) => { window.drawn = true;"
            " setTimeout(() => { window.moved ||= !!e.target.dataset.gliding; }, 0); })"
        )
        app.pick("pearson", SECOND, 3)
        assert app.page.evaluate("window.drawn && !window.moved")


def zoom(page):
    box = page.locator(".js-plotly-plot").first.locator(".nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 220, steps=5)
    page.mouse.up()


def test_zoom_and_hidden_traces_stay_until_the_axes_mean_something_else(charts):
    page = charts.page
    ranges = f"[{STRIP}._fullLayout.xaxis.range, {STRIP}._fullLayout.yaxis.range].map((r) => [...r])"
    initial = page.evaluate(ranges)
    zoom(page)
    page.wait_for_function(f"JSON.stringify({ranges}) !== '{str(initial).replace(' ', '')}'")
    zoomed = page.evaluate(ranges)
    assert zoomed[0][1] - zoomed[0][0] < 0.6 * (initial[0][1] - initial[0][0])
    page.locator(".js-plotly-plot").first.locator(".legendtoggle").nth(1).click()
    page.wait_for_function(f"{STRIP}._fullData[1].visible === 'legendonly'")
    hidden = page.evaluate(f"{STRIP}._fullData[1].name")

    charts.pick("pearson", SECOND, 3).still()
    assert page.evaluate(ranges) == zoomed
    charts.pick("reversed", "pearson|reversed|one", 3).still()
    state = {t["name"]: t["visible"] for t in charts.charts()[0]["data"]}
    assert [name for name, visible in state.items() if visible != True] == [hidden]  # noqa: E712
    assert page.evaluate(ranges) == zoomed

    charts.pick("other", "pearson|reversed|other", 3).still()
    assert page.evaluate(ranges)[0] == initial[0]


def point(page, trace, index):
    return page.evaluate(
        """([t, i]) => { const r = document.querySelector('.js-plotly-plot').querySelectorAll('g.trace.scatter')[t]
             .querySelectorAll('path.point')[i].getBoundingClientRect();
             return [r.x + r.width / 2, r.y + r.height / 2]; }""",
        [trace, index],
    )


def test_a_click_comes_back_once(charts):
    page = charts.page
    page.mouse.click(*point(page, 2, 7))
    page.get_by_text(re.compile(r"clicked P\d+ clicks 1 ")).wait_for()
    charts.pick("pearson", SECOND, 3).still()
    page.get_by_text("clicked None clicks 1 ").wait_for()
    page.mouse.click(*point(page, 0, 3))
    page.get_by_text(re.compile(r"clicked P\d+ clicks 2 ")).wait_for()
    assert page.evaluate(DRAWS) == [2, 2, 2]


def test_a_selection_comes_back_and_keeps_its_points(charts):
    page = charts.page
    page.locator(".js-plotly-plot").first.hover()
    page.get_by_role("button", name="Box Select").first.click(force=True)
    zoom(page)
    page.get_by_text(re.compile(r"selected [1-9]\d*$")).wait_for()
    picked = f"{STRIP}._fullData.map((t) => (t.selectedpoints ?? []).map((i) => t.ids[i]).sort())"
    before = page.evaluate(picked)[:5]  # the mean bars have no customdata
    charts.pick("pearson", SECOND, 3).still()
    page.get_by_text(f"selected {sum(map(len, before))}").wait_for()
    assert page.evaluate(picked)[:5] == before


def test_theme_is_followed_without_a_redraw_of_data(charts):
    page = charts.page
    colours = (
        f"[{STRIP}._fullLayout.font.color, {STRIP}._fullData[4].marker.color, "
        f"{STRIP}.querySelector('.gtitle').style.fill, getComputedStyle(document.querySelector('.stApp')).color]"
    )
    light = page.evaluate(colours)
    assert light[1] == "#010101"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{STRIP}._fullData[4].marker.color === '#fdfdfd'")
    dark = page.evaluate(colours)
    assert dark[2] == dark[3] and light[2] == light[3] and dark[2] != light[2]
    assert page.evaluate(DRAWS) == [2, 2, 2]


def test_svg_is_light_on_white_with_title_and_zoom(browser, serve):
    for app in open_app(browser, serve(APP), color_scheme="dark"):
        app.open("", "Charts", charts=3)
        page = app.page
        with page.expect_download() as download:
            page.get_by_role("button", name="SVG: Which method").press("Enter")
        assert download.value.suggested_filename == "errors-l2.svg"
        svg = download.value.path().read_text(encoding="utf-8")
        assert "Which method has the smallest error <here> & now?" in html.unescape(svg)
        assert "rgb(1, 1, 1)" in svg and "rgb(255, 255, 255)" in svg and "rgb(253, 253, 253)" not in svg
        assert page.locator(".js-plotly-plot").count() == 3


def test_csv_is_made_on_the_server_without_a_rerun(charts):
    page = charts.page
    page.evaluate(
        "new MutationObserver((ms) => ms.forEach((m) => { if (m.target.dataset.testScriptState === 'running')"
        " window.reran = true; })).observe(document.querySelector('[data-testid=stApp]'),"
        " {attributes: true, attributeFilter: ['data-test-script-state']})"
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.press("Enter")
    assert download.value.suggested_filename == "errors-l2.csv"
    assert download.value.path().read_text().splitlines() == ["name,value", "'=1+1,0.5", "P1,-1.25", "-3,"]
    assert page.evaluate("window.reran") is None
    assert page.evaluate(DRAWS) == [1, 1, 1]


def test_text_alternative_title_and_note(charts):
    page = charts.page
    figure = page.get_by_role("figure", name="Strip plot of 750 l2 values for five methods")
    assert figure.get_by_text("Cautious leads <b>here</b>.", exact=True).count() == 1
    assert figure.locator(".gtitle").text_content() == "Which method has the smallest error <here> & now?"


def test_page_switch_and_back(charts):
    page = charts.page
    page.evaluate(f"window.left = {STRIP}")
    charts.goto_page("Other", charts=1)
    page.wait_for_function("!window.left.isConnected && !window.left._fullLayout")  # purged
    charts.goto_page("Charts", charts=3)
    assert charts.charts()[0]["meta"]["token"] == FIRST


def test_follows_the_width_and_wraps_the_title(charts):
    page = charts.page
    page.set_viewport_size({"width": 360, "height": 900})
    page.wait_for_function(f"{STRIP}._fullLayout.width < 350")
    page.wait_for_function(f"{STRIP}.querySelectorAll('.gtitle tspan').length >= 2")
    overlap = page.evaluate(
        f"""() => {{ const box = (s) => {STRIP}.querySelector(s).getBoundingClientRect();
          return [{STRIP}.getBoundingClientRect().top - box('.gtitle').top, box('.gtitle').bottom - box('.legend').top,
            box('.legend').bottom - box('.nsewdrag').top]; }}"""
    )
    assert max(overlap) <= 2


def test_plotly_is_loaded_once_and_works_below_a_base_path(browser, serve):
    for app in open_app(browser, serve("app.py", base="lab/viz")):
        asked = []
        app.page.on("response", lambda r, asked=asked: asked.append(r) if PLOTLY in r.url else None)
        app.open("", "Which method predicts best? It depends how you measure", charts=2)
        app.page.locator("[data-testid=stTopNavLink]", has_text="Errors").first.click()
        app.wait(charts=3)
        assert len(asked) == 1 and "/lab/viz/charts/" in asked[0].url
        app.page.reload()
        app.wait(charts=3)
        sizes = app.page.evaluate(
            """(name) => performance.getEntriesByType('resource')
          .filter((e) => e.name.includes(name)).map((e) => e.transferSize)""",
            PLOTLY,
        )
        assert sizes and set(sizes) == {0}  # from the browser's cache


def test_streamlit_fallback_draws(browser, serve):
    for app in open_app(browser, serve(APP, PERTURBVIZ_CHARTS="streamlit")):
        app.open("", "Charts", charts=3)
        assert app.page.get_by_role("figure", name="Strip plot of 750 l2").count() >= 1
