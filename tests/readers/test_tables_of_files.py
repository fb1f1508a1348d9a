"""Tables of any form: labels anywhere, text beside numbers, decimal commas, long, titled, swapped; in every format."""

import numpy as np
import pandas as pd
import pytest

from tests.readers.screen import warned

FORMATS = ("csv", "tsv", "parquet", "xlsx")


def write(frame, path):
    """A table without an index of its own."""
    kind = path.suffix.removeprefix(".")
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")


@pytest.fixture(params=FORMATS)
def made(world, request):
    """Writes a table in one of the formats, converts it as the prediction, and returns what was said."""

    def make(frame, *words):
        path = world.folder / f"p.{request.param}"
        write(frame, path)
        status, said = world.convert("truth.csv", path.name, *words)
        assert status == 0, said
        world.check(predicted=world.predicted)
        return said

    return make


def labelled(world):
    return world.predicted.rename_axis("condition").reset_index()


def test_ordinary_tables_have_no_warning(world, made):
    assert not warned(made(labelled(world)))


def test_labels_behind_a_running_number_or_at_the_end(world, made):
    frame = labelled(world)
    said = made(frame.reset_index().rename(columns={"index": ""}))
    assert "labels are taken from column 'condition'" in said and not warned(said)
    made(frame[[*frame.columns[1:], "condition"]])


def test_text_and_numbers_of_rows_are_left_out_and_named(world, made):
    frame = labelled(world)
    frame.insert(1, "drug_class", "kinase")
    frame.insert(2, "n_counts", 17)
    said = made(frame)
    assert "columns that hold no genes are left out: drug_class, n_counts" in said and not warned(said)


def test_rows_of_one_label_that_differ_in_a_column_left_out(world, made):
    frame = labelled(world)
    frame = pd.concat([frame, frame])
    frame.insert(1, "dose", [1, 1, 1, 1, 10, 10, 10, 10])
    assert "rows of one label differ in dose (1, 10)" in made(frame)


def test_long_tables_are_turned(world, made):
    long = labelled(world).melt("condition", var_name="gene", value_name="value")
    assert "a long table, a line for each condition and gene, was turned" in made(long)


def test_swapped_tables_are_turned(world, made):
    said = made(world.predicted.T.rename_axis("gene").reset_index())
    assert "rows and columns were swapped" in said


@pytest.mark.parametrize("sep", [";", "\t"])
def test_decimal_commas(world, sep):
    world.predicted.round(4).to_csv(world.folder / "p.csv", sep=sep, decimal=",", encoding="utf-8-sig")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 0 and "decimal commas were read" in said
    world.check(predicted=world.predicted.round(4))


def test_commas_that_may_part_thousands_are_no_decimals(world):
    (world.folder / "p.csv").write_text("condition;GEN0;GEN1\nGEN0;1,234;2,345\n")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 2 and "'1,234' in row 'GEN0', column 'GEN0' is not a number" in said


def test_comments_and_titles_above_the_header(world):
    text = world.predicted.to_csv()
    (world.folder / "p.csv").write_text(f"# made on Monday, by hand\n\nTable S4\n{text}")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 0 and not warned(said)
    world.check(predicted=world.predicted)


def test_two_swapped_tables_make_no_benchmark_of_genes(world):
    world.truth.T.to_csv(world.folder / "t.csv")
    world.predicted.T.to_csv(world.folder / "p.csv")
    status, said = world.convert("t.csv", "p.csv")
    assert status == 0 and said.count("rows and columns were swapped") == 2
    world.check(predicted=world.predicted)
    world.truth.drop(index="ctrl").T.to_csv(world.folder / "t.csv")  # nothing says which is which
    assert "are rows and columns swapped?" in world.convert("t.csv", "p.csv")[1]


def test_a_gene_given_twice_in_a_long_table(world):
    long = labelled(world).melt("condition", var_name="gene", value_name="value")
    pd.concat([long, long.iloc[:1]]).to_csv(world.folder / "p.csv", index=False)
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 2 and "GEN0 has two lines for the gene GEN0" in said


def test_labels_of_numbers_are_no_running_numbers(world):
    numbers = dict(zip(world.predicted.index, ["7", "591", "854", "164"], strict=True))
    world.truth.rename(index=numbers).to_csv(world.folder / "t.csv")
    world.predicted.rename(index=numbers).to_csv(world.folder / "p.csv")
    assert world.convert("t.csv", "p.csv")[0] == 0
    world.check(world.truth.rename(index=numbers), world.predicted.rename(index=numbers))
    assert np.isfinite(world.predicted.to_numpy()).all()
