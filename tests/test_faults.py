"""Fault drills: what is left on disk and screen when a process dies, a disk is full, a file changes meanwhile."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from perturbviz.benchmark import Benchmark, load, save
from perturbviz.benchmark.files import replacing
from perturbviz.catalogue.download import fetch
from perturbviz.catalogue.entries import Dataset
from perturbviz.errors import UserError
from tests.charts import figures

ROOT = Path(__file__).parents[1]
DEMO, SMALL = ROOT / "data" / "demo.h5ad", ROOT / "data" / "demo_context_b.h5ad"


def python(script: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a script on this checkout in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and time of change."""
    return {str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*")}


def changed(benchmark: Benchmark, by: float) -> Benchmark:
    """The same names with other numbers: all perturbed profiles moved."""
    adata = benchmark.adata.copy()
    adata.X = adata.X + np.float32(by) * ~benchmark.is_control[:, None]
    return Benchmark.from_adata(adata)


# -- saving --------------------------------------------------------------------------------------------------------
KILLED = """
import os, signal, sys
from anndata import AnnData
from perturbviz.benchmark import load, save
whole = AnnData.write_h5ad
def half(self, path, **more):
    whole(self, path, **more)
    os.truncate(path, os.path.getsize(path) // 2)
    os.kill(os.getpid(), signal.SIGKILL)
AnnData.write_h5ad = half
save(load(sys.argv[1]), sys.argv[2])
"""


def test_killed_in_the_middle_of_a_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "bench.h5ad"
    shutil.copy(SMALL, path)
    before = path.read_bytes()
    assert python(KILLED, SMALL, path).returncode == -signal.SIGKILL
    assert path.read_bytes() == before and load(path).adata.n_obs
    left = [p for p in tmp_path.iterdir() if p != path]
    assert len(left) == 1 and left[0].suffix == ".part"  # which is not offered as a benchmark, see below


def test_what_a_killed_process_leaves_is_not_offered(tmp_path, monkeypatch):
    shutil.copy(SMALL, tmp_path / "bench.h5ad")
    (tmp_path / ".bench.h5ad-x1.part").write_bytes(b"half")
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    from perturbviz.ui.sources import choices

    assert [key for key in choices() if key.startswith("file:")] == ["file:bench.h5ad"]


FULL = """
import resource, signal, sys
from perturbviz.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("room", "command"),
    [
        (2_000, ["convert", "--truth", SMALL, "-o", "out.h5ad"]),  # fails in a write
        (100_000, ["convert", "--truth", SMALL, "-o", "out.h5ad"]),  # fails where the file is closed
        (2_000, ["evaluate", DEMO, "-o", "out.csv"]),
        (2_000, ["report", SMALL, "-o", "out.html"]),
    ],
    ids=["convert", "convert-close", "evaluate", "report"],
)
def test_a_full_disk_is_one_sentence_and_the_old_file_stays(tmp_path, command, room):
    """The limit on the size of a file stands for the full disk: both fail in the middle of a write."""
    *words, name = command
    out = tmp_path / name
    out.write_bytes(b"old")
    done = python(FULL, room, *words, out)
    assert done.returncode == 2, done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert "could not be written" in said and "Traceback" not in done.stderr
    assert out.read_bytes() == b"old" and list(tmp_path.iterdir()) == [out]


def test_other_errors_are_not_mistaken_for_a_full_disk(tmp_path):
    out = tmp_path / "x"
    with pytest.raises(FileNotFoundError), replacing(out):
        (tmp_path / "missing").read_text()
    with pytest.raises(UserError, match="No space left"), replacing(out) as temporary:
        temporary.write_text("new")
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_two_who_save_the_same_name_leave_one_whole_file(tmp_path):
    path = tmp_path / "same.h5ad"
    ours = [changed(load(SMALL), by) for by in (1.0, 2.0)]
    wanted = {b.content_id for b in ours}
    save(ours[0], path)
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(load(path).content_id)  # raises where a half-written file is ever there

    def write(benchmark: Benchmark) -> None:
        for _ in range(4):
            save(benchmark, path)

    watcher = threading.Thread(target=look)
    watcher.start()
    writers = [threading.Thread(target=write, args=(b,)) for b in ours]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join()
    assert load(path).content_id in wanted and seen and seen <= wanted
    assert list(tmp_path.iterdir()) == [path]


# -- the operator's folder -----------------------------------------------------------------------------------------
READ_ONLY = """
import os, sys
from perturbviz.benchmark import load
from perturbviz.cli import convert, main
folder = sys.argv[1]
load(folder + "/bench.h5ad").content_id  # everything is imported before the rights are given up
os.chmod(folder, 0o555)
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write anywhere
load(folder + "/bench.h5ad").content_id
sys.exit(main(["convert", "--truth", folder + "/bench.h5ad", "-o", folder + "/new.h5ad"]))
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own, with a benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="perturbviz-drill-"))
    folder.chmod(0o755)
    shutil.copy(SMALL, folder / "bench.h5ad")
    (folder / "bench.h5ad").chmod(0o644)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder_can_be_read_and_says_so_when_written(public):
    before = tree(public)
    done = python(READ_ONLY, public)
    assert done.returncode == 2, done.stderr
    assert "could not be written (Permission denied)" in done.stderr.splitlines()[-1]
    assert tree(public) == before


