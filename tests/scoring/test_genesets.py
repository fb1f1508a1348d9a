"""Gene subsets: which columns count, in which order, for which rows."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve, subset_problem, unmeasured

GENES = ["A", "B", "x", "y", "z"]
CONTROL = [1.0, 5.0, 3.0, 3.0, 0.0]


@pytest.fixture
def evaluation(make_benchmark):
    truth = np.array(CONTROL) + np.array([[9, 0, -3, 2, 2], [0, -9, 1, -1, 4], [5, 6, 0, 0, 7], [0, 0, 1, 0, 0]])
    return Evaluation(make_benchmark(truth, ["A", "B", "A+B", "Q"], GENES, control=CONTROL, split=["test"] * 4))


def chosen(subset: GeneSubset, evaluation: Evaluation, rows=None) -> dict[str, str]:
    """Perturbation -> genes in order, joined."""
    out = {}
    for block in resolve(subset, evaluation, rows):
        for i, row in enumerate(block.rows):
            genes = np.arange(len(GENES)) if block.genes is None else block.genes
            genes = genes if genes.ndim == 1 else genes[i]
            assert len(genes) == block.n
            out[evaluation.rows["perturbation"].iloc[row]] = "".join(GENES[g] for g in genes)
    return out


def test_all_genes(evaluation):
    assert set(chosen(GeneSubset("all"), evaluation).values()) == {"ABxyz"}


def test_expressed_is_the_order_in_control_ties_in_file_order(evaluation):
    assert set(chosen(GeneSubset("expressed", 3), evaluation).values()) == {"Bxy"}
    assert set(chosen(GeneSubset("expressed", 2), evaluation).values()) == {"Bx"}


def test_de_is_the_order_of_observed_change_per_perturbation(evaluation):
    assert chosen(GeneSubset("de", 3), evaluation) == {"A": "Axy", "B": "Bzx", "A+B": "zBA", "Q": "xAB"}


def test_without_targets_the_next_genes_take_their_place(evaluation):
    # the order of the fixture: A: A x y z B; B: B z x y A; A+B: z B A x y
    assert chosen(GeneSubset("de", 3, targets=False), evaluation) == {"A": "xyz", "B": "zxy", "A+B": "zxy", "Q": "xAB"}
    assert chosen(GeneSubset("expressed", 3, targets=False), evaluation) == {
        "A": "Bxy",
        "B": "xyA",
        "A+B": "xyz",
        "Q": "Bxy",
    }
    assert chosen(GeneSubset("all", targets=False), evaluation) == {
        "A": "Bxyz",
        "B": "Axyz",
        "A+B": "xyz",
        "Q": "ABxyz",
    }
    assert chosen(GeneSubset("own", own=("z", "A"), targets=False), evaluation) == {
        "A": "z",
        "B": "zA",
        "A+B": "z",
        "Q": "zA",
    }


def test_own_list_keeps_its_order_drops_what_is_not_measured_and_doubles(evaluation):
    subset = GeneSubset("own", own=("z", "nope", "A", "z"))
    assert set(chosen(subset, evaluation).values()) == {"zA"}
    assert unmeasured(subset.own, evaluation) == ["nope"]


def test_n_is_clipped_to_all_genes(evaluation):
    for kind in ("expressed", "de"):
        assert set(chosen(GeneSubset(kind, 99), evaluation).values()) == {"ABxyz"}


def test_some_rows_only_in_any_order(evaluation):
    rows = np.array([2, 0])
    assert chosen(GeneSubset("de", 1), evaluation, rows) == {"A+B": "z", "A": "A"}


def test_contexts_have_their_own_expressed_genes(make_benchmark):
    b = make_benchmark(
        np.ones((2, 3)), ["P", "P"], contexts=["u", "v"], control={"u": [3, 2, 1], "v": [1, 2, 3]}, split=["test"] * 2
    )
    blocks = resolve(GeneSubset("expressed", 2), Evaluation(b))
    assert [(list(x.rows), list(x.genes)) for x in blocks] == [([0], [0, 1]), ([1], [2, 1])]


def test_de_order_depends_on_the_truth_that_is_scored(make_benchmark):
    half = [[0.0, 9, 1]]
    b = make_benchmark([[9.0, 1, 0]], ["P"], control=[0, 0, 0], split=["test"], layers={"half_a": half, "half_b": half})
    (whole,), (part,) = (resolve(GeneSubset("de", 1), Evaluation(b, truth_from=t)) for t in ("all", "half_a"))
    assert whole.genes[0, 0] == 0 and part.genes[0, 0] == 1


@pytest.mark.parametrize(
    ("space", "control", "subset", "says"),
    [
        ("delta", None, GeneSubset("expressed", 2), "changes, not expression"),
        ("lognorm", None, GeneSubset("expressed", 2), "no control mean"),
        ("lognorm", None, GeneSubset("de", 2), "no.*control mean|control mean"),
        ("lognorm", [1.0, 2], GeneSubset("own", own=("x",)), "None of the genes"),
        ("lognorm", {"other": [1.0, 2]}, GeneSubset("expressed", 1), "Context 'c' has no control mean"),
    ],
)
def test_subsets_that_mean_nothing_here(make_benchmark, space, control, subset, says):
    evaluation = Evaluation(make_benchmark(np.ones((1, 2)), ["P"], control=control, space=space, split=["test"]))
    assert subset_problem(subset, evaluation)
    with pytest.raises(UserError, match=says):
        resolve(subset, evaluation)


def test_de_is_defined_on_changes(make_benchmark):
    evaluation = Evaluation(make_benchmark([[1.0, -3, 2]], ["P"], space="delta", split=["test"]))
    assert list(resolve(GeneSubset("de", 2), evaluation)[0].genes[0]) == [1, 2]
