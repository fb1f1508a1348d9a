"""fetch ahlmann-eltze-2025: the published .RDS, in small, served locally, downloaded and converted once."""

import gzip
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.catalogue import download
from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.cli import main
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score
from tests.conftest import Quiet
from tests.readers import tiny
from tests.readers.layouts import Rds, plus_control

PREDICTIONS, PARAMETERS = (f"double_perturbation_results_{what}.RDS" for what in ("predictions", "parameters"))
TRAIN = ["ctrl", "BAK1", "CEBPA", "KLF1"]


def run(name, frame, label, std=None):
    rows = {label(c): row.astype(float) for c, row in frame.iterrows()}
    return {
        "id": f"hash-{name}",
        "name": f"norman_from_scfoundation-{name}",
        "perturbation": list(rows),
        "prediction": rows,
        "prediction_std": std,
    }


def gears_like(name):
    return "_".join(g for g in name.split("+") if g != "ctrl")


def published(folder, more=()):
    """Both files as the paper's collecting script writes them: one run a method and split, the truth in every split."""
    runs = [run("1-gears", tiny.prediction() + 0.2, gears_like)]  # a prediction before the truth
    for seed in ("1", "2"):
        runs += [
            run(f"{seed}-ground_truth", tiny.truth(), plus_control, {"x": pd.Series([0.1], ["g"])}),
            run(f"{seed}-additive_model", tiny.truth().loc[tiny.TEST] * 0.5, plus_control),
            run(f"{seed}-scgpt", tiny.truth() + float(seed) / 10, gears_like),
            run(f"{seed}-lpm", tiny.prediction().iloc[:, ::-1], str),
        ]
    runs += more
    (folder / PREDICTIONS).write_bytes(gzip.compress(Rds().dump(runs)))
    parameters = [
        {
            "id": r["id"],
            "name": r["name"],
            "parameters": {"seed": seed},
            "test_train_labels": {
                "train": list(map(plus_control, TRAIN)),
                "test": [tiny.TEST[int(seed) - 1]],
                "val": [tiny.TEST[2 - int(seed)]],
            },
        }
        for seed in ("1", "2")
        for r in runs
        if r["name"].split("-")[1] == seed
    ]
    (folder / PARAMETERS).write_bytes(gzip.compress(Rds().dump(parameters)))
    return folder


@pytest.fixture
def source(tmp_path):
    (tmp_path / "srv").mkdir()
    return published(tmp_path / "srv")


def test_fetch_downloads_and_converts_once(tmp_path, source, serve_folder, capsys):
    address, out = serve_folder(source), tmp_path / "cache"
    assert main(["fetch", "ahlmann-eltze-2025", "--mirror", address, "-o", str(out)]) == 0
    said = capsys.readouterr()
    path = out / "ahlmann_eltze_2025_double.h5ad"
    assert said.out.strip() == str(path) and [p.name for p in out.iterdir()] == [path.name]
    b = load(path)
    assert b.seeds == ("1", "2") and set(b.methods) == {"gears", "additive-model", "scgpt", "lpm"}
    assert [b.display_name(m) for m in ("gears", "scgpt", "additive-model")] == [
        "GEARS",
        "scGPT",
        "Additive (published)",
    ]
    truth = pd.DataFrame(b.truth, b.conditions, b.genes)
    np.testing.assert_allclose(truth.loc[tiny.CONDITIONS, tiny.GENES], tiny.truth(), rtol=2e-6)
    for method, seed, rows, expected in (
        ("gears", "1", tiny.TEST, tiny.prediction() + 0.2),
        ("lpm", "2", tiny.TEST, tiny.prediction()),
        ("scgpt", "2", tiny.CONDITIONS[1:], tiny.truth().iloc[1:] + 0.2),
    ):
        got = pd.DataFrame(b.prediction(method, seed), b.conditions, b.genes)
        np.testing.assert_allclose(got.loc[rows, tiny.GENES], expected, rtol=2e-6)
    assert b.prediction("gears", "2") is None and np.isnan(b.prediction("gears", "1")[1]).all()
    assert list(b.conditions[b.splits["2"] == "test"]) == [tiny.TEST[1]]
    assert b.title == CATALOGUE["ahlmann-eltze-2025"].title and not b.simulated
    facts = b.meta["source"]
    assert "SHA-256" in facts["file"] and f"{(source / PREDICTIONS).stat().st_size:,} bytes" in facts["file"]
    assert "7 runs of 4 methods" in facts["conversion"] and facts["licence"]
    table = rank(score(Evaluation(b), "l2")).table["score"]
    assert table["additive-model"] > table["lpm"]
    before = path.stat().st_mtime_ns
    assert main(["fetch", "ahlmann-eltze-2025", "--mirror", "http://127.0.0.1:9", "-o", str(out)]) == 0
    assert path.stat().st_mtime_ns == before


