"""In the browser: turn a knob, add the model to the competition, find it in the rankings, reload."""

import re

HEADING, RANKINGS = "How far does a linear model get?", "Which method predicts best? It depends how you measure"


def rows_of(app, uid):
    """Names of the points of the chart that has a trace of this uid."""
    return app.page.evaluate(
        """(uid) => [...document.querySelectorAll('.js-plotly-plot')].flatMap((gd) => gd._fullData
             .filter((t) => t.uid === uid).flatMap((t) => Array.from(t.ids ?? [])))""",
        uid,
    )


def test_a_cell_of_the_map_sets_the_knobs(app):
    app.open("linear_model", HEADING, charts=4)
    before = set(rows_of(app, "means"))
    gd = app.page.locator(".js-plotly-plot").last
    gd.scroll_into_view_if_needed()
    place = gd.evaluate(  # third line of dimensions, sixth column of penalties: K 3, λ 10
        """(gd) => { const l = gd._fullLayout, box = gd.getBoundingClientRect();
             return [box.x + l.xaxis._offset + l.xaxis.c2p(5), box.y + l.yaxis._offset + l.yaxis.c2p(2)]; }"""
    )
    app.page.mouse.move(*place)
    app.page.mouse.click(*place)
    app.page.wait_for_url(re.compile("recipe=linear_pca_pca_k3_l10_s"))
    app.wait(HEADING, charts=4)
    assert set(rows_of(app, "means")) != before


def test_an_added_model_competes_and_survives_a_reload(app):
    app.open("linear_model?recipe=linear_pca_d-demo-b_k10_l0.1_s", HEADING, charts=4)
    app.page.get_by_role("button", name="Add to the ranking").click()
    app.page.wait_for_url(re.compile("lm=linear_pca_d-demo-b_k10_l0.1_s__demo"))
    app.wait(HEADING, charts=4)
    app.page.get_by_role("link", name="Rankings").click()
    app.wait(RANKINGS, charts=2)
    label = "pre-trained on demo-b"
    assert app.page.locator(".js-plotly-plot", has_text=label).count() >= 1
    assert "lm=linear_pca_d-demo-b" in app.page.url
    app.page.reload()
    app.wait(RANKINGS, charts=2)
    assert app.page.locator(".js-plotly-plot", has_text=label).count() >= 1
