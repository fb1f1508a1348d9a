"""The Calibration page, the badge in the sidebar and the controls in the charts, without a browser."""

from tests.charts import figures


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def test_the_page_shows_what_the_package_computes(open_page):
    at = open_page("calibration", metric="wmse", genes="de", n="50")
    assert {f["key"] for f in figures(at)} == {"paired", "drf", "scale", "variation", "map"}
