"""The id of data is that of the file they are saved to, and neither it nor a colour depends on what was added first."""

from itertools import permutations

import numpy as np
import pytest

from perturbviz.analyses.calibration import with_controls
from perturbviz.benchmark import Benchmark, load, save
from perturbviz.models import LinearModel, compete, pretrained
from perturbviz.models.held_out import resplit
from perturbviz.panels.figures.theme import method_colours
from perturbviz.readers.assemble import add_prediction
from perturbviz.readers.base import Loaded, Profiles
from perturbviz.scoring.evaluation import Evaluation

CONDITIONS = ["ctrl", "A", "B", "C", "A+B", "A+C", "B+C"]
GENES = ["A", "B", "C", *(f"g{i}" for i in range(9))]
CONTROL = np.random.default_rng(9).gamma(2.0, 0.5, len(GENES))


@pytest.fixture
def screen(make_benchmark):
    """Two contexts, two seeds, halves and standard errors, and one method of the first file."""
    rng = np.random.default_rng(0)
    contexts = ["k562"] * len(CONDITIONS) + ["rpe1"] * len(CONDITIONS)
    truth = CONTROL * (1 + 0.1 * rng.normal(size=(len(contexts), len(GENES))))
    part = ["unassigned", "train", "train", "train", "test", "test", "train"]
    other = [*part[:-2], "train", "val"]
    noisy = {k: truth + 0.1 * rng.normal(size=truth.shape) for k in ("half_a", "half_b")}
    return make_benchmark(
        truth,
        CONDITIONS * 2,
        GENES,
        contexts=contexts,
        control={"k562": truth[0], "rpe1": truth[len(CONDITIONS)]},
        split={"1": part * 2, "2": other * 2},
        predictions={"Zeta__1": truth + 1, "Zeta__2": truth + 2},
        layers={**noisy, "se": np.full(truth.shape, 0.1)},
    )


def predicted(seed: str, name: str, file: str, rng: int, genes=GENES) -> tuple[Loaded, str, str]:
    """What a reader made of a file of predictions, its method and its seed."""
    values = CONTROL[: len(genes)] * (1 + 0.1 * np.random.default_rng(rng).normal(size=(6, len(genes))))
    labels = ["A+B", "A+C", "B+C"] * 2
    rows = Profiles(values.astype(np.float32), labels, list(genes), contexts=["k562"] * 3 + ["rpe1"] * 3)
    return Loaded(system="matrix", predictions={(name, seed): rows}, source={"file": file}), name, seed


FILES = (
    predicted("", "beta", "b.csv", 1),
    predicted("1", "alpha", "a1.csv", 2, GENES[:9]),
    predicted("2", "alpha", "a2.csv", 3),
)


def added(benchmark: Benchmark, files) -> Benchmark:
    for loaded, _, _ in files:
        benchmark, _ = add_prediction(benchmark, loaded)
    return benchmark


def colours(benchmark: Benchmark) -> dict[str, str]:
    evaluation = Evaluation(benchmark)
    return method_colours(evaluation.methods, [m for m in evaluation.methods if evaluation.is_baseline(m)])


def test_ids_and_colours_do_not_depend_on_the_order_of_adding(screen, tmp_path):
    made = [added(screen, files) for files in permutations(FILES)]
    assert len({b.content_id for b in made}) == 1
    assert {b.methods for b in made} == {("Zeta", "alpha", "beta")}
    assert all(colours(b) == colours(made[0]) for b in made)
    back = load(save(made[-1], tmp_path / "x.h5ad"))
    assert back.content_id == made[0].content_id and back.methods == made[0].methods
    assert colours(back) == colours(made[0])
    assert colours(screen)["Zeta"] == colours(back)["Zeta"], "what was there keeps its colour"
    note = back.meta["methods"]["alpha"]["note"].splitlines()
    assert note == [f"Read as Plain matrix from {file}." for file in ("a1.csv", "a2.csv")]


def models(benchmark: Benchmark) -> list[Benchmark]:
    """A benchmark with a self-trained and a pre-trained linear model, added in both orders."""
    other = pretrained(compete.all_perturbations(benchmark), dims=2)
    entered = [
        (LinearModel("pca", "pca", dims=2, sum_doubles=True), "own"),
        (LinearModel("pca", other, dims=2, sum_doubles=True), "with an embedding"),
    ]
    out = []
    for order in permutations(entered):
        one = benchmark
        for model, name in order:
            one = compete.enter(one, model, name)
        out.append(one)
    return out


@pytest.mark.parametrize("truth", ["half_a", "all"])
def test_models_and_controls_are_part_of_the_id_of_the_file(screen, tmp_path, truth):
    first, second = (with_controls(b, truth) for b in models(screen))
    assert first.content_id == second.content_id and first.methods == second.methods
    back = load(save(first, tmp_path / "x.h5ad"))
    assert back.content_id == first.content_id != screen.content_id
    assert colours(back) == colours(first)


def test_another_split_is_kept_in_the_file_and_in_every_change(screen, tmp_path):
    anew = resplit(screen, "seen1", n_seeds=2)
    assert anew.content_id not in (screen.content_id, resplit(screen, "seen1", n_seeds=1).content_id)
    more = anew.with_predictions("m", "M", {"": anew.truth})
    back = load(save(more, tmp_path / "x.h5ad"))
    assert more.split_origin == anew.split_origin and "hashes" in anew.split_origin
    for b in (more, back):
        assert b.seeds == anew.seeds
        for seed in b.seeds:
            np.testing.assert_array_equal(b.splits[seed], anew.splits[seed])
    assert back.content_id == more.content_id


def test_a_new_name_changes_nothing_else(screen):
    b = added(screen, FILES)
    b.adata.uns["perturbviz"]["methods"]["beta"]["mark"] = np.bool_(True)
    new = b.renamed("beta", "Beta model")
    info = new.meta["methods"]["beta"]
    assert info["name"] == new.display_name("beta") == "Beta model" and info["mark"] and info["kind"] == "model"
    assert new.layers.keys() == b.layers.keys() and new.content_id != b.content_id
    assert new.renamed("beta", "beta").content_id == b.content_id and b.display_name("beta") == "beta"


def test_names_of_contexts_and_columns_are_part_of_the_id(make_adata):
    def make(**changes):
        arguments = {
            "truth": np.eye(2),
            "conditions": ["A", "B"],
            "contexts": ["x", "y"],
            "control": {"x": [0, 1], "y": [1, 0]},
            "split": {"1": ["train", "test"]},
        }
        return Benchmark.from_adata(make_adata(**arguments | changes)).content_id

    swapped, seed = make(control={"y": [0, 1], "x": [1, 0]}), make(split={"2": ["train", "test"]})
    assert len({make(), swapped, seed}) == 3
