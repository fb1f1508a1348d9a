"""Interactions: which pairs of double and gene are not additive, who finds them, and what methods call instead."""

import importlib

import streamlit as st

from perturbviz.analyses.interactions.classes import class_counts
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.panels.captions import interactions as captions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.current import begin, end
from perturbviz.ui.sections.interactions.work import Work, option, rule_controls

SECTIONS = {
    "": "What is not additive?",
    "finds": "Who finds it?",
    "calls": "What do they call?",
    "which": "Which genes, which pairs?",
    "scores": "Interaction scores",
    "published": "As published",
}
MODULES = {
    "": "null",
    "finds": "curves",
    "calls": "calls",
    "which": "which",
    "scores": "scores",
    "published": "published",
}

current = begin("interactions", needs="scores")


def nothing(sentence: str) -> None:
    """Say why there is nothing to compute; the published panels need no benchmark."""
    st.info(sentence, icon=":material/search:")
    if cache.workbook() is not None:
        importlib.import_module("perturbviz.ui.sections.interactions.published").draw(None)
    end()


if not isinstance(current.source, Benchmark):
    nothing(f"“{current.source.title}” holds scores only; non-additivity needs predictions and truth gene by gene.")
if current.view.size == "singles":
    nothing("Only single perturbations are chosen: set “Number of targets” to all or combinations in the sidebar.")

question = cache.Question(current.source, current.view, cache.Rule(), current.shown)
try:
    every = cache.every(question)
    pairs = cache.pairs(question)
except UserError as error:
    nothing(str(error))
rule = rule_controls(question)
question = cache.Question(current.source, current.view, rule, current.shown)
threshold = cache.threshold(question)
work = Work(current, question, every, pairs, threshold)

counts = class_counts(cache.true_classes(question, of_all=True))
false = cache.false_share(question)
st.markdown(captions.how_many(threshold, int(counts[1:].sum()), int(counts.sum()), len(every.doubles), false))
section = option("Question", "ix", SECTIONS)
importlib.import_module(f"perturbviz.ui.sections.interactions.{MODULES[section]}").draw(work)