def test_runs_that_do_not_fit_are_left_out_aloud(tmp_path, serve_folder):
    nan = tiny.prediction()
    nan.iloc[0, 0] = np.nan
    fewer = tiny.prediction().drop(columns="TBCE")
    nameless = run("1-nameless", tiny.prediction(), str)
    nameless["prediction"] = {k: [] for k in nameless["prediction"]}
    other = tiny.prediction().set_axis(["X1", "X2"])
    null = run("1-null", tiny.prediction(), str)
    null["prediction"]["CEBPA+KLF1"] = None
    more = [run("1-holes", nan, str), run("1-few", fewer, str), nameless, run("1-other", other, str), null]
    published(tmp_path, more)
    b = download.open_dataset("ahlmann-eltze-2025", tmp_path / "c", serve_folder(tmp_path))
    assert list(b.genes) == [g for g in tiny.GENES if g != "TBCE"] and "few" in b.methods
    assert "5 of 6 genes are kept, those that every method predicts: few lacks 1." in b.source["conversion"]
    said = b.source["left_out"]
    for name, why in (
        ("holes", "some but not all"),
        ("nameless", "no gene names"),
        ("other", "none of its conditions"),
    ):
        assert f"{name}" in said and why in said and name not in b.methods
    rows = dict(zip(b.conditions, b.prediction("null", "1"), strict=True))
    assert np.isnan(rows["CEBPA+KLF1"]).all() and not np.isnan(rows["BAK1+CEBPA"]).any()


def test_a_lost_method_is_said_and_changes_the_exit_status(tmp_path, serve_folder, capsys):
    holes = tiny.prediction()
    holes.iloc[0, 0] = np.nan
    (tmp_path / "srv").mkdir()
    address = serve_folder(published(tmp_path / "srv", [run("1-scfoundation", holes, str)]))
    for _ in range(2):  # the second time from what is there, which says it still
        assert main(["fetch", "ahlmann-eltze-2025", "--mirror", address, "-o", str(tmp_path / "c")]) == 1
        said = capsys.readouterr()
        assert "warning: scFoundation, split 1 is left out:" in said.err and "gene CEBPA" in said.err
        assert said.out.strip() == str(tmp_path / "c" / "ahlmann_eltze_2025_double.h5ad")
    words = ["convert", "--truth", str(tmp_path / "srv"), "-o", str(tmp_path / "b.h5ad")]
    assert main(words) == 1
    assert "warning: scFoundation, split 1 is left out:" in capsys.readouterr().err
    assert load(tmp_path / "b.h5ad").source["left_out"].startswith("scFoundation, split 1 is left out:")
    assert main([*words, "--without", "scFoundation"]) == 0  # nothing is lost that is not wanted
    assert "left_out" not in load(tmp_path / "b.h5ad").source


