"""The catalogue and its downloads, from a local server only."""

import hashlib
from pathlib import Path

import pytest

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.catalogue import download
from perturbviz.catalogue.download import cached, fetch, open_dataset
from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.cli import main
from perturbviz.errors import UserError
from tests.conftest import Quiet

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def entry(data: bytes, url: str) -> Dataset:
    return Dataset(
        id="tiny", title="Tiny", url=url, filename="tiny.csv", sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)
    )


DATA = b"," + b",".join(b"G%d" % i for i in range(3)) + b"\nctrl,1.5,2,3\nA,2,3.5,4\n"


def test_fetch_reports_progress_and_keeps_the_file(tmp_path, serve_folder, monkeypatch):
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "tiny.csv").write_bytes(DATA)
    seen = []
    item = entry(DATA, serve_folder(tmp_path / "srv") + "/tiny.csv")
    path = fetch(item, tmp_path / "cache", progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == DATA and seen[-1] == (len(DATA), len(DATA))
    monkeypatch.setattr(download.Resuming, "__call__", None)  # a second time it is not downloaded
    assert fetch(item, tmp_path / "cache") == path


def test_cache_and_mirror_settings(tmp_path, serve_folder, monkeypatch):
    (tmp_path / "tiny.csv").write_bytes(DATA)
    monkeypatch.setenv("PERTURBVIZ_MIRROR", serve_folder(tmp_path) + "/")
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path / "c"))
    monkeypatch.setitem(CATALOGUE, "tiny", entry(DATA, "https://nowhere.invalid/tiny.csv"))
    assert cached("tiny") is None
    assert fetch("tiny") == tmp_path / "c" / "tiny.csv" == cached("tiny")
    benchmark = open_dataset("tiny")
    assert isinstance(benchmark, Benchmark) and benchmark.title == "Tiny"


def test_wrong_bytes_are_thrown_away(tmp_path, serve_folder):
    (tmp_path / "tiny.csv").write_bytes(DATA + b"x")
    with pytest.raises(UserError, match="SHA-256"):
        fetch(entry(DATA, "https://nowhere.invalid/t"), tmp_path / "c", mirror=serve_folder(tmp_path))
    assert list((tmp_path / "c").iterdir()) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/tiny.csv", "http://no-such-host.invalid/tiny.csv"])
def test_offline_is_one_sentence(tmp_path, url):
    with pytest.raises(UserError, match="is there a network"):
        fetch(entry(DATA, url), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_missing_on_the_mirror(tmp_path, serve_folder):
    with pytest.raises(UserError, match="could not be downloaded"):
        fetch(entry(DATA, "https://nowhere.invalid/t"), tmp_path / "c", mirror=serve_folder(tmp_path))


def test_a_stumbling_network_is_tried_again(tmp_path, serve_folder):
    (tmp_path / "tiny.csv").write_bytes(DATA)
    calls = []

    class Stumbling(Quiet):
        def do_GET(self):
            calls.append(1)
            if len(calls) < 3:
                self.connection.close()
            else:
                super().do_GET()

    path = fetch(entry(DATA, serve_folder(tmp_path, Stumbling) + "/tiny.csv"), tmp_path / "c")
    assert path.read_bytes() == DATA and len(calls) == 3


def test_big_sets_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match="aggregate"):
        fetch("gears-norman", tmp_path)
    with pytest.raises(UserError, match="there are: demo"):
        fetch("nothing", tmp_path)


def test_entries_are_complete():
    for d in CATALOGUE.values():
        assert d.url.startswith("https://") and d.title and d.licence and d.citation, d.id
        assert d.downloadable == (d.kind != "manual"), d.id
        assert d.todo or d.downloadable, d.id
        assert "main/" not in d.url and "master/" not in d.url


def test_demo_opens():
    assert open_dataset("demo").simulated


def test_real_files_agree_with_the_catalogue(tmp_path, serve_folder, capsys):
    if not SHARED.is_dir():
        pytest.skip("the real data files are not here")
    address = serve_folder(SHARED)
    for d in CATALOGUE.values():
        if d.sha256:
            assert fetch(d, tmp_path, mirror=address).stat().st_size == d.bytes, d.id
    norman = open_dataset("norman", tmp_path)
    sizes = norman.n_perturbed
    assert ((sizes == 1).sum(), (sizes == 2).sum()) == (CATALOGUE["norman"].singles, CATALOGUE["norman"].doubles)
    assert "talk says 101" in norman.meta["source"]["provenance"]
    table = open_dataset("ahlmann-eltze-2025-scores", tmp_path)
    assert isinstance(table, ScoreTable) and len(table.frame) == 3 * 2790
    assert main(["fetch", "norman", "--mirror", address, "-o", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "new" / "norman_pseudobulk.npz")
