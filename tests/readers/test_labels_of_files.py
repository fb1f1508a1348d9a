"""Labels become conditions alike in every format: separators, spellings, controls, contexts; doubts are said aloud."""

import numpy as np
import pandas as pd
import pytest

from tests.readers.screen import GENES, NAMES, cells_file, means, warned

DRUGS = {"GEN0": "(+)-JQ1", "GEN1": "flurbiprofen-(+/-)", "GEN2": "S-(+)-rolipram", "GEN0+GEN1": "vitamin A+D"}


def relabelled(world, names, file="t.h5ad", **more):
    """Cells under other names; the means of which are the truth under these names."""
    return cells_file(world.folder / file, world.log, [names.get(c, c) for c in world.labels], **more)


# -- separators ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["cells", "means"])
def test_a_sign_inside_a_name_does_not_split_it(world, form):
    names = {k: v for k, v in DRUGS.items() if "+" not in k}
    frame = world.truth.drop(index="GEN0+GEN1").rename(index=names)
    frame.iloc[1:].to_csv(world.folder / "pred.csv")
    if form == "cells":
        keep = np.array(world.labels) != "GEN0+GEN1"
        labels = [names.get(c, c) for c in np.array(world.labels)[keep]]
        cells_file(world.folder / "t.h5ad", world.log[keep], labels)
    else:
        frame.to_csv(world.folder / "t.csv")
    status, said = world.convert("t.h5ad" if form == "cells" else "t.csv")
    assert status == 0 and "3 singles and 0 combinations" in said and "3 conditions of the truth predicted" in said
    world.check(frame, frame.iloc[1:])
    if form == "cells":
        assert world.aggregate("t.h5ad")[0] == 0
        assert set(world.check(frame).conditions) == set(frame.index)


def test_never_split(world):
    relabelled(world, DRUGS)
    world.predicted.rename(index=DRUGS).to_csv(world.folder / "pred.csv")
    status, said = world.convert("t.h5ad", "pred.csv", "--separator", "none")
    b = world.check(world.truth.rename(index={**DRUGS, "GEN0+GEN1": "vitamin A\uff0bD"}))
    assert status == 0 and "4 singles and 0 combinations" in said and set(b.n_perturbed) == {0, 1}
    assert "a + inside a name is written" in said and "4 conditions of the truth predicted" in said
    assert world.aggregate("t.h5ad", "--separator", "none")[0] == 0
    assert "vitamin A\uff0bD" in world.check(world.truth.iloc[:2].rename(index=DRUGS)).conditions


@pytest.mark.parametrize("form", ["h5ad", "csv"])
def test_an_underscore_splits_between_measured_genes(world, form):
    """GEN3 was never perturbed alone, but it is measured."""
    names = {"GEN0+GEN1": "GEN0_GEN3"}
    if form == "h5ad":
        relabelled(world, names)
    else:
        world.truth.rename(index=names).to_csv(world.folder / "t.csv")
    world.predicted.rename(index=names).to_csv(world.folder / "pred.csv")
    wanted = world.truth.rename(index={"GEN0+GEN1": "GEN0+GEN3"})
    status, said = world.convert(f"t.{form}")
    assert status == 0 and not warned(said)
    world.check(wanted, world.predicted.rename(index={"GEN0+GEN1": "GEN0+GEN3"}))
    if form == "h5ad":
        assert world.aggregate("t.h5ad")[0] == 0
        world.check(wanted)


@pytest.mark.parametrize("sign", ["|", ",", ";", "&"])
def test_two_known_names_that_stay_joined_are_named(world, sign):
    names = {"GEN0+GEN1": f"GEN0{sign}GEN1"}
    relabelled(world, names)
    status, said = world.convert("t.h5ad")
    assert status == 0 and f"1 label holds two known names joined by '{sign}'" in said
    assert world.convert("t.h5ad", "pred.csv", "--separator", sign)[0] == 0
    world.check(world.truth, world.predicted.drop(index="GEN0+GEN1"))
    assert f"joined by '{sign}'" in world.aggregate("t.h5ad")[1]
    assert world.aggregate("t.h5ad", "--separator", sign)[0] == 0
    world.check()


