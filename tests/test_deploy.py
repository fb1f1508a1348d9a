"""The files of deploy/ agree with one another and with the app's settings."""

import re
import tomllib
from pathlib import Path

from perturbviz.ui import watchdog

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def one(pattern: str, text: str) -> str:
    """The only thing that a pattern finds."""
    found = set(re.findall(pattern, text, re.M))
    assert len(found) == 1, (pattern, found)
    return found.pop()


def test_proxy_service_and_settings_agree():
    unit, nginx = (DEPLOY / "perturbviz.service").read_text(), (DEPLOY / "nginx.conf").read_text()
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]
    assert int(one(r"^\s*client_max_body_size (\d+)m;", nginx)) == settings["maxUploadSize"]
    base = one(r"--server\.baseUrlPath=(\S+)", unit)
    assert f"location /{base}/ {{" in nginx and f"location = /{base}/_stcore/health {{" in nginx
    port = one(r"--server\.port=(\d+)", unit)
    assert one(r"^\s*server 127\.0\.0\.1:(\d+);", nginx) == port
    assert one(r"--server\.address=(\S+)", unit) == settings["address"] == "127.0.0.1"
    assert re.search(r"proxy_set_header Upgrade +\$http_upgrade;", nginx)
    assert f"location /{base}/_stcore/upload_file/ {{" in nginx and f"location = /{base}/_stcore/metrics {{" in nginx
    assert "Type=notify" in unit and int(one(r"^WatchdogSec=(\d+)$", unit)) >= 3 * watchdog.EVERY


def test_the_container_is_started_the_same_way_by_both():
    compose, docker = (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "Dockerfile").read_text()
    run = docker[: docker.index("\nFROM")]
    for option, setting in (("memory", "mem_limit"), ("memory-swap", "memswap_limit"), ("pids-limit", "pids_limit")):
        assert one(rf"--{option} (\S+)", run) == one(rf"^    {setting}: (\S+)$", compose)
    assert one(r"--restart=(\S+)", run) == one(r"^    restart: (\S+)$", compose)
    assert f'tmpfs: ["{one(r"--tmpfs ([^ ]+)", run)},' in compose
    assert "read_only: true" in compose and "--read-only" in run
    assert "cap_drop: [ALL]" in compose and "--cap-drop=ALL" in run
    assert int(one(r"PERTURBVIZ_WATCHDOG=(\d+)$", docker)) >= 3 * watchdog.EVERY


def test_the_image_holds_what_the_app_needs_and_no_more():
    docker, ignored = (DEPLOY / "Dockerfile").read_text(), (DEPLOY / "Dockerfile.dockerignore").read_text()
    copied = re.findall(r"^COPY (\S+) \S+$", docker, re.M)
    assert set(copied) == {"requirements.txt", ".streamlit", "app.py", "pages", "perturbviz", "data"}
    assert all((ROOT / name).exists() for name in copied)
    assert {line[1:] for line in ignored.splitlines() if line.startswith("!")} == set(copied)
    assert docker.index("USER perturbviz") < docker.index("CMD")  # it does not run as root
    assert "/_stcore/health" in one(r"^HEALTHCHECK .*\\\n(.*)$", docker)
