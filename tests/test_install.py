"""What ``pip install .`` gives: wheel and sdist hold the dashboard, and run where no checkout is near."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import perturbviz
from tests.ports import free_port

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The sdist, and the wheel made from the unpacked sdist, as pip makes it."""
    folder = tmp_path_factory.mktemp("built")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)], ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], source)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """Folder of the programs of an environment with the wheel in it and nothing else of this checkout.

    Its dependencies are those of the environment that runs the tests: installing them again would take minutes.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    programs = folder / "bin"
    place = _run(
        [str(programs / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder
    ).strip()
    (Path(place) / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    _run(
        [sys.executable, "-m", "pip", f"--python={programs / 'python'}", "install", "--no-deps", "-q", str(built[1])],
        folder,
    )
    return programs


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _environment() -> dict[str, str]:
    """The environment without what would lead Python back to the checkout."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PERTURBVIZ_OPEN")}


def test_the_wheel_holds_package_app_pages_and_demo_and_no_tests(built):
    names = set(zipfile.ZipFile(built[1]).namelist())
    pages = {f"perturbviz/dashboard/pages/{p.name}" for p in (ROOT / "pages").glob("*.py")}
    assert len(pages) == 9 and pages <= names
    assert {"perturbviz/py.typed", "perturbviz/dashboard/app.py", "perturbviz/dashboard/data/demo.h5ad"} <= names
    assert "perturbviz/dashboard/.streamlit/config.toml" in names
    assert not [n for n in names if n.startswith(("tests", "benchmarks", "docs"))]


def test_metadata_say_version_licence_and_every_requirement(built):
    archive = zipfile.ZipFile(built[1])
    (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
    text = archive.read(name).decode()
    head = text.partition("\n\n")[0].splitlines()
    assert f"Version: {perturbviz.__version__}" in head and "License-Expression: MIT" in head
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert sum(line.startswith("Requires-Dist: ") for line in head) == len(wanted)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {perturbviz.__version__}\n" in citation


def test_the_installed_command_runs_far_from_the_checkout(installed, tmp_path):
    assert "dashboard" in _run([str(installed / "perturbviz"), "--help"], tmp_path)
    where = _run([str(installed / "python"), "-c", "import perturbviz; print(perturbviz.__file__)"], tmp_path)
    assert str(ROOT) not in where
    assert "pearson_delta" in _run([str(installed / "perturbviz"), "metrics"], tmp_path)


def test_the_installed_command_serves_the_dashboard(installed, tmp_path):
    port = free_port()
    command = [str(installed / "perturbviz"), "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            try:
                assert urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).read() == b"ok"
                break
            except (URLError, ConnectionError):
                assert server.poll() is None, server.stdout.read()
                time.sleep(0.1)
        else:
            pytest.fail("the dashboard did not answer within 30 s")
    finally:
        os.killpg(server.pid, 2)
        assert server.wait(20) == 0