def test_a_split_into_a_known_and_an_odd_name_is_named(world):
    relabelled(world, {"GEN0+GEN1": "GEN0+10 nM"})
    status, said = world.convert("t.h5ad")
    assert status == 0 and "split into a known name and an unknown one" in said and "--separator 'none'" in said


# -- the same names ------------------------------------------------------------------------------------------------
def test_whole_numbers_that_became_floating(world):
    numbers = dict(zip(NAMES, [3367.0, 7.0, 591.0, 854.0, 164.0], strict=True))
    column = np.array([numbers[c] for c in world.labels])
    column[-1] = np.nan
    cells_file(world.folder / "t.h5ad", world.log, column)
    words = {k: str(int(v)) for k, v in numbers.items() if k != "ctrl"}
    world.predicted.rename(index=words).to_csv(world.folder / "pred.csv")
    status, said = world.convert("t.h5ad", "pred.csv", "--control", "3367")
    assert status == 0 and "1 row dropped" in said
    wanted = means(world.log[:-1], world.labels[:-1]).rename(index=words)
    world.check(wanted, world.predicted.rename(index=words))
    assert world.run("aggregate", world.folder / "t.h5ad", "--condition", "condition", "--control", "3367")[0] == 0
    world.check(wanted)


@pytest.mark.parametrize(
    ("spelled", "said"),
    [({"GEN0": "gen0"}, "gen0 = GEN0"), ({"GEN1": "GEN 1"}, "GEN 1 = GEN1"), ({"GEN2": "GEN2.0"}, "")],
)
def test_spellings_of_one_name(world, spelled, said):
    world.predicted.rename(index=spelled).to_csv(world.folder / "pred.csv")
    status, words = world.convert()
    matched = not spelled.get("GEN2")
    assert status == 0 and ("matched although spelled differently" in words) == matched and said in words
    if matched:
        world.check(predicted=world.predicted)


def test_a_prediction_with_another_separator(world):
    world.predicted.rename(index={"GEN0+GEN1": "GEN1,GEN0"}).to_csv(world.folder / "pred.csv")
    status, said = world.convert()
    assert status == 0 and "GEN1,GEN0 = GEN0+GEN1" in said
    world.check(predicted=world.predicted)


def test_ids_against_symbols(world):
    ids = [f"ENSG000000001{i:02d}" for i in range(len(GENES))]
    cells_file(world.folder / "t.h5ad", world.log, world.labels)
    import anndata as ad

    a = ad.read_h5ad(world.folder / "t.h5ad")
    a.var["ensembl_id"] = ids
    a.write_h5ad(world.folder / "t.h5ad")
    named = {GENES[i]: ids[i] for i in range(3)} | {"GEN0+GEN1": f"{ids[0]}+{ids[1]}"}
    world.predicted.rename(index=named).to_csv(world.folder / "pred.csv")
    status, said = world.convert("t.h5ad")
    assert status == 0 and f"{ids[0]} = GEN0" in said
    world.check(predicted=world.predicted)
    status, said = world.convert("truth.csv")  # the truth knows no ids
    assert status == 2 and "They are Ensembl ids, those of the truth symbols" in said


# -- contexts ------------------------------------------------------------------------------------------------------
def two_lines(world, file, lines):
    x = np.vstack([world.log] * len(lines))
    obs = {"cell_line": [line for line in lines for _ in world.labels]}
    return cells_file(world.folder / file, x, world.labels * len(lines), obs=obs)


def test_contexts_spelled_differently_are_matched_and_others_named(world):
    two_lines(world, "t.h5ad", ["K562", "RPE1"])
    two_lines(world, "p.h5ad", ["rpe1"])
    status, said = world.convert("t.h5ad", "p.h5ad", "--context", "cell_line")
    assert status == 0 and "1 context matched although spelled differently (rpe1 = RPE1)" in said
    two_lines(world, "p.h5ad", ["HepG2"])
    status, said = world.convert("t.h5ad", "p.h5ad", "--context", "cell_line")
    assert status == 2 and "contexts do not match: the prediction has 'HepG2', the truth 'K562', 'RPE1'" in said


