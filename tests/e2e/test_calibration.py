"""In the browser: a click on a cell of the calibration map opens that view."""

import re

HEADING = "Can this metric tell a good prediction from an uninformative one?"


def test_a_cell_of_the_map_opens_its_view(app):
    app.open("calibration", HEADING, charts=5)
    gd = app.page.locator(".js-plotly-plot", has_text="non-additive effects")
    gd.scroll_into_view_if_needed()
    place = gd.evaluate(  # second line, third column: MSE on DE genes
        """(gd) => { const l = gd._fullLayout, box = gd.getBoundingClientRect();
             return [box.x + l.xaxis._offset + l.xaxis.c2p(2), box.y + l.yaxis._offset + l.yaxis.c2p(1)]; }"""
    )
    app.page.mouse.move(*place)
    app.page.mouse.click(*place)
    app.page.wait_for_url(re.compile("metric=mse.*genes=de|genes=de.*metric=mse"))
    app.wait(HEADING, charts=5)
