"""``perturbviz`` alone opens the dashboard: which files, port and folder the server is started with."""

import sys
from pathlib import Path

import pytest

from perturbviz.catalogue.embedded import data, home
from perturbviz.cli import dashboard, main
from perturbviz.errors import UserError

ROOT = Path(__file__).parents[2]


def test_the_dashboards_files_are_where_they_are_looked_for():
    assert home() == ROOT and (home() / "app.py").is_file() and (data() / "demo.h5ad").is_file()


def test_alone_it_starts_streamlit_on_the_demo(monkeypatch):
    monkeypatch.delenv("PERTURBVIZ_OPEN", raising=False)
    command, environment = dashboard.invocation()
    assert command == [sys.executable, "-m", "streamlit", "run", "app.py"]
    assert "PERTURBVIZ_OPEN" not in environment


def test_port_folder_and_browser_are_passed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    command, environment = dashboard.invocation(port=8601, data="mine", no_browser=True)
    assert command[-2:] == ["--server.port=8601", "--server.headless=true"]
    assert environment["PERTURBVIZ_DATA"] == str(tmp_path / "mine")


def test_a_benchmark_is_opened_by_its_absolute_path(monkeypatch):
    monkeypatch.chdir(ROOT)
    _, environment = dashboard.invocation("data/demo.h5ad")
    assert environment["PERTURBVIZ_OPEN"] == str(ROOT / "data" / "demo.h5ad")


@pytest.mark.parametrize(
    "words, said",
    [
        (["missing.h5ad"], "There is no file missing.h5ad"),
        (["empty.h5ad"], "is no benchmark of perturbviz"),
        (["--data", "nowhere"], "nowhere is not a folder"),
        (["--port", "99999"], "from 1 to 65535"),
        (["nonsense"], "invalid choice"),
    ],
)
def test_what_cannot_be_opened_is_one_line_and_status_2(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.h5ad").write_bytes(b"")
    monkeypatch.setattr(dashboard.subprocess, "Popen", lambda *a, **k: pytest.fail("a server was started"))
    try:
        status = main(words)
    except SystemExit as end:
        status = end.code
    err = capsys.readouterr().err.strip()
    assert status == 2 and said in err and "\n" not in err


def test_invocation_raises_user_errors():
    with pytest.raises(UserError, match="There is no file"):
        dashboard.invocation("missing.h5ad")
