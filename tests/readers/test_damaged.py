"""Damaged files of every reader end in one sentence or say what they hold; none is left to the last net."""

import os

import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Options, load
from perturbviz.readers.safety import damage_in_words
from tests.readers.damage import damaged, good_files, outcome

pytestmark = pytest.mark.filterwarnings("ignore:This process")
SAMPLE = 60


def test_a_sample_of_damaged_files(tmp_path, monkeypatch):
    """``benchmarks/damaged_files.py`` reads thousands."""
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "200")
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "3")
    (tmp_path / "good").mkdir()
    good = good_files(tmp_path / "good")
    assert len(good) > 40
    kinds = []
    for seed in range(10_000, 10_000 + SAMPLE):
        one, folder = good[(7 * seed) % len(good)], tmp_path / str(seed)
        folder.mkdir()
        path, how = damaged(one, seed, folder)
        kind, said = outcome(one, path)
        assert kind in ("refused", "equal", "other", "time"), f"{one.layout}, {seed}, {how}: {said}"
        assert kind != "refused" or str(os.getcwd()) not in said
        kinds.append(kind)
    assert kinds.count("refused") > SAMPLE / 3 and kinds.count("equal") > 3


@pytest.mark.parametrize("name", ["t.csv", "detailed_metrics.csv", "t.tsv.gz"])
@pytest.mark.parametrize("odd", [b"\0", b"\x1b", b"\x7f"])
def test_tables_hold_text_only(tmp_path, name, odd):
    import gzip

    text = b"model,perturbation,metric,value\nA,KLF1,mse,0.1\nA,B" + odd + b"K1,mse,0.2\n"
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    with pytest.raises(UserError, match=f"holds the byte 0x{odd[0]:02x}"):
        load(tmp_path / name, Options())


def test_our_own_faults_are_not_called_damage():
    with pytest.raises(ZeroDivisionError), damage_in_words("x"):
        1 / 0  # noqa: B018
    with pytest.raises(UserError, match=r"x is damaged or cut short \('utf-8' codec"), damage_in_words("x"):
        b"\xff".decode()
