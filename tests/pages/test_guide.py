import pytest

from perturbviz.benchmark import load
from perturbviz.guide.entries import SECTIONS, entries
from perturbviz.guide.lessons import LESSONS
from perturbviz.guide.named import TALK
from perturbviz.scoring.view import View
from tests.charts import figures
from tests.pages.conftest import ROOT, unfold


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


def strip(at):
    """What the strip of a lesson says."""
    return " ".join(element.value for element in (*at.markdown, *at.caption))


def guess(at, item):
    """Guess the first option, or the first methods, and commit."""
    key = f"_guess-{item.id}"
    if item.guess.first:
        box = at.multiselect(key=key)
        box.set_value(box.options[: item.guess.first]).run()
    else:
        at.selectbox(key=key).select_index(0).run()
    at.button(key="lesson-guess").click().run()


def shows(at, view):
    """Whether the address is that of a view; a metric without a reference says so in its own way."""
    shown = View.from_query({k: [param(at, k)] for k in at.query_params})
    return shown.with_(ref=view.ref) == view and shown.reference == view.reference


def test_every_lesson_runs_from_question_to_reveal_on_the_page_it_is_about(open_page):
    at = open_page(**{k: v[0] for k, v in LESSONS[0].views[0].query(None, "demo").items()}, lesson=LESSONS[0].id)
    demo = load(ROOT / "data" / "demo.h5ad")
    for number, item in enumerate(LESSONS, 1):
        assert f"**{number} of {len(LESSONS)}** · {item.question}" in strip(at) and param(at, "lesson") == item.id
        assert not [b for b in at.button if b.key in ("lesson-switch", "lesson-reveal")], "the switch follows the guess"
        guess(at, item)
        assert shows(at, item.view(demo, "demo")), item.id
        assert param(at, "step") == "2" and "Your guess: **" in strip(at) and item.title not in strip(at)
        at.button(key="lesson-switch").click().run()
        assert shows(at, item.view(demo, "demo", after=True)), item.id
        at.button(key="lesson-reveal").click().run()
        assert not at.exception and param(at, "step") == "4"
        said = strip(at)
        assert f"**{item.title}**: " in said and "on these data]" in said and "You guessed " in said
        assert f"**holds**: {item.holds}" in said and f"**partly**: {item.partly}" in said
        assert f"lesson-{item.id}" in [f["key"] for f in figures(at)]
        assert at.title[0].value and {"slope", "order"} & {f["key"] for f in figures(at)}, "the page stays below"
        if number < len(LESSONS):
            at.button(key="lesson-next").click().run()
            assert "has no score now" not in strip(at), "compared with a view of the lesson before"
    at.button(key="lesson-leave").click().run()
    assert "lesson" not in at.query_params and "step" not in at.query_params and LESSONS[-1].question not in strip(at)


def test_a_link_into_a_lesson_opens_it_at_its_step(open_page):
    item = next(x for x in LESSONS if x.id == "company")
    at = open_page(metric="centroid_accuracy", lesson=item.id, step="4")
    assert not at.exception and "partly holds on these data" in strip(at) and "Your guess: none yet" in strip(at)
    assert "not here: these data" not in strip(at)


def test_the_guide_lists_the_lessons_as_questions(open_page):
    at = open_page("guide")
    links = [link for link in at.get("page_link") if "lesson=" in link.proto.query_string]
    assert [link.proto.label for link in links] == [item.question for item in LESSONS]


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
    assert not at.exception and any("lesson=mean-wins" in link.proto.query_string for link in at.get("page_link"))
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
