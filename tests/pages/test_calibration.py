"""The Calibration page, the badge in the sidebar and the controls in the charts, without a browser."""

from tests.charts import figures


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def test_the_page_shows_what_the_package_computes(open_page):
    at = open_page("calibration", metric="wmse", genes="de", n="50")
    assert {f["key"] for f in figures(at)} == {"paired", "drf", "scale", "variation", "map"}


def badges(at):
    return [m.value for m in at.sidebar.markdown if "-badge[" in m.value]


def test_the_badge_is_the_verdict_of_the_page(open_page):
    at = open_page("calibration", metric="wmse", genes="all")
    assert any(":green-badge[calibrated here]" in b for b in badges(at))
    at.selectbox(key="metric").set_value("mae").run()
    at.run()  # what was not known at once is at the next run
    assert any(":orange-badge[narrow here]" in b for b in badges(at))
