"""Choices: labels that change while a page is open never become values, and equal labels are told apart."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from perturbviz.panels.captions import escape
from perturbviz.ui.choose import MARKDOWN, Shown, distinct


def page() -> None:
    """Two options whose labels change from run to run; ``seen`` is what the page knows before it draws the widget."""
    import streamlit as st

    from perturbviz.ui import choose

    choose.mend()
    st.session_state["seen"] = st.session_state.get("a"), choose.read("a")
    run = st.session_state["run"] = st.session_state.get("run", 0) + 1
    labels = {"x": f"X ({run} MB)", "y": f"Y ({run} MB)"}
    if st.session_state.get("gone"):
        del labels["y"]
    kind = st.session_state["kind"]
    st.session_state["got"] = getattr(choose, kind)(
        "A", labels, key="a", words=labels, on_change=lambda: st.session_state.update(called=st.session_state["a"])
    )


@pytest.fixture
def late(monkeypatch):
    """An app of one widget, and a way to let the browser send a label that was shown earlier."""

    def start(kind: str) -> tuple[AppTest, object]:
        at = AppTest.from_function(page, default_timeout=20)
        at.session_state["kind"] = kind
        at.run()

        def send(*labels: str) -> AppTest:
            widget = next(w for w in at if getattr(w, "key", None) == "a")

            def state(self: object) -> WidgetState:
                ws = WidgetState()
                ws.id = widget.id
                if kind == "selectbox":
                    ws.string_value = labels[0]
                else:
                    sent = map(escape, labels) if kind in MARKDOWN else labels  # as they were shown
                    ws.string_array_value.data[:] = sent
                return ws

            with monkeypatch.context() as patch:
                patch.setattr(type(widget), "_widget_state", property(state))
                return at.run()

        return at, send

    return start


@pytest.mark.parametrize("kind", ["selectbox", "segmented_control", "select_slider"])
def test_a_label_of_an_earlier_run_stands_for_its_option_everywhere(late, kind):
    at, send = late(kind)
    assert at.session_state["got"] == "x"
    send("Y (1 MB)")
    assert at.session_state["got"] == "y"
    send("Y (1 MB)")  # two runs later: the widget has shown other labels since
    assert not at.exception
    assert at.session_state["got"] == at.session_state["a"] == "y"
    if kind == "selectbox":  # the others do not hand unknown labels on
        assert at.session_state["seen"] == ("y", "y")
        send("X (1 MB)")
        assert at.session_state["called"] == "x"


def test_several_labels_of_earlier_runs_stand_for_their_options(late):
    at, send = late("multiselect")
    send("Y (1 MB)", "X (1 MB)")
    send("Y (1 MB)", "X (1 MB)")
    assert at.session_state["got"] == at.session_state["seen"][0] == ["y", "x"]
    send("no option", "X (1 MB)")
    assert at.session_state["got"] == at.session_state["a"] == ["x"]


@pytest.mark.parametrize("kind", ["selectbox", "select_slider", "segmented_control"])
def test_what_is_no_option_gives_way_to_the_default(late, kind):
    at, send = late(kind)
    send("nonsense")
    send("nonsense")
    assert at.session_state["got"] == at.session_state["a"] == "x"
    shown = at.session_state["run"] if kind != "select_slider" else 1  # labels of a slider stay what they were
    send(f"Y ({shown} MB)")
    assert at.session_state["got"] == "y"
    at.session_state["gone"] = True
    send(f"Y ({shown} MB)")
    assert not at.exception and at.session_state["got"] == at.session_state["a"] == "x"


def test_options_of_one_label_are_told_apart():
    assert distinct(["a", "b", "c"], {"a": "Mine", "b": "Mine", "c": "Other"}) == {
        "a": "Mine (a)",
        "b": "Mine (b)",
        "c": "Other",
    }


def test_an_id_is_not_mistaken_for_the_label_of_another_option():
    shown = Shown()
    shown.show({"mean": "Perturbation mean", "mine": "mean"})
    assert [shown.known(v) for v in ("mean", "Perturbation mean", "put by the program")] == [
        "mean",
        "mean",
        "put by the program",
    ]


def test_labels_that_streamlit_would_obey_are_escaped():
    def script():
        from perturbviz.ui import choose

        name = "![i](http://example.invalid/i.png)"
        choose.pills("Methods", ["a", "b"], key="p", words={"a": name, "b": "b"})
        choose.segmented_control("One", [name, "b"], key="s")
        choose.selectbox("Menu", [name], key="m")

    at = AppTest.from_function(script).run()
    shown = r"\!\[i\]\(http\://example.invalid/i.png\)"
    assert [o.content for o in at.get("button_group")[0].proto.options][0] == shown
    assert [o.content for o in at.get("button_group")[1].proto.options][0] == shown
    assert at.selectbox[0].options == ["![i](http://example.invalid/i.png)"]  # a menu shows what it is given
