"""In the browser: what is written on the panels covers no point, and stays with its panel where there is less room."""

import re

HEADING = "What was predicted, gene by gene?"
GD = "document.querySelector('.js-plotly-plot')"
#: The first method's point that is furthest from the others: its place on the screen and its gene.
POINT = """() => {
  const marks = [...document.querySelector('.js-plotly-plot g.trace.scatter').querySelectorAll('path.point')];
  const at = marks.map((m) => m.getBoundingClientRect());
  const apart = (p, q) => (p === q ? Infinity : Math.hypot(q.x - p.x, q.y - p.y));
  const alone = at.map((p) => Math.min(...at.map((q) => apart(p, q))));
  const i = alone.indexOf(Math.max(...alone));
  return [at[i].x + at[i].width / 2, at[i].y + at[i].height / 2, marks[i].__data__.id]; }"""
#: Of every panel's title: is it above its panel, from the same left edge (in pixels)?
TITLES = f"""() => {{ const full = {GD}._fullLayout, at = {GD}.getBoundingClientRect();
  return [...{GD}.querySelectorAll('.shape-label text')].filter((t) => t.querySelector('[style*=bold]')).map((t) => {{
    const box = t.getBoundingClientRect();
    return full._plots && Object.values(full._plots).some(({{ xaxis, yaxis }}) =>
      Math.abs(box.left - at.left - xaxis._offset) < 12
      && Math.abs(box.bottom - at.top - yaxis._offset) < 12); }}); }}"""


def test_a_gene_in_a_panel_can_be_clicked(app):
    app.open("profiles", HEADING, charts=1)
    x, y, gene = app.page.evaluate(POINT)
    app.page.mouse.move(x, y)
    app.page.mouse.click(x, y)
    app.page.wait_for_url(re.compile(rf"[?&]gene={gene}(&|$)"))


def test_titles_stay_above_their_panels_on_a_narrow_screen(app):
    app.open("profiles", HEADING, charts=1)
    wide = app.page.evaluate(TITLES)
    app.page.set_viewport_size({"width": 420, "height": 900})
    app.page.wait_for_function(f"{GD}._fullLayout.width < 420")
    app.still()
    assert len(wide) == 10 and all(wide)
    assert app.page.evaluate(TITLES) == wide
