"""Caches of the guide: what lessons reveal on a benchmark."""

from __future__ import annotations

from perturbviz.benchmark import Benchmark
from perturbviz.guide.lessons import lesson
from perturbviz.guide.stage import Reveal
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.ui.memo import memo


@memo(60)
def reveal(benchmark: Benchmark, name: str) -> Reveal:
    """What the held-out perturbations of a benchmark say about a lesson, whatever the sidebar says."""
    return lesson(name).reveal(Evaluation(benchmark))
