"""What a click does not change, the browser keeps: no value is set anew, and no control of the sidebar shifts."""

import pytest

KEYED = ("selectbox", "button_group", "toggle", "select_slider", "checkbox")


def widgets(at):
    """Key -> what is sent of the widget."""
    return {w.key: w.proto for kind in KEYED for w in at.get(kind) if w.key}


@pytest.mark.parametrize("page", ["rankings", "errors", "profiles", "calibration", "linear_model"])
def test_a_click_sets_no_value_that_stays(open_page, page):
    at = open_page(page, metric="pearson_delta")
    at.button_group(key="ref").set_value("perturbation").run()
    at.button_group(key="ref").set_value("control").run()
    # the switch of the first screen does not stay: it follows the reference
    assert not [key for key, proto in widgets(at).items() if proto.set_value and key != "_ruler"]


def test_what_comes_under_the_reference_shifts_nothing_below_it(open_page):
    at = open_page("rankings", metric="pearson_delta")
    before = len(at.sidebar.children)
    at.button_group(key="ref").set_value("perturbation").run()
    assert at.selectbox(key="ref_from").value == "train" and len(at.sidebar.children) == before
