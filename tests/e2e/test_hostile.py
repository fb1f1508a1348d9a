"""In the browser: files that never end or crash their reader cost their owner a sentence, and nobody else a click."""

import os
import urllib.request

from tests.e2e.conftest import RANKINGS, ROOT, open_app

DATA = "Which data, whose predictions?"
# In every process of the server: who reads a file of these names never comes back, or crashes.
HOOK = """
import ctypes, os, sys

def hook(event, arguments):
    if event == "open" and str(arguments[1])[:1] == "r":
        name = os.path.basename(str(arguments[0]))
        if name == "endless.csv":
            while True:
                ctypes.PyDLL(None).pause()
        if name == "crash.csv":
            ctypes.string_at(0)

sys.addaudithook(hook)
"""


def offer(app, path):
    app.open("data", DATA)
    app.page.get_by_role("radio", name="Add your own").click()
    app.page.locator('input[type="file"]').set_input_files(path)


def clicks_answer(app, url):
    app.page.get_by_role("link", name="Data").first.click()
    app.wait(DATA)
    app.page.get_by_role("link", name="Rankings").first.click()
    app.wait(RANKINGS, charts=2)
    assert urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).read() == b"ok"


def test_others_click_on_while_a_file_loops_and_crashes(browser, serve, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    for name in ("endless.csv", "crash.csv"):
        (tmp_path / name).write_text("condition,KLF1\nctrl,1.0\nBAK1,2.5\n")
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    url = serve(PYTHONPATH=paths, PERTURBVIZ_MAX_SECONDS="5")
    for bad in open_app(browser, url):
        for other in open_app(browser, url):
            other.open("", RANKINGS, charts=2)
            offer(bad, tmp_path / "endless.csv")
            clicks_answer(other, url)
            bad.page.get_by_text("takes more than 5 seconds to read").wait_for(timeout=60_000)
            offer(bad, tmp_path / "crash.csv")
            bad.page.get_by_text("the process that read it crashed (signal 11)").wait_for(timeout=60_000)
            clicks_answer(other, url)
