"""The guide's entries: what cards say about metrics, references, gene subsets and baselines, plus a glossary.

Nothing about them is written here: pages, tooltips and this guide read the same cards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pandas as pd

from perturbviz.guide.lessons import LESSONS
from perturbviz.guide.named import TALK
from perturbviz.metrics import CATALOGUE, Card
from perturbviz.scoring import genesets, references
from perturbviz.scoring.baselines import BASELINES

SECTIONS = {
    "lessons": "Lessons",
    "talk": "The talk in twelve links",
    "metrics": "Metrics",
    "references": "References and genes",
    "baselines": "Baselines",
    "glossary": "Glossary",
}


@dataclass(frozen=True)
class Entry:
    """One thing explained.

    Attributes
    ----------
    section, id
        Where it stands: key of ``SECTIONS``, and a name unique in it.
    title, badge
        Heading and what stands beside it in small print.
    formula
        LaTeX, or "".
    text
        Opening sentence.
    facts
        Label -> sentence, in the order shown.
    """

    section: str
    id: str
    title: str
    badge: str = ""
    formula: str = ""
    text: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Everything searched, in lower case."""
        parts = (self.title, self.id, self.badge, self.text, *self.facts, *self.facts.values())
        return " ".join(parts).casefold()


def entries() -> list[Entry]:
    """All entries, section by section."""
    return [*_lessons(), *_talk(), *_metrics(), *_references(), *_genes(), *_baselines(), *_glossary()]


def search(text: str) -> list[Entry]:
    """Entries that hold every word of ``text``; those with all of them in the title first."""
    wanted = text.casefold().split()
    found = [e for e in entries() if all(w in e.words for w in wanted)]
    return sorted(found, key=lambda e: not all(w in f"{e.title} {e.id}".casefold() for w in wanted))


def _metrics() -> list[Entry]:
    return [_metric(m.card) for m in CATALOGUE.values()]


def _metric(card: Card) -> Entry:
    facts = {
        "Range": f"{card.range}; a perfect prediction gets {card.perfect:g}",
        "A prediction without information": card.empty,
        "Reference": "control mean or perturbation mean" if card.reference == "delta" else "none is needed",
        "Computed per": card.unit,
        "Good": card.pro,
        "Bad": card.con,
        "How to game it": card.gaming,
        "Undefined where": card.undefined,
    }
    if card.parameter:
        p = card.parameter
        more = ", or any whole number" if p.whole_numbers else ""
        facts["Parameter"] = f"{p.name}: {p.meaning}; {', '.join(p.choices)}{more}; without one, {p.default}"
    if card.shared_genes:
        facts["Genes"] = "the same for all perturbations: they are compared with one another"
    if card.traps:
        facts["Traps"] = card.traps
    facts["Source"] = card.source
    return Entry("metrics", card.id, card.name, f"{card.symbol} · {card.arrow}", card.formula, card.summary, facts)


def _references() -> list[Entry]:
    return [
        Entry("references", r, f"Reference: {references.LABELS[r]}", "", "", references.MEANING[r])
        for r in references.REFERENCES
    ]


def _genes() -> list[Entry]:
    return [
        Entry(
            "references",
            k,
            f"Genes: {genesets.LABELS[k]}",
            "",
            "",
            genesets.DEFINITION[k],
            {"Good": genesets.PRO[k], "Bad": genesets.CON[k]},
        )
        for k in genesets.KINDS
    ]


def _baselines() -> list[Entry]:
    return [
        Entry(
            "baselines",
            b.id,
            b.name,
            "combinations only" if b.doubles_only else "",
            b.formula,
            b.meaning,
            {"Source": b.source},
        )
        for b in BASELINES.values()
    ]


def _lessons() -> list[Entry]:
    return [Entry("lessons", item.id, item.title, "", "", item.question, {"Reading": item.reading}) for item in LESSONS]


def _talk() -> list[Entry]:
    return [Entry("talk", str(i), view.heading) for i, view in enumerate(TALK, 1)]


