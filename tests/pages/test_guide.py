import pytest

from perturbviz.guide.entries import SECTIONS, entries
from perturbviz.guide.lessons import LESSONS
from perturbviz.guide.named import TALK
from tests.charts import figures
from tests.pages.conftest import unfold


def param(at, name):
    found = at.query_params[name]
    return found if isinstance(found, str) else found[-1]


def texts(at):
    return " ".join(element.value for element in (*at.markdown, *at.subheader))


@pytest.mark.parametrize("section", ["metrics", "references", "baselines", "glossary"])
def test_every_card_and_formula_is_shown(open_page, section):
    at = open_page("guide", guide=section)
    mine = [e for e in entries() if e.section == section]
    assert [latex.value.strip("$\n ") for latex in at.latex] == [e.formula for e in mine if e.formula]
    shown = texts(at)
    for entry in mine:
        assert entry.title in shown and entry.text in shown
        assert all(fact in shown for fact in entry.facts.values())
    index = " ".join(c.value for c in at.caption)
    assert all((f"[{e.title}](#" in index) == (section in ("metrics", "baselines")) for e in mine)
    assert (len(at.table) == 1) == (section in ("metrics", "references"))
    assert param(at, "guide") == section


def test_a_lesson_shows_its_question_first_and_the_answer_on_request(open_page):
    at = open_page("guide", lesson="shrinking")
    item = next(x for x in LESSONS if x.id == "shrinking")
    assert item.question in texts(at) and "holds on these data" not in texts(at) and not figures(at)
    next(b for b in at.button if "Reveal" in b.label).click().run()
    assert not at.exception
    assert "holds on these data" in texts(at) and "squared error" in texts(at)
    beside = next(c.value for c in at.caption if "What the verdict asks for" in c.value)
    assert all(words in beside for words in (f"**holds**: {item.holds}", f"**partly**: {item.partly}", "**not here**"))
    (figure,) = figures(at)
    assert figure["key"] == "lesson-shrinking" and len(figure["data"]) == 9
    at.button(key="lesson-next").click().run()
    assert param(at, "lesson") == "duplicate" and "holds on these data" not in texts(at)


def test_a_lesson_that_holds_in_part_says_so(open_page):
    at = open_page("guide", lesson="company")
    next(b for b in at.button if "Reveal" in b.label).click().run()
    assert not at.exception and "partly holds on these data" in texts(at)


def test_the_talk_lists_twelve_results(open_page):
    at = open_page("guide", guide="talk")
    assert "**12**" in texts(at)
    assert len(at.get("page_link")) + texts(at).count(TALK[-1].heading) >= 11


def test_the_search_looks_through_all_sections(open_page):
    at = open_page("guide")
    at.text_input(key="guide_search").set_value("duplicate").run()
    shown = texts(at)
    assert "A replicate of the experiment does not win everywhere" in shown  # the lesson's id
    assert "Technical duplicate" in shown
    at.text_input(key="guide_search").set_value("mean does well").run()
    next(b for b in at.button if b.label == f"Open in {SECTIONS['lessons']}").click().run()
    assert not at.exception and param(at, "lesson") == "mean-wins"
    at.text_input(key="guide_search").set_value("no such thing at all").run()
    assert any("fewer" in i.value for i in at.info)


def test_extra_parameters_of_the_guide_stay_on_the_guide(open_page):
    at = open_page("guide", guide="glossary")
    at.switch_page("pages/rankings.py").run()
    assert not at.exception and "guide" not in at.query_params


def test_presenting_enlarges_charts_and_steps_through_own_views(open_page):
    before = next(f for f in figures(open_page(metric="l2")) if f["key"] == "order")
    at = open_page(present="1")
    after = next(f for f in figures(at) if f["key"] == "order")
    size = lambda f: f["layout"]["template"]["layout"]["font"]["size"]  # noqa: E731
    assert size(after) == 1.5 * size(before)
    assert after["data"][0]["marker"]["size"] == 1.5 * before["data"][0]["marker"]["size"]
    at.toggle(key="_presenting").set_value(False).run()
    assert not at.exception and "present" not in at.query_params
    next(b for b in unfold(at, "_step_list").button if b.label == "Add this view").click().run()
    assert any(m.value == "1. Rankings: L2 distance" for m in unfold(at, "_step_list").markdown)


def test_a_slide_has_its_own_title_and_a_report_the_views_chosen_as_steps(open_page):
    at = open_page("errors", present="1")
    assert any(f">{TALK[0].heading}<" in h.proto.body for h in at.get("html"))
    at = open_page(metric="mse")
    next(b for b in unfold(at, "_step_list").button if b.label == "Add this view").click().run()
    at.selectbox(key="metric").set_value("mae").run()
    box = unfold(at, "_report_popover")
    assert any("2 views (the 1 chosen as steps, the one shown)" in c.value for c in box.caption)
    box.button(key="make-report").click().run()
    _, report = at.session_state["_report"]
    assert report.count("<article") == 2
    assert "<h3>Mean squared error" in report and "<h3>Mean absolute error" in report


def test_the_report_is_made_on_request(open_page):
    at = open_page(metric="mse")
    unfold(at, "_report_popover").button(key="make-report").click().run()
    assert not at.exception
    token, html = at.session_state["_report"]
    assert "metric=mse" in token and "Mean squared error" in html
    at.run()
    assert not any(b.key == "make-report" for b in at.button)
