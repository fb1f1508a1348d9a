import numpy as np
import pytest

from tests.charts import figures

PAGES = [("rankings", "order", "x"), ("errors", "distribution", "y")]


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


@pytest.mark.parametrize(("page", "key", "axis"), PAGES)
def test_the_ceiling_is_drawn_on_request_and_ranked_nowhere(open_page, page, key, axis):
    at = open_page(page, metric="l2")
    before = chart(at, key)
    assert not any(t.get("uid") == "ceiling" for t in before["data"]) and "ceiling" not in at.query_params
    at.toggle(key="_ceiling").set_value(True).run()
    assert not at.exception and at.query_params["ceiling"] in ("1", ["1"])
    after = chart(at, key)
    line = next(t for t in after["data"] if t.get("uid") == "ceiling")
    assert np.allclose(line[axis], 2.846, rtol=1e-2) and line["name"] == "Perfect mean (ceiling)†"
    assert "a perfect prediction of the mean gets 2.85" in after["note"]
    ids = [t["ids"] for t in before["data"] if "ids" in t]
    assert ids == [t["ids"] for t in after["data"] if "ids" in t]  # the methods and their order stay
    at.toggle(key="_ceiling").set_value(False).run()
    assert "ceiling" not in at.query_params and not any(t.get("uid") == "ceiling" for t in chart(at, key)["data"])


def test_a_link_brings_the_ceiling_along(open_page):
    at = open_page(metric="centroid_accuracy", ceiling="1")
    assert at.toggle(key="_ceiling").value
    line = next(t for t in chart(at, "order")["data"] if t.get("uid") == "ceiling")
    assert np.allclose(line["x"], 1.0)
    assert not any("perfect-mean" in str(t.get("uid")) for t in chart(at, "bump")["data"])


def test_data_without_expectation_offer_no_ceiling(open_page):
    at = open_page(data="demo-b", ceiling="1")
    assert not [t for t in at.toggle if t.key == "_ceiling"]
    assert not any(t.get("uid") == "ceiling" for f in figures(at) for t in f["data"])