def test_the_same_perturbations_in_other_contexts_are_said_so(world):
    x = np.vstack([world.log] * 2)
    keep = [i for i, c in enumerate(world.labels * 2) if i < len(world.log) or c == "ctrl"]
    obs = {"cell_line": [["K562", "RPE1"][i >= len(world.log)] for i in keep]}
    cells_file(world.folder / "t.h5ad", x[keep], [(world.labels * 2)[i] for i in keep], obs=obs)
    two_lines(world, "p.h5ad", ["RPE1"])
    status, said = world.convert("t.h5ad", "p.h5ad", "--context", "cell_line")
    assert status == 2 and "in other contexts: predicted in RPE1, measured in K562" in said


def test_no_context_can_be_said(world):
    two_lines(world, "t.h5ad", ["K562", "RPE1"])
    status, said = world.convert("t.h5ad", "pred.csv", "--context", "none")
    assert status == 0 and "differ in cell_line (K562, RPE1)" in said
    assert set(world.check(predicted=world.predicted).contexts) == {"all"}


# -- control -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stem", ["NT-", "NegCtrl", "non-targeting_000", "INTERGENIC_", "scramble.", "safe_harbour_"])
def test_numbered_controls_are_offered_all_at_once(world, stem):
    labels = [f"{stem}{1 + i % 5}" if c == "ctrl" else c for i, c in enumerate(world.labels)]
    cells_file(world.folder / "t.h5ad", world.log, labels)
    status, said = world.convert("t.h5ad")
    assert status == 0 and "5 labels look like control" in said and f"--control '{stem.rstrip('0')}*'" in said
    status, said = world.convert("t.h5ad", "pred.csv", "--control", f"{stem}*")
    assert status == 0 and not [w for w in warned(said) if "look like control" in w]
    world.check(predicted=world.predicted)
    command = ("aggregate", world.folder / "t.h5ad", "--condition", "condition", "--control", f"{stem}*")
    assert world.run(*command)[0] == 0
    world.check()


def test_controls_beside_a_found_control_are_named(world):
    labels = ["NT-1" if c == "ctrl" and i % 2 else c for i, c in enumerate(world.labels)]
    cells_file(world.folder / "t.h5ad", world.log, labels)
    assert "1 label looks like control and is counted as a perturbation: if" in world.convert("t.h5ad")[1]
    assert "looks like control" in world.aggregate("t.h5ad")[1]


def test_a_gene_that_is_a_word_for_control(world):
    """CTRL is a human gene: beside a control that is named it stays a perturbation."""
    frame = world.truth.rename(columns={"GEN5": "CTRL"}, index={"ctrl": "water", "GEN2": "CTRL"})
    frame.to_csv(world.folder / "t.csv")
    status, said = world.convert("t.csv", "pred.csv", "--control", "water")
    assert status == 0 and "kept as a perturbation, since it names a measured gene" in said
    world.truth.rename(index={"GEN2": "DMSO"}).to_csv(world.folder / "t.csv")
    status, said = world.convert("t.csv")
    assert status == 0 and "merged" in said
    world.truth.rename(index={"ctrl": "water", "GEN2": "DMSO"}).to_csv(world.folder / "t.csv")
    status, said = world.convert("t.csv", "pred.csv", "--control", "water")
    assert status == 0 and "beside water" in said and "--not-control DMSO" in said
    assert world.convert("t.csv", "pred.csv", "--control", "water", "--not-control", "DMSO")[0] == 0
    world.check(world.truth.rename(index={"GEN2": "DMSO"}))


def doses(world):
    """Dose of each cell; control has dose 0 only."""
    return ["0" if c == "ctrl" else ["0.1", "10"][i % 2] for i, c in enumerate(world.labels)]


def test_a_shared_control_serves_every_dose(world):
    cells_file(world.folder / "t.h5ad", world.log, world.labels, obs={"dose": doses(world)})
    status, said = world.convert("t.h5ad", "t.h5ad", "--context", "dose")
    assert status == 0 and "say so (--shared-control)" in said and "Name the control label" not in said
    status, said = world.convert("t.h5ad", "t.h5ad", "--context", "dose", "--shared-control")
    b = world.check(means(world.log, world.labels).iloc[:1])
    assert status == 0 and "control of 0 serves the contexts that have none" in said
    for context in b.contexts:
        np.testing.assert_allclose(b.control(context), world.truth.loc["ctrl"], atol=2e-5)
    status, said = world.aggregate("t.h5ad", "--context", "dose")
    assert status == 0 and "--shared-control" in said
    assert world.aggregate("t.h5ad", "--context", "dose", "--shared-control")[0] == 0
    b = world.check(means(world.log, world.labels).iloc[:1])
    rows = ~b.is_control
    assert np.isfinite(b.adata.layers["de_score_ctrl"][rows]).any(axis=1).all()
    np.testing.assert_allclose(b.control("10"), world.truth.loc["ctrl"], atol=2e-5)