def open_file(name: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.query_params["data"] = f"file:{name}"
    at.run()
    assert not at.exception, at.exception[0].message
    return at


def scores(at: AppTest) -> list[float]:
    """What the order chart draws."""
    figure = next(f for f in figures(at) if f["key"] == "order")
    return list(next(t for t in figure["data"] if t.get("name") == "score")["x"])


def test_the_app_writes_nothing_into_the_data_folder(tmp_path, monkeypatch):
    shutil.copy(SMALL, tmp_path / "bench.h5ad")
    before = tree(tmp_path)
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    at = open_file("bench.h5ad")
    assert len(scores(at)) > 1
    assert tree(tmp_path) == before


def test_a_benchmark_replaced_on_disk_while_shown_is_read_anew(tmp_path, monkeypatch):
    path = tmp_path / "bench.h5ad"
    shutil.copy(SMALL, path)
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    at = open_file("bench.h5ad")
    first = scores(at)
    save(changed(load(path), 3.0), path)
    at.run()
    second = scores(at)
    assert not at.exception and second != first
    path.write_bytes(path.read_bytes()[:1000])  # somebody copies over it, and is not done yet
    at.run()
    assert not at.exception and any("bench.h5ad" in i.value for i in at.info), [i.value for i in at.info]
    path.unlink()
    at.run()
    assert not at.exception and any("needs the file “bench.h5ad”" in i.value for i in at.info), [
        i.value for i in at.info
    ]
    shutil.copy(SMALL, path)
    at.run()
    assert not at.exception and scores(at) == first


# -- downloads -----------------------------------------------------------------------------------------------------
DATA = b",G0,G1\nctrl,1.5,2\nA,2,3.5\n"


@pytest.fixture
def mirror(tmp_path) -> Iterator[tuple[str, list[str]]]:
    """Address of a folder "mirror" and what was asked of it."""
    asked: list[str] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    (tmp_path / "mirror").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "mirror")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def tiny() -> Dataset:
    return Dataset(
        id="tiny",
        title="Tiny",
        url="https://nowhere.invalid/tiny.csv",
        filename="tiny.csv",
        sha256=hashlib.sha256(DATA).hexdigest(),
        bytes=len(DATA),
    )


@pytest.mark.parametrize("damage", [b"", DATA[:9], DATA + b"x"], ids=["empty", "cut short", "longer"])
def test_a_damaged_download_is_fetched_again_once(tmp_path, mirror, damage):
    address, asked = mirror
    (tmp_path / "mirror" / "tiny.csv").write_bytes(DATA)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tiny.csv").write_bytes(damage)
    assert fetch(tiny(), tmp_path / "cache", mirror=address).read_bytes() == DATA
    assert len(asked) == 1
    fetch(tiny(), tmp_path / "cache", mirror=address)
    assert len(asked) == 1  # whole now: not asked for again


def test_a_mirror_that_is_damaged_too_is_one_sentence(tmp_path, mirror):
    address, asked = mirror
    (tmp_path / "mirror" / "tiny.csv").write_bytes(DATA + b"x")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "tiny.csv").write_bytes(DATA[:9])
    with pytest.raises(UserError, match="SHA-256 differs"):
        fetch(tiny(), tmp_path / "cache", mirror=address)
    assert len(asked) == 1
    left = [p.read_bytes() for p in (tmp_path / "cache").iterdir()]
    assert DATA + b"x" not in left  # what came is not kept


# -- sessions ------------------------------------------------------------------------------------------------------
def test_two_users_with_the_same_name_keep_their_own(monkeypatch):
    """Same title, same method names, other numbers: shared caches are keyed by content, sessions by user."""
    ours = [changed(load(SMALL), by) for by in (0.0, 3.0)]
    assert ours[0].title == ours[1].title and ours[0].content_id != ours[1].content_id
    shown = []
    for benchmark in ours:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
        at.session_state["_own_data"] = {benchmark.content_id: benchmark}
        at.query_params["data"] = benchmark.content_id
        at.run()
        assert not at.exception, at.exception[0].message
        shown.append(scores(at))
    assert shown[0] != shown[1]
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.query_params["data"] = ours[0].content_id
    at.run()  # a third user follows the first one's link: asked for the file, shown nothing of it
    assert not figures(at) and any("needs the data with the id" in i.value for i in at.info)
