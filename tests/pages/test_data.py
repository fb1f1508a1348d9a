import numpy as np
import pandas as pd

from perturbviz.benchmark import load
from tests.charts import figures
from tests.pages.conftest import ROOT


def add_section(open_page, **query):
    at = open_page("data", **query)
    return at.segmented_control(key="data_section").set_value("Add your own").run()


def csv_of(noise=0.0, rows=None, genes=None):
    b = load(ROOT / "data" / "demo.h5ad")
    keep = np.flatnonzero(~b.is_control)[rows]
    values = b.truth[keep] + np.random.default_rng(0).normal(0, noise or 1e-9, (len(keep), b.adata.n_vars))
    return pd.DataFrame(values, b.conditions[keep], b.genes if genes is None else genes).to_csv().encode()


def test_what_is_loaded_is_said(open_page):
    at = open_page("data")
    assert {m.label: m.value for m in at.metric}["Genes"] == "2,000"
    assert any("simulated" in s.value for s in at.subheader)


def test_a_csv_is_checked_before_it_can_be_added(open_page):
    at = add_section(open_page)
    at.file_uploader[0].upload("mine.csv", csv_of(0.01, rows=slice(60, None))).run()
    assert not at.exception
    said = " ".join(m.value for m in at.markdown)
    assert "mine" in said and "match" in said
    assert at.button(key="_use").label == "Add to the ranking"  # clicked in the browser tests


def test_bad_files_get_a_sentence_and_leave_everything_as_it_was(open_page):
    for name, content in {
        "empty.csv": b"",
        "broken.h5ad": b"\x89HDF\r\n\x1a\nnothing",
        "pickle.pkl": b"\x80\x04]\x94.",
        "other.csv": pd.DataFrame(np.ones((2, 3)), ["no", "nope"], ["x1", "x2", "x3"]).to_csv().encode(),
        "bomb.zip": b"PK\x03\x04not a zip",
    }.items():
        at = add_section(open_page)
        at.file_uploader[0].upload(name, content).run()
        assert not at.exception, (name, at.exception)
        assert len(at.error) == 1, name
        assert "Traceback" not in at.error[0].value
        assert at.selectbox(key="data").value == "demo"
        assert not [b for b in at.button if b.label == "Add to the ranking"]


def test_a_data_set_of_its_own_can_be_opened(open_page):
    at = add_section(open_page)
    at.segmented_control(key="_upload_as").set_value("new").run()
    table = pd.DataFrame(
        np.random.default_rng(0).random((4, 30)), ["ctrl", "A", "B", "A+B"], [f"g{i}" for i in range(30)]
    )
    at.file_uploader[0].upload("tiny.csv", table.to_csv().encode()).run()
    assert not at.error, at.error[0].value
    assert at.button(key="_use").label == "Open it"


def test_the_catalogue_is_listed_with_what_must_be_done_by_hand(open_page):
    at = open_page("data")
    at.segmented_control(key="data_section").set_value("Public data").run()
    said = " ".join([m.value for m in at.markdown] + [c.value for c in at.caption])
    assert "104 singles" in said and "zenodo" in said


def test_a_method_is_recoloured_on_every_page_and_in_the_link(open_page):
    at = open_page("data")
    before = at.color_picker(key="_colour_additive").value
    at.color_picker(key="_colour_additive").set_value("#FFF3A0").run()
    assert not at.exception and "additive:fff3a0" in at.query_params["col"]
    assert any("Additive: hard to see on a light background." in c.value for c in at.caption)
    at.switch_page("pages/rankings.py").run()
    assert "#fff3a0" in str(figures(at)) and "additive:fff3a0" in at.query_params["col"]
    at.switch_page("pages/data.py").run()
    assert at.color_picker(key="_colour_additive").value == "#fff3a0"
    next(b for b in at.button if b.label == "Back to their own").click().run()
    assert at.color_picker(key="_colour_additive").value == before and "col" not in at.query_params


