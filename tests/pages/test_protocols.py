"""As in a paper: verdicts beside one another, one paper's views, and the switches between two titles."""

from tests.charts import figures


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def said(at):
    return " ".join(m.value for m in at.markdown)


def test_one_switch_turns_the_title_and_stays_in_the_link(open_page):
    at = open_page("rankings", section="As in a paper", paper="miller")
    assert not at.exception, at.exception[0].message
    assert chart(at, "papers") and at.selectbox(key="paper").value == "miller"
    assert "**Ahlmann-Eltze:** No model beats the additive baseline." in said(at)
    assert "**The switches:** No model beats the additive baseline." in said(at)
    at.toggle(key="_switch_test").set_value(True).run()
    assert not at.exception and "beat the perturbation mean." in said(at).partition("**The switches:**")[2][:90]
    assert dict(at.query_params)["switch"] in ("test", ["test"])
    again = open_page("rankings", section="As in a paper", switch="test,nonsense")
    assert again.toggle(key="_switch_test").value and not again.toggle(key="_switch_genes").value


def test_who_wins_where_is_a_section(open_page):
    at = open_page("rankings", section="Who wins where")
    assert not at.exception, at.exception[0].message
    assert chart(at, "strata")["question"].startswith("Who wins among weak")
