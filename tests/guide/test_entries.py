"""The guide's entries come from the cards, and the talk's tables keep the talk's words."""

import re

from perturbviz.guide.entries import entries, point, search, talk_genes, talk_measures
from perturbviz.metrics import CATALOGUE
from perturbviz.scoring.baselines import BASELINES
from perturbviz.scoring.genesets import KINDS
from perturbviz.scoring.references import REFERENCES

# The wording of the slides.
MEASURES = [
    ("Mean squared error", "Interpretable", "Sensitive to outliers"),
    ("Pearson correlation", "Interpretable", "Typically very close to 1"),
    ("Pearson Delta wrt. to control", "Interpretable", "Systematic effects increase mean predictor performance"),
    (
        "Pearson Delta wrt. to perturbation mean",
        "Robust to systematic changes",
        "Less interpretable. Unclear what is a good baseline",
    ),
    ("Centroid accuracy", "Interpretable", "Output depends on perturbation similarity"),
    ("Recall of truly non-additive genes", "Interpretable, relevant", "Only meaningful for double perturbations"),
]
GENES = [
    ("All", "Comprehensive", "Noise can dominate signal"),
    ("Highly Expressed", "Informative", "Not always relevant"),
    ("Most differentially expressed", "Emphasizes affected genes", "Lacks all negative examples"),
]


def words(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("emphasises", "emphasizes")).strip()


def test_the_tables_of_the_talk_keep_its_words():
    for table, slide in ((talk_measures(), MEASURES), (talk_genes(), GENES)):
        for line, (_, pro, con) in zip(table.itertuples(index=False), slide, strict=True):
            assert (words(line[1]), words(line[2])) == (words(pro), words(con))
    assert [words(m) for m in talk_measures()["Measure"]][::5] == [words(MEASURES[0][0]), words(MEASURES[5][0])]


def test_the_point_of_a_card_about_a_reference():
    text = "Against control: fine. Against the perturbation mean: hard to read, odd. More."
    assert point(text, "control") == "Fine" and point(text, "perturbation") == "Hard to read, odd"
    assert point("Good: yes.") == "Good" and point("1.5 times.") == "1.5 times"


def test_every_card_is_an_entry_with_all_it_says():
    by = {(e.section, e.id): e for e in entries()}
    assert len(by) == len(entries())
    for name, metric in CATALOGUE.items():
        card, entry = metric.card, by["metrics", name]
        assert entry.formula == card.formula != "" and card.arrow in entry.badge
        said = " ".join(entry.facts.values())
        for text in (card.range, card.pro, card.con, card.gaming, card.source, card.traps):
            assert text in said
        assert card.parameter is None or card.parameter.meaning in said
    assert {r for s, r in by if s == "references"} == {*REFERENCES, *KINDS}
    assert all(by["baselines", b].formula for b in BASELINES)


def test_search_finds_all_words_over_all_sections():
    assert "wmse" in [e.id for e in search("weighted replicate")]
    assert search("PEARSON delta")[0].title.lower().count("pearson delta")
    assert {"lessons", "talk", "metrics"} <= {e.section for e in search("mean")}
    assert search("zzz no such word") == []