def test_a_link_brings_colours_and_nothing_else(open_page):
    at = open_page("rankings", col="additive:00fe01~<b>:12ab34~mean:red~no_change:12345")
    drawn = str(figures(at))
    assert "#00fe01" in drawn and "12ab34" not in drawn


def test_files_are_read_once(open_page, monkeypatch):
    from perturbviz.ui import uploads

    reads = []
    real = uploads.isolation.isolated
    monkeypatch.setattr(
        uploads.isolation,
        "isolated",
        lambda *words, name, **more: reads.append(name) or real(*words, name=name, **more),
    )
    at = add_section(open_page)
    at.file_uploader[0].upload("mine.csv", csv_of(0.01, rows=slice(60, None))).run()
    next(t for t in at.text_input if t.label == "Name of the method").set_value("Mine").run()
    assert reads == ["mine.csv"]
    next(t for t in at.text_input if t.label == "Further control labels").set_value("NT").run()
    assert reads == ["mine.csv"] * 2  # another option: another reading


def test_reading_has_a_time_limit(open_page, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "0")
    at = add_section(open_page)
    at.file_uploader[0].upload("mine.csv", csv_of(0.01, rows=slice(60, None))).run()
    assert "takes more than 0 seconds" in at.error[0].value and not at.exception


def test_the_paper_is_offered_with_its_size_and_its_unknown_checksum(open_page):
    at = open_page("data")
    assert not any("all systems" in str(o) for o in at.selectbox(key="data").options)  # no download by a slip
    at.segmented_control(key="data_section").set_value("Public data").run()
    assert at.button(key="_open_ahlmann-eltze-2025").label == "Get 1.6 GB"
    assert any("checksum is not known" in c.value for c in at.caption)


def test_a_public_demo_asks_for_no_files(open_page, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_UPLOADS", "off")
    at = open_page("data", data_section="Add your own")
    assert not at.file_uploader and any("takes no files" in i.value for i in at.info)
    at = open_page("rankings", data="0123456789abcdef", file="mine.h5ad")
    assert not at.file_uploader and any("takes no files" in i.value for i in at.info)


def changes_of():
    b = load(ROOT / "data" / "demo.h5ad")
    keep = np.flatnonzero(~b.is_control)[:6]
    values = b.truth[keep] - b.control(b.contexts[0]) + np.random.default_rng(0).normal(0, 0.01, (6, b.adata.n_vars))
    return pd.DataFrame(values, b.conditions[keep], b.genes).to_csv().encode()


def test_a_message_names_the_field_and_its_button_fills_it_in(open_page):
    at = add_section(open_page)
    at.file_uploader[0].upload("mine.csv", changes_of()).run()
    (said,) = [e.value for e in at.error]
    assert "look like changes against control" in said and "“Values are”" in said and "--" not in said
    next(b for b in at.button if b.label == "Treat as changes").click().run()
    assert not at.error and at.selectbox(key="_space").value == "delta"
    said = " ".join(c.value.replace("\\", "") for c in at.caption)
    assert "You say: Values are: delta." in said  # the form itself is closed
    assert at.button(key="_use").label == "Add to the ranking"


def test_labels_in_doubt_offer_a_button(open_page):
    at = add_section(open_page)
    at.segmented_control(key="_upload_as").set_value("new").run()
    names = ["NT-1", "NT-2", "A", "B", "A|B"]
    table = pd.DataFrame(np.random.default_rng(0).random((5, 30)), names, [f"g{i}" for i in range(30)])
    at.file_uploader[0].upload("tiny.csv", table.to_csv().encode()).run()
    assert not at.error and not any("--" in m.value for m in at.markdown)
    labels = [b.label for b in at.button]
    assert "Take NT-1 … NT-2 as control" in labels and "Read | as +" in labels
    next(b for b in at.button if b.label == "Take NT-1 … NT-2 as control").click().run()
    next(b for b in at.button if b.label == "Read | as +").click().run()
    said = " ".join(m.value for m in at.markdown)
    assert "2 singles and 1 combination" in said and "look like control" not in said
    assert at.text_input(key="_control").value == "NT-*"
