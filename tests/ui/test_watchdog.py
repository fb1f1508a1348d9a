"""A server that answers nobody is ended: systemd hears that it lives, and a clock ends what is stuck in C."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from perturbviz.ui import watchdog


@pytest.mark.parametrize(("said", "seconds"), [("", 0), ("0", 0), ("60", 60), ("1", 15), ("-5", 0), ("x", 0), ("٣", 0)])
def test_seconds(monkeypatch, said, seconds):
    monkeypatch.setenv("PERTURBVIZ_WATCHDOG", said)
    assert watchdog.patience() == seconds


def test_systemd_is_told(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # addresses of sockets are short
    monkeypatch.setenv("NOTIFY_SOCKET", os.path.realpath("n")[:100])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind("n")
        there.settimeout(5)

        async def serve():
            async with watchdog.watched():
                await asyncio.sleep(0.01)

        serving = threading.Thread(target=lambda: asyncio.run(serve()))  # the browser tests' loop is in this one
        serving.start()
        serving.join(5)
        assert [there.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_what_systemd_does_not_read_holds_nobody_up(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", os.path.realpath("n")[:100])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind("n")
        for _ in range(2000):
            watchdog.tell("WATCHDOG=1")


STUCK = """
import asyncio, ctypes
from perturbviz.ui import watchdog

async def serve():
    async with watchdog.watched():
        await asyncio.sleep(0.5)
        print("serving", flush=True)
        {stuck}
        await asyncio.sleep(1.2)

watchdog._LEAST, watchdog.EVERY = 1, 0.2
asyncio.run(serve())
print("ended by itself")
"""


@pytest.mark.parametrize(("stuck", "status"), [("ctypes.PyDLL(None).pause()", 1), ("pass", 0)])
def test_what_is_stuck_in_c_is_ended(stuck, status):
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", STUCK.format(stuck=stuck)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PERTURBVIZ_WATCHDOG": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == status and done.stdout.startswith("serving") and time.monotonic() - begun < 30
    assert ("Timeout" in done.stderr) == bool(status)
