"""Rankings, the home page: who is best here, how surely, and how the order shifts with the view."""

from perturbviz.benchmark import Benchmark
from perturbviz.ui import cache, choose, coverage
from perturbviz.ui.current import begin
from perturbviz.ui.sections.rankings import SECTIONS
from perturbviz.ui.sections.this_view import this_view


def main() -> None:
    """The page."""
    current = begin("rankings", needs="scores")
    section = choose.segmented_control(
        "Section",
        ["This view", *SECTIONS],
        label_visibility="collapsed",
        key="section",
        persist_state="session",
    )
    if section in SECTIONS:
        SECTIONS[section](current)
        return
    coverage.badge(current)
    this_view(current)
    if isinstance(current.source, Benchmark):
        cache.look_ahead(current.source, current.view)


main()