def test_a_method_that_costs_genes_can_be_left_out(tmp_path, serve_folder, capsys):
    """Of two methods that lack genes one is left out: by its own sentence, as a command, in fetch and convert."""
    less, least = tiny.prediction().drop(columns="TBCE"), tiny.prediction().drop(columns=["TBCE", "KLF1"])
    absent = tiny.prediction()
    absent["MT-ND1"] = np.nan  # the same as a gene that is not there
    more = [run("1-uce33", less, str), run("1-scbert", least, str), run("1-uce", absent, str)]
    (tmp_path / "srv").mkdir()
    address = serve_folder(published(tmp_path / "srv", more))
    fetching = ["fetch", "ahlmann-eltze-2025", "--mirror", address, "-o", str(tmp_path / "c")]
    converting = ["convert", "--truth", str(tmp_path / "srv"), "-o", str(tmp_path / "b.h5ad")]
    for words in (fetching, converting):
        assert main(words) == 0
        said = capsys.readouterr().err
        assert "3 of 6 genes are kept" in said and "scBERT lacks 2, 1 of them alone" in said
        assert "UCE (33 layers) lacks 1, none of them alone" in said and "UCE lacks 1, 1 of them alone" in said
    assert main([*fetching, "--without", "scBERT", "--without", "uce"]) == 0
    path = tmp_path / "c" / "ahlmann_eltze_2025_double_without_scBERT_uce.h5ad"
    assert capsys.readouterr().out.strip() == str(path)
    assert main([*converting, "--without", "scbert", "--without", "UCE"]) == 0
    for b in (load(path), load(tmp_path / "b.h5ad")):
        assert list(b.genes) == [g for g in tiny.GENES if g != "TBCE"] and "scbert" not in b.methods
    assert main([*fetching, "--without", "nobody"]) == 2
    assert "no method 'nobody' to leave out; there are: additive_model, gears" in capsys.readouterr().err
    assert main([*converting, "--without", "nobody"]) == 0
    assert "warning: nobody is no method of this file" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "flipped", "html", "no truth"])
def test_damaged_files_are_thrown_away(tmp_path, source, serve_folder, damage):
    data = (source / PREDICTIONS).read_bytes()
    changed = {
        "cut": data[:-9],  # whole content, but not gzip's check of it
        "flipped": data[:-6] + bytes([data[-6] ^ 1]) + data[-5:],
        "html": b"<html>sign in first</html>",
        "no truth": gzip.compress(Rds().dump([run("1-gears", tiny.prediction(), str)])),
    }[damage]
    (source / PREDICTIONS).write_bytes(changed)
    with pytest.raises(UserError, match="damaged or cut short|no binary .RDS|no run called ground_truth"):
        download.fetch("ahlmann-eltze-2025", tmp_path / "c", serve_folder(source))
    assert list((tmp_path / "c").iterdir()) == []


def test_a_download_that_ends_early_is_not_taken(tmp_path, source, serve_folder):
    class Cut(Quiet):
        def copyfile(self, source, outputfile):
            outputfile.write(source.read()[:-1000])  # less than the length that was declared

    with pytest.raises(UserError, match="could not be downloaded"):
        download.fetch("ahlmann-eltze-2025", tmp_path / "c", serve_folder(source, Cut))
    assert list((tmp_path / "c").iterdir()) == []


class Cutting(Quiet):
    """A server that knows ranges and hangs up after some bytes, as often as it is told to."""

    cuts, after, asked, version = 0, 1 << 15, [], "1"

    def do_GET(self):
        cls, data = type(self), (Path(self.directory) / self.path.strip("/")).read_bytes()
        span = self.headers.get("Range", "")
        start = int(span.removeprefix("bytes=").rstrip("-")) if span and self.headers["If-Range"] == self.etag else 0
        cls.asked.append(start)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", self.etag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if cls.cuts:
            cls.cuts -= 1
            data = data[: start + self.after]
        self.wfile.write(data[start:])

    @property
    def etag(self):
        return f'"{self.version}"'


@pytest.fixture
def cutting():
    return type("Cut", (Cutting,), {"asked": []})


def padded(folder):
    """The published files with a run that makes them longer than what the server sends before it hangs up."""
    folder.mkdir()
    noise = np.random.default_rng(0).random((2, 12_000))
    many = pd.DataFrame(noise, tiny.TEST, [*tiny.GENES, *(f"N{i}" for i in range(11_994))])
    published(folder, [run("1-uce33", many, str)])
    assert (folder / PREDICTIONS).stat().st_size > 4 * Cutting.after
    return folder


