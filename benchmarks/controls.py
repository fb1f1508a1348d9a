"""The controls of the sidebar: what one click on each leads to, and which of them mean something on which page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from perturbviz.benchmark import Benchmark
from perturbviz.guide.named import named
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import default_view
from perturbviz.scoring.view import AVERAGES, REFERENCE_FROM, ROWS, SIZES, listed_name

#: Pages that draw the view. Data and guide draw no chart of it: they list what is loaded, and explain; the lessons of
#: the guide have their own views, whatever the sidebar says.
PAGES = ("rankings", "errors", "profiles", "interactions", "calibration", "goodhart", "linear_model")
Link = dict[str, str | list[str]]
BASE: Link = {"metric": "pearson_delta"}


@dataclass(frozen=True)
class Control:
    """A control that is clicked to and fro.

    Attributes
    ----------
    key, kind
        Of the widget; kinds are those of ``browser.ACTS``.
    there, back
        Labels of what is clicked.
    to
        What the link says after the click there, besides ``base``.
    base
        What it says before, besides the data.
    folded
        Whether it is in the expander.
    """

    name: str
    key: str
    kind: str
    there: str
    back: str
    to: Link
    base: Link = field(default_factory=lambda: dict(BASE))
    folded: bool = False


def controls(benchmark: Benchmark, data: str, page: str, titles: dict[str, str]) -> Iterator[Control]:
    """The controls that are offered on a benchmark and page; ``titles`` are labels of benchmarks by id."""
    start, total = default_view(benchmark), benchmark.adata.n_vars
    if not benchmark.has_control:
        raise SystemExit(f"{benchmark.title} has no control mean: its controls are not those that are measured here.")
    name = {m: listed_name(m) for m in ("pearson_delta", "mae")}
    yield Control("metric", "metric", "select", name["mae"], name["pearson_delta"], {"metric": "mae"})
    yield Control("reference", "ref", "radio", "pert. mean", "control", {"ref": "perturbation"})
    # DE genes differ from double to double, so Interactions has none
    kinds = {"expressed": "expressed", "all": "all", "de": "DE"}
    other = [k for k in ("de", "all") if k != start.genes and not (k == "de" and page == "interactions")]
    if other:
        yield Control("genes", "genes", "radio", kinds[other[0]], kinds[start.genes], {"genes": other[0]})
    if start.genes == "expressed" and total > start.n:
        more = str(min(1500, total))  # the next step of the slider
        yield Control("number", "n", "slide", "ArrowRight", "ArrowLeft", {"n": more})
    yield Control("targets", "targets", "check", "", "", {"targets": "false"})
    yield Control(
        "mean over",
        "ref_from",
        "select",
        REFERENCE_FROM["all"],
        REFERENCE_FROM["train"],
        {"ref_from": "all"},
        {**BASE, "ref": "perturbation"},
    )
    evaluation = Evaluation(benchmark)
    *shown, last = evaluation.methods
    yield Control("methods", "show", "pill", evaluation.name(last), evaluation.name(last), {"show": shown})
    there, back = named("mse" if benchmark.has_expression else "delta-perturbation", "delta-control")
    yield Control("preset", "_preset", "select", there.label, back.label, dict(there.changes))
    elsewhere = "demo" if data != "demo" else "demo-b"
    yield Control("benchmark", "data", "select", titles[elsewhere], titles[data], {"data": elsewhere})
    sizes = benchmark.n_perturbed[~benchmark.is_control]
    parts = {part for parts in benchmark.splits.values() for part in parts}
    if "val" in parts:  # without it, test is all that is held out
        yield Control("split", "split", "select", "val", "held out (test and val)", {"split": "val"}, folded=True)
    if (sizes == 1).any() and (sizes > 1).any():
        yield Control("size", "size", "select", SIZES["doubles"], SIZES["all"], {"size": "doubles"}, folded=True)
    if len(benchmark.contexts) > 1:
        one = benchmark.contexts[0]
        yield Control("context", "context", "select", one, "all contexts", {"context": one}, folded=True)
    if len(benchmark.seeds) > 1:
        one, every = benchmark.seeds[0], f"all {len(benchmark.seeds)} seeds"
        yield Control("seed", "seed", "select", one, every, {"seed": one}, folded=True)
    yield Control("set", "rows", "select", ROWS["own"], ROWS["common"], {"rows": "own"}, folded=True)
    yield Control("average", "avg", "select", AVERAGES["median"], AVERAGES["mean"], {"avg": "median"}, folded=True)
    if "half_a" in benchmark.layers:
        yield Control("truth", "truth", "select", "half of the cells", "all cells", {"truth": "half_a"}, folded=True)
