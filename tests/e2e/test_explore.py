"""The explorable in a real browser, from disk and without a network: what it shows is what the package ranks."""

import math
import random
from pathlib import Path

import pytest

import perturbviz as pv
from perturbviz.analyses.offered import Plan, plan
from perturbviz.catalogue.demo import DATA, DEMO
from perturbviz.readers import load as read
from perturbviz.readers.assemble import assemble
from perturbviz.report.explorable import pack
from perturbviz.report.explore import page_of
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import parse_subset

REAL = Path(__file__).parents[3] / "shared" / "data"
#: Few genes, so that the pages are made in seconds: which genes there are does not matter to the page.
GENES = ("expressed:20", "expressed:20-targets", "de:20")
ALWAYS = ("l2", "pearson_delta", "centroid_accuracy")
SETTINGS = 30


def few_views(benchmark):
    """Some of the page's plan, drawn at random, so that it is made in seconds; one split beside all of them."""
    whole, chance = plan(Evaluation(benchmark)), random.Random(0)
    subsets = [s for s in map(parse_subset, GENES) if s in whole.pairs] or [next(iter(whole.pairs))]
    pairs = {s: [p for p in whole.pairs[s] if p[0] in ALWAYS or chance.random() < 0.25] for s in subsets}
    return Plan(tuple(subsets), {s: tuple(some) for s, some in pairs.items()}, whole.parts[:2], whole.averages)


def source(name):
    if name == "demo":
        return pv.load(DATA / DEMO)
    file = {"norman": "norman_pseudobulk.npz", "paper": "ahlmann_eltze_2025_double_perturbations.xlsx"}[name]
    if not (REAL / file).exists():
        pytest.skip(f"{file} is not there")
    found = read(REAL / file)
    return found.scores or assemble(found)[0]


def expected(data, view):
    """What `perturbviz.rank` says of a view of the page."""
    if view["on"].startswith("seed:"):
        subset = parse_subset(view["genes"])
        asked = {"metric": view["metric"], "avg": view["avg"], "seed": view["on"].removeprefix("seed:")}
        if view["ref"] != "none" and isinstance(data, pv.Benchmark):
            asked["ref"] = view["ref"]
        asked |= {"genes": subset.kind, "n": subset.n, "targets": subset.targets}
        return pv.rank(data, metric=view["metric"], view=pv.View(**asked))
    named = {"metric": view["metric"], "average": view["avg"]}
    if isinstance(data, pv.Benchmark):
        named |= {"reference": view["ref"], "genes": view["genes"]}
    return pv.rank(data, **named)


def number(value):
    return None if not math.isfinite(value) else float(f"{value:.3e}")


@pytest.fixture
def offline(browser):
    """Open a file in a page without a network; what goes wrong in it fails the test."""
    contexts, problems = [], []

    def open_file(path, fragment="", **how):
        context = browser.new_context(offline=True, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"file://{path}{fragment}")
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("name", ["demo", "norman", "paper"])
def test_thirty_random_views_are_ranked_as_by_the_package(name, offline, tmp_path):
    data = source(name)
    page_of(data, pack(data, planned=few_views(data) if isinstance(data, pv.Benchmark) else None)).save(
        tmp_path / "p.html"
    )
    page = offline(tmp_path / "p.html")
    views = page.evaluate("window.perturbviz.views()")
    chosen = random.Random(1).sample(views, min(SETTINGS, len(views)))
    for view in chosen:
        page.evaluate("view => window.perturbviz.set(view)", view)
        shown = page.evaluate("window.perturbviz.ranking()")
        want = expected(data, view).reset_index(drop=True)
        assert [line["method"] for line in shown] == list(want["method"]), view
        for line, row in zip(shown, want.itertuples(), strict=True):
            assert line["rank"] == (None if math.isnan(row.rank) else row.rank), view
            assert [line[c] for c in ("score", "low", "high")] == [
                number(getattr(row, c)) for c in ("score", "low", "high")
            ], view
    if name == "demo":
        whole_page(page, views)


def whole_page(page, views):
    """Address, sentence, refusal, keyboard, phone and figures of the page that is open."""
    last = page.evaluate("window.perturbviz.view()")
    page.wait_for_function("metric => location.hash.includes(`metric=${metric}`)", arg=last["metric"])
    page.evaluate("location.hash = '#metric=pearson_delta&ref=perturbation&genes=de:20&avg=median&on=held-out'")
    page.wait_for_function("window.perturbviz.view().metric === 'pearson_delta'")
    assert page.evaluate("window.perturbviz.view()") == {
        "metric": "pearson_delta",
        "ref": "perturbation",
        "genes": "de:20",
        "avg": "median",
        "on": "held-out",
    }
    assert "by Pearson delta vs the perturbation mean" in page.inner_text("#pv-headline")
    assert "average: median" in page.inner_text("#pv-questions")
    refused = "() => { try { perturbviz.set({metric: 'none such'}) } catch (error) { return error.message } }"
    assert (
        "holds no view" in page.evaluate(refused)
        and page.evaluate("window.perturbviz.view().metric") == "pearson_delta"
    )
    page.locator("input[name=avg][value=median]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("window.perturbviz.view().avg") == "mean"
    assert page.evaluate("document.activeElement.value") == "mean"  # the keyboard keeps its place
    page.select_option("[name=metric]", "l2")
    assert page.evaluate("window.perturbviz.view().ref") == "none" and page.is_disabled(
        "input[name=ref][value=control]"
    )
    page.select_option("[name=metric]", "pearson_delta")  # what L2 ruled out is back
    assert page.evaluate("window.perturbviz.view().ref") == "perturbation"
    page.click("#pv-methods summary")
    page.uncheck("[name=show][value=mean]")
    assert "mean" not in [line["method"] for line in page.evaluate("window.perturbviz.ranking()")]
    assert "9 of which are drawn" in page.inner_text("#pv-note")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    download(page)


def download(page):
    """A figure and a table taken home say what they are about."""
    from tests.charts import says_what_it_is_about

    page.locator("#pv-order details summary").click()
    for label in ("SVG for a paper, 180 mm wide", "CSV"):
        with page.expect_download() as taken:
            page.locator("#pv-order").get_by_role("button", name=label).click()
        says_what_it_is_about(Path(taken.value.path()), taken.value.suggested_filename, "Demo: simulated screen")
