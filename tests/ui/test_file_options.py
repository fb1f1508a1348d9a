"""Messages of the readers in the words of the form, and the template that is offered."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.catalogue import embedded
from perturbviz.readers import load as load_file
from perturbviz.readers.assemble import add_prediction
from perturbviz.ui.sections.add_data import template
from perturbviz.ui.sections.file_options import FIELDS, in_the_form
from tests.test_structure import texts

#: Flags of other commands, in sentences about files that the form does not take.
ELSEWHERE = {"--trust", "--out", "--split"}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Say --value-space counts to normalise.", "Say “Values are”: counts to normalise."),
        ("choose it (--layer predicted).", "choose it (“Layer with the values”: predicted)."),
        ("name them (--control 'NT-*')", "name them (“Further control labels”: 'NT-*')"),
        ("Name the control label (--control) if", "Name the control label (“Further control labels”) if"),
        ("slot (--layer, or --truth-layer for the truth): X", "slot (“Layer with the values”): X"),
        ("the one that does (--condition COLUMN); it", "the one that does (“Column of the perturbation”); it"),
        ("genes (--genes FILE).", "genes (“Gene list”)."),
        ("run `perturbviz convert --system gears`.", "run `perturbviz convert --system gears`."),
        ("say so (--shared-control).", "say so (“One control serves all contexts”)."),
    ],
)
def test_flags_become_fields(said, shown):
    assert in_the_form(said) == shown


def test_every_flag_of_the_readers_is_a_field_of_the_form():
    words = {
        flag
        for name, text in texts().items()
        if name.startswith(("perturbviz.readers", "perturbviz.benchmark"))
        for flag in re.findall(r"--[a-z][a-z-]+", text)
    }
    assert len(words) > 10
    assert {w for w in words - ELSEWHERE if "--" in in_the_form(f"({w} x)").replace("---", "")} == set()
    assert len({label for _, label in FIELDS.values()}) == len(FIELDS)


def test_a_filled_template_is_read_and_an_empty_one_named(tmp_path):
    benchmark = load(embedded.data() / "demo.h5ad")
    table = pd.read_csv(io.BytesIO(template(benchmark)), index_col=0)
    assert list(table.columns) == list(benchmark.genes) and len(table) == (~benchmark.is_control).sum()
    path = tmp_path / "mine.csv"
    path.write_bytes(template(benchmark))
    with pytest.raises(ValueError, match="hold no values"):
        add_prediction(benchmark, load_file(path))
    filled = pd.DataFrame(benchmark.truth[~benchmark.is_control] + 0.01, table.index, table.columns)
    filled.to_csv(path)
    out, _ = add_prediction(benchmark, load_file(path), name="mine")
    np.testing.assert_allclose(out.prediction("mine", "")[~benchmark.is_control], filled, atol=1e-6)
