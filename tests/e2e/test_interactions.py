"""In the browser: from the ranking in three clicks to a best false call; section, threshold and gene by clicking."""

from urllib.parse import parse_qs, urlsplit

HEADING, RANKINGS, PROFILES = (
    "Who finds what is not additive?",
    "Which method predicts best? It depends how you measure",
    "What was predicted, gene by gene?",
)
SMALL = "n=200"


def address(app):
    return parse_qs(urlsplit(app.page.url).query)


def test_three_clicks_from_the_ranking_to_the_best_false_call(app):
    app.open(f"?{SMALL}", RANKINGS, charts=2)
    app.page.get_by_role("link", name="Interactions", exact=True).click()
    app.wait(HEADING, charts=3)
    app.page.get_by_role("radio", name="Which genes, which pairs?").click()
    app.page.locator(".st-key-gene").wait_for()
    app.wait(HEADING, charts=3)
    link = app.page.locator(".st-key-false-overconfident").get_by_role("link").first
    words = link.inner_text().split()
    link.click()
    app.wait(PROFILES, charts=2)
    asked = address(app)
    assert asked["p"][0] in words and asked["gene"][0] in words and asked["n"] == ["200"]
    assert app.page.locator(".st-key-pv-frame-profile").get_by_text(asked["p"][0]).count() >= 1
    assert app.page.locator(".st-key-pv-frame-gene").get_by_text(asked["gene"][0]).count() >= 1


def test_a_looser_level_moves_the_thresholds_without_a_new_chart(app):
    app.open(f"interactions?{SMALL}", HEADING, charts=3)
    lines = "() => document.querySelector('.st-key-pv-frame-null .js-plotly-plot').layout.shapes.map((s) => s.x0)"
    before = app.page.evaluate(lines)
    app.page.evaluate("() => { document.querySelector('.st-key-pv-frame-null .js-plotly-plot').mine = true }")
    slider = app.page.locator(".st-key-fdr").get_by_role("slider")
    slider.focus()
    slider.press("ArrowRight")
    app.page.wait_for_url(lambda url: "fdr=0.1" in url)
    app.wait(HEADING, charts=3)
    after = app.page.evaluate(lines)
    assert abs(after[0]) < abs(before[0]) and abs(after[1]) < abs(before[1])
    assert app.page.evaluate("() => document.querySelector('.st-key-pv-frame-null .js-plotly-plot').mine === true")


def test_a_clicked_pair_opens_its_gene_and_double(app):
    app.open(f"interactions?{SMALL}&ix=calls&show=cautious&show=no_change", HEADING, charts=3)
    gd = app.page.locator(".st-key-pv-frame-clouds .js-plotly-plot")
    gd.scroll_into_view_if_needed()
    place = gd.evaluate(
        """(gd) => { const i = gd._fullData.findIndex((t) => (t.uid ?? '') === 'pairs-cautious'), t = gd._fullData[i];
             const x = Array.from(t.x), y = Array.from(t.y), k = x.indexOf(Math.min(...x));
             const { xaxis, yaxis } = gd._fullLayout, box = gd.getBoundingClientRect();
             const left = box.x + xaxis._offset, top = box.y + yaxis._offset;
             return [left + xaxis.c2p(x[k]), top + yaxis.c2p(y[k]), t.customdata[k]]; }"""
    )
    app.page.mouse.move(place[0], place[1])
    app.page.mouse.click(place[0], place[1])
    app.page.locator(".st-key-gene").wait_for()
    app.wait(HEADING, charts=3)
    assert (
        address(app)["p"] == [place[2][0]] and address(app)["gene"] == [place[2][1]] and address(app)["ix"] == ["which"]
    )