GLOSSARY = {
    "Additive": "The changes of two single perturbations add up to the change of their combination.",
    "Data set": "Observed profiles with the predictions made for them, controls and splits.",
    "Buffering, synergistic, opposite": (
        "Ways of not being additive: the combination changes a gene less than the sum of its singles, more than the "
        "sum, or in the other direction than its singles."
    ),
    "Calibrated": (
        "A metric is calibrated on some data where it tells a replicate of the experiment from an empty prediction "
        "there, by a sign test over perturbations. Which replicate is always named. The calibrated scale puts the "
        "empty prediction at 0 and the replicate at 1."
    ),
    "Change": (
        "Profile minus reference, gene by gene; also called delta, or log fold change where the reference is control."
    ),
    "Context": "Cell line, donor, dose or time point: what stays the same while genes are perturbed.",
    "Control": "Cells without a perturbation; their mean profile is the control mean.",
    "Differentially expressed (DE) genes": (
        "Here the genes of largest observed change of each perturbation, whatever their p-value."
    ),
    "Double, combination": "Two, or more, genes perturbed in the same cell, written A+B.",
    "Dynamic range fraction": (
        "How far a replicate is from the empty prediction, as a share of the way to a perfect score. A perfect "
        "prediction of the mean is further: a replicate has noise of its own."
    ),
    "Empty prediction": (
        "One that says nothing about single perturbations: no change, or the mean of the training perturbations."
    ),
    "Goodhart's law": "When a measure becomes a target, it ceases to be a good measure.",
    "Held out": "Perturbations that methods did not see while they were fitted: test and validation parts together.",
    "Highly expressed genes": "The genes of highest mean in control, the same for all perturbations.",
    "Interactive page": (
        "One HTML file of a data set in which metric, reference, genes and average stay switches. It opens from disk "
        "without a network: Share, or perturbviz explore."
    ),
    "Interpolated duplicate": (
        "A replicate of the experiment where its gene is clearly changed, the mean elsewhere, weighted by the "
        "evidence of a change (Miller et al. 2025). It contains the mean, so it beats the mean nearly by "
        "construction."
    ),
    "Interval": "What an average could be over other perturbations: a 95% interval by Student's t, all seeds of a "
    "perturbation together. Combinations that share a target are not independent, and the interval allows for "
    "that. With fewer than 10 perturbations there is none. Two methods are compared by the interval of their "
    "difference on the same perturbations.",
    "Local false discovery rate": (
        "The chance that one value of this size is no effect, given all values. It is an error rate only where the "
        "null it is taken from fits; the Interactions page says where it does not."
    ),
    "Mean-rank tie": "Equal scores share the mean of their places: two firsts are both 1.5.",
    "Mode collapse": "A model gives nearly the same prediction for every perturbation.",
    "Non-additive pair": (
        "A combination and a gene whose observed change is further from the sum of the singles than noise explains."
    ),
    "Profile": "One value a gene for one perturbation: the mean over its cells of log-normalised expression.",
    "PDS, perturbation discrimination score": (
        "How rarely another perturbation's truth is nearer to a prediction than its own."
    ),
    "Pseudobulk": "Cells of one condition taken together; here the mean of their log-normalised values.",
    "Root mean square (RMS)": "Square root of the mean square over genes: the usual size of a change.",
    "Ruler": "What a score is measured with: a metric and the mean it subtracts. The first screen compares two.",
    "Seed": "One drawing of the split; splits of several seeds overlap, so one perturbation can be tested in several.",
    "Split": "Which perturbations are for training, which for validation (tuning) and which for the test.",
    "Systematic shift": "What all perturbed cells share against control cells: stress, cell cycle, the guide itself.",
    "Technical duplicate": "The mean of one half of the cells as a prediction of the other half.",
    "Undefined": "The formula has no value, such as a correlation with something constant. It is never counted as 0.",
    "Value space": "What the numbers of a data set are: log-normalised expression, changes, or signed log p-values.",
    "View": "Every choice that decides what is shown: metric, reference, genes, perturbations, average.",
}


def _glossary() -> list[Entry]:
    return [Entry("glossary", word, word, "", "", text) for word, text in GLOSSARY.items()]


# -- the talk's two tables -----------------------------------------------------------------------------------------
_TALK_MEASURES = (
    ("mse", ""),
    ("pearson", ""),
    ("pearson_delta", "control"),
    ("pearson_delta", "perturbation"),
    ("centroid_accuracy", ""),
    ("nonadditive_recall", ""),
)
_TALK_GENES = ("all", "expressed", "de")


def talk_measures() -> pd.DataFrame:
    """The talk's table of measures, from the cards: Measure, Pro, Con."""
    rows = []
    for name, reference in _TALK_MEASURES:
        card = CATALOGUE[name].card
        title = f"{card.name} vs the {references.LABELS[reference]}" if reference else card.name
        rows.append((title, point(card.pro, reference), point(card.con, reference)))
    return pd.DataFrame(rows, columns=["Measure", "Pro", "Con"])


def talk_genes() -> pd.DataFrame:
    """The talk's table of gene subsets, from what is said about them: Gene subset, Pro, Con."""
    rows = [(genesets.LABELS[k].capitalize(), point(genesets.PRO[k]), point(genesets.CON[k])) for k in _TALK_GENES]
    return pd.DataFrame(rows, columns=["Gene subset", "Pro", "Con"])


_AGAINST = {"control": "Against control:", "perturbation": "Against the perturbation mean:"}


def point(text: str, reference: str = "") -> str:
    """The first point of a card's sentence, or the one it makes about a reference: up to a full stop or colon."""
    if reference in _AGAINST and _AGAINST[reference] in text:
        text = text.partition(_AGAINST[reference])[2].strip()
    found = re.split(r"[.:](?:\s|$)", text, maxsplit=1)[0].strip()
    return found[:1].upper() + found[1:]
