"""The cast list: who each method is, in at most two lines, from the one place that knows."""

from __future__ import annotations

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.benchmark import SEEN
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.catalogue.systems import known
from perturbviz.scoring.baselines import BASELINES
from perturbviz.scoring.evaluation import Evaluation

UNKNOWN = "The data say nothing more about it."


def cast(scored: Evaluation | ScoreTable) -> dict[str, tuple[str, str]]:
    """Method -> its name and who it is.

    What the file says comes first, then what is known of a baseline or of a published system by its name. A method of
    which nothing is known says so.
    """
    if isinstance(scored, ScoreTable):
        return {m: (name, known(name) or known(m) or UNKNOWN) for m, name in scored.names.items()}
    return {m: (scored.name(m), _who(scored.benchmark, m)) for m in scored.methods}


def _who(benchmark: Benchmark, method: str) -> str:
    if method in BASELINES:
        return f"Baseline. {BASELINES[method].meaning} {BASELINES[method].source}."
    about = benchmark.about(method)
    note = str(about.get("note", "")).strip()
    if not note:
        note = known(benchmark.plain_name(method)) or known(method) or UNKNOWN
    control = "Control. " if about.get("kind") == "control" else ""
    seen = f" {SEEN} It has seen the truth." if benchmark.sees_truth(method) else ""
    added = " Added by you." if about.get("added") else ""
    return f"{control}{note}{seen}{added}"