def test_a_cut_download_goes_on_where_it_stopped(tmp_path, serve_folder, cutting):
    cutting.cuts = 2
    seen = []
    folder = padded(tmp_path / "srv")
    path = download.fetch(
        "ahlmann-eltze-2025", tmp_path / "c", serve_folder(folder, cutting), lambda *n: seen.append(n)
    )
    first, second, third, parameters = cutting.asked
    assert first == parameters == 0 < second < third  # one go, in three pieces; then the file of parameters
    assert "uce33" in load(path).methods
    size = (folder / PREDICTIONS).stat().st_size
    assert f"SHA-256 {hashlib.sha256((folder / PREDICTIONS).read_bytes()).hexdigest()}" in load(path).source["file"]
    assert all(a[0] <= b[0] for a, b in pairwise(seen[: seen.index((size, size))]))  # progress never goes back


def test_the_next_try_goes_on_too_and_only_with_the_same_file(tmp_path, serve_folder, cutting):
    folder, cache = padded(tmp_path / "srv"), tmp_path / "c"
    address = serve_folder(folder, cutting)

    class Gone(cutting):  # hangs up for good once it has sent something
        asked: list = []

        def do_GET(self):
            super().do_GET() if not self.headers.get("Range") else self.connection.close()

    gone = serve_folder(folder, Gone)
    Gone.cuts = 1
    with pytest.raises(UserError, match=r"The first 0\.0 MB are kept: the next try goes on there"):
        download.fetch("ahlmann-eltze-2025", cache, gone)
    part, note = sorted(p for p in cache.iterdir())
    assert part.name == f".{PREDICTIONS}.part" and part.stat().st_size == Cutting.after
    note.write_text(note.read_text().replace(gone, address))  # the same server, back again
    before = dict(enumerate([part.read_bytes(), note.read_text()]))
    download.fetch("ahlmann-eltze-2025", cache, address)
    assert cutting.asked[0] == Cutting.after and len(list(cache.iterdir())) == 1
    (cache / "ahlmann_eltze_2025_double.h5ad").unlink()
    part.write_bytes(before[0])
    note.write_text(before[1])
    cutting.version, cutting.asked = "2", []  # another file by now: the server sends all of it
    b = load(download.fetch("ahlmann-eltze-2025", cache, address))
    assert cutting.asked == [0, 0] and "uce33" in b.methods


def test_pieces_that_do_not_fit_are_fetched_anew(tmp_path, serve_folder, cutting):
    """A known checksum says that the first bytes were of something else: once more, from the beginning."""
    data = np.random.default_rng(0).bytes(3 * Cutting.after)
    (tmp_path / "tiny.bin").write_bytes(data)
    entry = Dataset(
        "tiny", "Tiny", f"{serve_folder(tmp_path, cutting)}/tiny.bin", "tiny.bin", hashlib.sha256(data).hexdigest()
    )
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / ".tiny.bin.part").write_bytes(b"x" * 1000)
    (tmp_path / "c" / ".tiny.bin.part.json").write_text(json.dumps({"url": entry.url, "version": '"1"'}))
    assert download.fetch(entry, tmp_path / "c").read_bytes() == data
    assert cutting.asked == [1000, 0] and [p.name for p in (tmp_path / "c").iterdir()] == ["tiny.bin"]


def test_what_was_downloaded_waits_for_the_file_beside_it(tmp_path, source, serve_folder):
    address = serve_folder(source)
    (source / PARAMETERS).rename(source / "away")
    with pytest.raises(UserError, match="could not be downloaded"):
        download.fetch("ahlmann-eltze-2025", tmp_path / "c", address)
    assert [p.name for p in (tmp_path / "c").iterdir()] == [PREDICTIONS]
    (source / "away").rename(source / PARAMETERS)
    (source / PREDICTIONS).rename(source / "away")  # it is not asked for again
    assert load(download.fetch("ahlmann-eltze-2025", tmp_path / "c", address)).seeds == ("1", "2")


def test_progress_of_download_and_conversion(tmp_path, source, serve_folder):
    seen = []
    download.fetch("ahlmann-eltze-2025", tmp_path, serve_folder(source), lambda done, total: seen.append((done, total)))
    size = (source / PREDICTIONS).stat().st_size
    assert {total for _, total in seen} == {size} and seen.count((size, size)) > 7  # once at the end, once a run
