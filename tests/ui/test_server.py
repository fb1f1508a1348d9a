"""What the server does besides running pages: the files of the charts come with the page, nothing heavy delays it."""

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import plotly.offline
import streamlit

import perturbviz
from perturbviz.ui import assets, server


def answer(
    kind: str, body: bytes = b"<html><head></head></html>", path: str = "/", status: int = 200, **asked
) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer of a content type, as the browser gets it; ``asked`` is more of the request."""

    async def page(scope, receive, send):
        encodings = [value for name, value in scope["headers"] if name == b"accept-encoding"]
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(b"x-was-asked-for", value) for value in encodings]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    sent = []

    async def send(message):
        sent.append(message)

    with ThreadPoolExecutor(1) as thread:  # the browser tests have a loop of their own in this one
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], **asked}
        thread.submit(asyncio.run, server.Preload(page)(scope, None, send)).result()
    return {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


def test_a_page_names_the_files_of_its_charts_and_nothing_else_does():
    headers, body = answer("text/html; charset=utf-8")
    named = re.findall(r"<([^>]+)>", headers["link"])
    assert named == [address for address, _ in assets.PRELOAD]
    (early,) = re.findall(r'<script type="module" src="([^"]+)"></script></head>', body.decode())
    folders = {"chart": assets.ASSETS, "plotly": assets.plotly_folder()}
    for address in (*named, early):
        folder, file = re.fullmatch(r"component/perturbviz\.ui\.assets\.(\w+)/([\w.]+)(?:\?\w+=.*)?", address).groups()
        assert (folders[folder] / file).is_file(), address


def test_the_icon_is_our_own():
    headers, body = answer("image/png", b"streamlit's", path="/lab/favicon.png")
    assert headers["content-type"].startswith("image/svg+xml")
    assert ElementTree.fromstring(body).tag.endswith("svg")
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    assert page.count("./favicon.png") == 1  # what browsers ask for


def test_plotly_js_is_kept_and_nothing_else():
    assert "immutable" in answer("text/javascript", path="/lab/" + assets.KEPT)[0]["cache-control"]
    assert "cache-control" not in answer("text/javascript", path="/static/js/index.js")[0]
    assert "cache-control" not in answer("text/plain", path="/" + assets.KEPT, status=404)[0]  # to be asked for again


def test_plotly_js_is_compressed_for_browsers_elsewhere_only():
    def compressed(path: str, client: str, *more: tuple[bytes, bytes]) -> bool:
        headers = [(b"accept-encoding", b"gzip"), *more]
        return "x-was-asked-for" in answer("text/javascript", path=path, client=(client, 50000), headers=headers)[0]

    plotly_js = "/" + assets.KEPT
    assert not compressed(plotly_js, "127.0.0.1") and not compressed(plotly_js, "::1")
    assert compressed(plotly_js, "192.0.2.1") and compressed("/", "127.0.0.1")
    assert compressed(plotly_js, "127.0.0.1", (b"x-forwarded-for", b"192.0.2.1"))  # a proxy on this machine


def test_scripts_of_the_interface_are_handed_out_as_they_are():
    name, file = next(iter(assets.INTERFACE.items()))
    headers, body = answer("text/plain", b"Streamlit's own answer", path=f"/lab/static/js/{name}")
    assert body == file.read_bytes() and int(headers["content-length"]) == len(body)
    assert "immutable" in headers["cache-control"] and headers["content-type"].startswith("text/javascript")
    for path in ("/static/js/../../static/js/none.js", f"/elsewhere/{name}", "/static/js/", "/static/js"):
        assert answer("text/plain", b"Streamlit's own answer", path=path)[1] == b"Streamlit's own answer"
    for method in ("HEAD", "POST"):
        assert answer("text/plain", b"", path=f"/static/js/{name}", method=method)[1] == b""


def test_answers_keep_their_length_and_other_files_their_content():
    headers, body = answer("text/html")
    assert int(headers["content-length"]) == len(body) > len(b"<html><head></head></html>")
    headers, body = answer("text/javascript")
    assert "link" not in headers and body == b"<html><head></head></html>"
    headers, body = answer("text/html", b"")  # to HEAD
    assert (headers["content-length"], body) == ("0", b"")


def test_parts_of_the_interface_are_there_to_be_read_ahead():
    files = assets.part_files()
    assert [f.partition(".")[0] for f in files] == list(assets.PARTS)
    assert f"parts={','.join(files)}" in assets.EARLY


def test_plotly_js_is_a_module_of_the_installed_package():
    text = (assets.plotly_folder() / "plotly.js").read_text(encoding="utf-8")
    assert f"plotly.js v{plotly.offline.get_plotlyjs_version()}" in text
    assert text.startswith("const module") and text.endswith("export default module.exports;\n")
    assert ": this, (() => {" in text and "})));\nexport" in text  # translated while it is read


def test_what_is_named_early_is_what_the_component_asks_for():
    text = {p.name: p.read_text() for p in assets.ASSETS.glob("*.js")}
    imported = set(re.findall(r'from "\./(\w+\.js)"', text["chart.js"])) | {"chart.js"}
    charts = [a for a, what in assets.PRELOAD if "assets.chart/" in a and what == "modulepreload"]
    assert imported == {a.rpartition("/")[2] for a in charts}
    assert any(a.startswith(f"{assets.KEPT}?v=") for a, _ in assets.PRELOAD)
    assert "component/perturbviz.ui.assets.chart/chart.js" in text["loader.js"]
    assert "../perturbviz.ui.assets.plotly/plotly.js?v=" in text["plotly.js"]


def test_the_server_answers_before_anything_heavy_is_imported():
    code = (
        "import sys, perturbviz.ui.server; print([m for m in ('anndata', 'pandas', 'scipy', 'dask') if m in "
        "sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=perturbviz.__path__[0] + "/.."
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_public_name_can_be_had():
    assert all(getattr(perturbviz, name) is not None for name in perturbviz.__all__)
    assert set(perturbviz._HOME) == set(perturbviz.__all__)
