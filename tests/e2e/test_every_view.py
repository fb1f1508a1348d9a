"""In the browser: a click on a column of the specification curve opens that view, and its address does so elsewhere."""

import pytest

from tests.e2e.test_app import ORDER

HEADING = "Which method predicts best? It depends how you measure"
FIND = "[...document.querySelectorAll('.js-plotly-plot')].find((g) => g.data?.some((t) => t.uid === 'curve'))"
#: Place on the page of a column's point and of a dot below it, and the rank there of the chosen method.
COLUMN = f"""(last) => {{
  const gd = {FIND}, l = gd._fullLayout, points = gd.calcdata[0], i = last ? points.length - 1 : 0;
  gd.scrollIntoView({{block: "center"}});
  const box = gd.getBoundingClientRect(), x = box.x + l.xaxis._offset + l.xaxis.c2p(i);
  return {{ point: [x, box.y + l.yaxis._offset + l.yaxis.c2p(points[i].y)],
           dot: [x, box.y + l.yaxis2._offset + l.yaxis2.c2p(1)], rank: points[i].y, name: gd.data[0].name }};
}}"""
#: Text of the lines of the ranking, best first.
OPENED = "() => new URLSearchParams(location.search).get('section') === null"


@pytest.mark.parametrize(("last", "where"), [(False, "point"), (True, "dot")])
def test_a_column_of_the_curve_opens_its_view_and_the_address_does_so_elsewhere(app, last, where):
    app.open("?section=Every+view&genes=all", HEADING, charts=3)
    app.page.wait_for_function(f"{FIND}?.calcdata")
    found = app.page.evaluate(COLUMN, last)
    app.page.mouse.move(*found[where])
    app.page.mouse.click(*found[where])
    app.page.wait_for_function(OPENED)
    app.wait(HEADING, charts=4)
    shown = app.page.evaluate(ORDER)
    address = app.page.evaluate("location.search")
    app.open(address, HEADING, charts=4)
    assert app.page.evaluate(ORDER) == shown
