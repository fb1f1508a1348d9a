"""Caches of the guide: what lessons reveal on a benchmark."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.guide.lessons import Lesson
from perturbviz.guide.stage import Reveal
from perturbviz.scoring.evaluation import Evaluation


def reveal(benchmark: Benchmark, lesson: Lesson) -> Reveal:
    """What the held-out perturbations of a benchmark say about a lesson, whatever the sidebar says."""
    return _reveal(benchmark.content_id, lesson.id, benchmark, lesson)


@st.cache_resource(max_entries=60, show_spinner=False)
def _reveal(content_id: str, name: str, _benchmark: Benchmark, _lesson: Lesson) -> Reveal:
    return _lesson.reveal(Evaluation(_benchmark))