# -- rows and columns ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["dose_val", "time", "cell_line", "treatment"])
def test_rows_of_one_label_that_differ_are_named(world, name):
    cells_file(world.folder / "t.h5ad", world.log, world.labels, obs={name: doses(world)})
    status, said = world.convert("t.h5ad", "pred.csv", *(["--context", "none"] if name == "cell_line" else []))
    assert status == 0 and f"rows of one label differ in {name} (0.1, 10)" in said and f"--context {name}" in said
    assert f"differ in {name} (0.1, 10)" in world.aggregate("t.h5ad")[1]
    world.check()


def test_batches_and_quality_are_no_reason_to_warn(world):
    n = len(world.labels)
    obs = {"batch": [str(i % 3) for i in range(n)], "guide_identity": [f"g{i % 2}" for i in range(n)]}
    obs |= {"n_genes": list(range(n)), "replicate": [i % 2 for i in range(n)], "phase": ["G1", "S", "G2M"] * (n // 3)}
    cells_file(world.folder / "t.h5ad", world.log, world.labels, obs=obs)
    assert not warned(world.convert("t.h5ad")[1])
    assert len(world.aggregate("t.h5ad")[1].splitlines()) == 1


def test_columns_of_truth_and_prediction_are_named_apart(world):
    obs = {"cell_line": [["K562", "RPE1"][i % 2] for i in range(len(world.labels))]}
    cells_file(world.folder / "t.h5ad", world.log, world.labels, "gene_target", obs=obs)
    cells_file(world.folder / "p.h5ad", world.log + 0.1, world.labels, "pert", obs={"celltype": obs["cell_line"]})
    status, said = world.convert("t.h5ad", "p.h5ad", "--condition", "pert", "--context", "celltype")
    assert status == 2 and "t.h5ad has no obs column 'pert'; it has: gene_target, cell_line" in said
    words = ["--condition", "pert", "--context", "celltype"]
    words += ["--truth-condition", "gene_target", "--truth-context", "cell_line"]
    assert world.convert("t.h5ad", "p.h5ad", *words)[0] == 0
    b = world.check(world.truth.iloc[:0])
    got = pd.DataFrame(b.prediction("M", "") - b.truth, b.conditions)
    np.testing.assert_allclose(got.drop(index="ctrl"), 0.1, atol=1e-5)


def test_labels_in_the_names_of_the_rows(world):
    import anndata as ad

    for frame, name in ((world.truth, "t"), (world.predicted, "p")):
        obs = pd.DataFrame({"n_umi": 1.0}, index=list(frame.index))
        ad.AnnData(frame.to_numpy("f4"), obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(
            world.folder / f"{name}.h5ad"
        )
    status, said = world.convert("t.h5ad", "p.h5ad")
    assert status == 2 and "it has: n_umi" in said and "--condition index" in said
    assert world.convert("t.h5ad", "p.h5ad", "--condition", "index")[0] == 0
    world.check(predicted=world.predicted)


def test_measured_and_predicted_rows_of_one_file(world):
    """An obs column tells which is which, and may be called as labels are elsewhere."""
    predicted = world.log + np.float32(0.2)
    x = np.vstack([world.log, predicted])
    for column, words in (("mode", ("test", "generated")), ("condition", ("stimulated", "pred"))):
        obs = {column: [w for w in words for _ in world.labels]}
        cells_file(world.folder / "p.h5ad", x, world.labels * 2, "perturbation", obs=obs)
        status, said = world.convert("truth.csv", "p.h5ad")
        assert status == 0 and f"By obs column {column!r} {len(world.labels)} of {len(x)} rows are predicted" in said
        world.check(predicted=means(predicted, world.labels).iloc[1:])
    assert world.run("convert", "--truth", world.folder / "p.h5ad")[0] == 0
    world.check()
