"""Foreign files are read in a child that may die: every end is one sentence, nothing is left, arrays come back."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Options, isolation, load
from perturbviz.readers.base import Caution, Loaded
from perturbviz.readers.isolation import isolated, load_isolated
from perturbviz.readers.plain import NotPlain, Reader, Writer
from tests.readers import fake_readers as fake
from tests.readers import tiny
from tests.readers.layouts import WRITERS

pytestmark = pytest.mark.filterwarnings("ignore:This process")  # Python 3.12 says that forking with threads may hang
WAYS = ("fork", "nursery")


@pytest.fixture(params=WAYS)
def way(request, monkeypatch, tmp_path):
    """Both ways to a child; afterwards no folder and no process of it is left."""
    if request.param == "nursery":
        monkeypatch.setattr(isolation, "_run", lambda wanted, told: isolation._nursery().ask(wanted))
    else:
        monkeypatch.setattr(isolation, "_run", lambda wanted, told: isolation._supervise(wanted, told))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "200")
    if request.param == "nursery":
        isolation.prepare()
    before = _processes()
    yield request.param
    assert not list(tmp_path.glob(isolation.PREFIX + "*"))
    deadline = time.monotonic() + 5
    while (left := _processes() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def _processes() -> set[int]:
    """This process's own children and those of its nursery; others' servers and browsers start what they like."""
    found = set()
    nursery = isolation._NURSERY
    own = psutil.Process().children()
    if nursery and psutil.pid_exists(nursery.process.pid):
        own += psutil.Process(nursery.process.pid).children(recursive=True)
    for process in own:
        with contextlib.suppress(psutil.NoSuchProcess):
            ended = process.status() == psutil.STATUS_ZOMBIE or "python" not in process.name()
            found |= set() if ended else {process.pid}
    return found


def ends(function, *arguments, match, timed=True):
    with pytest.raises(UserError, match=match) as error:
        isolated(function, *arguments, name="x.h5ad", timed=timed)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    return str(error.value)


def test_a_result_comes_back(way):
    found = isolated(fake.good, 10, name="x")
    np.testing.assert_array_equal(found["values"], np.arange(10.0).reshape(-1, 2))
    assert found["names"] == ["a", "Ü", None] and found["n"] == 10


def test_large_numbers_stay_when_their_file_is_gone(way):
    values = isolated(fake.good, 400_000, name="x")["values"]
    assert values[-1, -1] == 399_999 and type(values) is np.ndarray
    values[0, 0] = 7  # as writable as what was read directly
    assert values[0, 0] == 7


def test_the_child_has_the_modules_already(way):
    isolated(fake.loaded_modules, name="x")  # the nursery is there
    begun = time.monotonic()
    found = isolated(fake.loaded_modules, name="x")
    assert set(isolation.PRELOADED if way == "nursery" else isolation.PRELOADED[-1:]) <= set(found)
    assert time.monotonic() - begun < 1


def test_the_child_is_another_process_with_its_own_folder(way, tmp_path):
    pid, parent, folder, where = isolated(fake.process, name="x")
    assert pid != os.getpid() and (parent == os.getpid()) == (way == "fork")
    assert Path(folder).parent.parent == tmp_path and where == os.getcwd()


def test_the_child_has_none_of_our_files_open_however_many_there_are(way):
    with contextlib.ExitStack() as stack:
        ours = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(300)]
        assert len(ours) > isolation._FILES
        found = isolated(fake.open_files, name="x")
    assert len(found) == 1  # the pipe by which it tells how far it is


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (fake.user_error, r"^x.csv is bad: the second line is . odd\.$"),
        (fake.crash, "the process that read it crashed .signal 11."),
        (fake.abort, "the process that read it crashed .signal 6."),
        (fake.killed, "most likely for lack of memory"),
        (fake.allocate, r"needs more than .* MB of memory to read, twice 200 MB .PERTURBVIZ_MAX_MB"),
        (fake.allocate_at_once, "needs more than .* MB of memory"),
        (fake.write, "unpacks to more than the limit of 200 MB"),
        (fake.write_many, "unpacks to more than the limit of 200 MB"),
        (fake.leave_quietly, "not as expected"),
        (fake.leave_with_status, "not as expected"),
        (fake.temporary, "crashed"),
    ],
)
def test_every_end_is_one_sentence(way, function, match):
    ends(function, match=match)


def test_what_nobody_expected_is_in_the_log_and_not_in_the_sentence(way, caplog):
    said = ends(fake.exception, match="something in it is not as expected .number [0-9a-f]{4} in the log.")
    assert "secret" not in said
    number = said.partition("number ")[2][:4]
    assert any(number in r.getMessage() and "/secret/path" in r.getMessage() for r in caplog.records)


@pytest.mark.parametrize("function", [fake.loop, fake.loop_in_c, fake.sleep_with_grandchild, fake.close_all_and_go_on])
def test_what_does_not_end_is_ended(way, function, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "1")
    begun = time.monotonic()
    ends(function, match=r"takes more than 1 seconds to read .PERTURBVIZ_MAX_SECONDS.", timed=False)
    assert time.monotonic() - begun < 5


def test_only_a_set_limit_of_time_holds_on_the_command_line(monkeypatch):
    monkeypatch.delenv("PERTURBVIZ_MAX_SECONDS", raising=False)
    assert isolation._limits(timed=False).seconds == float("inf")
    assert isolation._limits(timed=True).seconds == 600
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "9")
    assert isolation._limits(timed=False).seconds == 9


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("[]", 0),
        ("{", 0),
        ('{"value": ["pickle", "x"]}', 0),
        ('{"value": ["__init__", "x"]}', 0),
        ('{"value": ["array", [0, "float64", [3], "C"]]}', 23),  # shorter than it says
        ('{"value": ["array", [0, "float64", [3], "C"]]}', 25),
        ('{"value": ["array", [0, "object", [3], "C"]]}', 24),
        ('{"value": ["array", [0, "complex128", [1], "C"]]}', 16),
        ('{"value": ["array", [0, "float64", [-3], "C"]]}', 24),
        ('{"value": ["array", [0, "float64", [1e3], "C"]]}', 8000),
        ('{"value": ["array", [0, "float64", [1099511627775, 1099511627775], "C"]]}', 24),
        ('{"value": ["array", ["../../0", "float64", [3], "C"]]}', 24),
        ('{"value": ["mapped", [0, "float64", [3], "C"]]}', 24),  # there is no source
        ('{"value": ["record", ["Popen", {}]]}', 0),
        ('{"value": ["record", ["Profiles", {"values": "x", "labels": []}]]}', 0),
        ('{"value": ["benchmark", {}]}', 0),
        ('{"value": ["frame", {"index": [null, ["range", 99999999999]], "columns": []}]}', 0),
        ('{"value": ' + '["list", [' * 80 + "]]" * 80 + "}", 0),
    ],
)
def test_a_lying_header_is_not_believed(way, text, size):
    ends(fake.lying_header, text, size, match="not as expected")


def test_a_block_is_a_file_of_the_folder(way, tmp_path):
    (tmp_path / "other").write_bytes(b"secret")
    ends(fake.linked_block, str(tmp_path / "other"), match="not as expected")


def test_nothing_that_comes_back_is_run(way, tmp_path):
    ends(fake.executes, str(tmp_path / "marker"), match="not as expected")
    assert not (tmp_path / "marker").exists()


def test_a_warning_comes_back_as_a_warning():
    notes = Reader(None).value(Writer(None).plain([Caution("rows differ in dose"), "18 cells read"]))
    assert notes == ["rows differ in dose", "18 cells read"] and [type(n) for n in notes] == [Caution, str]
    with pytest.raises(NotPlain):
        Reader(None).value(["caution", 3])


def test_half_a_character_comes_back_as_a_question_mark(way):
    assert isolated(fake.half_a_character, name="x") == ["Ü?"]


def test_a_nursery_that_was_killed_is_started_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "_run", lambda wanted, told: isolation._nursery().ask(wanted))
    isolated(fake.good, 2, name="x")
    isolation._nursery().process.kill()
    isolation._nursery().process.wait()
    assert isolated(fake.good, 2, name="x")["n"] == 2


def test_who_has_fewer_at_work_comes_first():
    turns, order = isolation._Turns(1), []

    def work(owner):
        with turns.turn(owner):
            order.append(owner)
            time.sleep(0.01)

    with turns.turn("a"):
        threads = []
        for i, owner in enumerate(["a", "a", "b"], 1):
            threads.append(threading.Thread(target=work, args=(owner,)))
            threads[-1].start()
            while len(turns.waiting) < i:
                time.sleep(0.001)
        assert turns._next()[0] == "b"  # a has one at work
    for thread in threads:
        thread.join()
    assert sorted(order) == ["a", "a", "b"] and turns.working.total() == 0


def test_what_dead_processes_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, owner in (("dead", 2**22 + 1), ("alive", os.getpid())):
        folder = tmp_path / f"{isolation.PREFIX}{name}"
        folder.mkdir()
        (folder / "owner").write_text(str(owner))
    isolation.sweep()
    assert [p.name for p in tmp_path.iterdir()] == [f"{isolation.PREFIX}alive"]


# -- the same as reading directly ----------------------------------------------------------------------------------
def same(a, b, where="loaded"):
    """Equal in every bit, type and order."""
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape, where
        if a.dtype.kind in "OUS":
            same(a.tolist(), b.tolist(), where)
        else:
            assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes(), where
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True)
    elif hasattr(a, "adata"):
        assert a.content_id == b.content_id and a.split_origin == b.split_origin
        same(a.adata.X, b.adata.X, "X")
        same(dict(a.adata.layers), dict(b.adata.layers), "layers")
        same(a.adata.obs, b.adata.obs)
        same(a.adata.var, b.adata.var)
        same(dict(a.adata.varm), dict(b.adata.varm), "varm")
        same(dict(a.splits), dict(b.splits), "splits")
    elif hasattr(a, "__dataclass_fields__"):
        assert type(a) is type(b)
        for name in a.__dataclass_fields__:
            same(getattr(a, name), getattr(b, name), f"{where}.{name}")
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            same(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]")
    else:
        assert a == b or (a != a and b != b), where


@pytest.mark.parametrize("layout", sorted(WRITERS))
def test_every_layout_is_read_as_directly(tmp_path, layout):
    options = Options(genes=tuple(tiny.GENES), allow_pickle=True)
    paths = [Path(w.removeprefix("m=")) for w in WRITERS[layout](tmp_path).words]
    read = 0
    for path in (p for p in paths if p.exists() and p.suffix != ".txt" and p.name != "split"):
        try:
            direct = load(path, options)
        except UserError as error:
            with pytest.raises(UserError) as isolated_error:
                load_isolated(path, options)
            assert str(isolated_error.value) == str(error)
            continue
        same(direct, load_isolated(path, options))
        read += 1
    assert read


def test_a_benchmark_is_read_as_directly(tmp_path, way):
    demo = Path(isolation.__file__).parents[2] / "data" / "demo.h5ad"
    same(load(demo), load_isolated(demo))


def test_a_large_benchmark_is_mapped_in_place(tmp_path, way, monkeypatch, random_benchmark):
    from perturbviz.benchmark.benchmark import save

    path = save(random_benchmark(n_genes=5000), tmp_path / "b.h5ad")
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")
    before = _mapped()
    direct, found = load(path).benchmark, load_isolated(path).benchmark
    same(direct, found)
    mapped = _mapped() - before  # what a test before this one read may still be there
    assert str(path) in mapped and not found.adata.X.flags.writeable
    assert not any("raw" in m and isolation.PREFIX in m for m in mapped)


def _mapped() -> set[str]:
    return {p.path for p in psutil.Process().memory_maps(grouped=False)}


def test_trust_reads_directly(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "isolated", lambda *a, **k: pytest.fail("a child"))
    tiny.truth().to_csv(tmp_path / "t.csv")
    assert isinstance(load_isolated(tmp_path / "t.csv", trust=True), Loaded)
