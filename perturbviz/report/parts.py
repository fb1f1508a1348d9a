"""What all pages of this room share: one file that fetches nothing, packed data, escaped names, provenance."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import plotly

from perturbviz import __version__
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels.captions import made_additive, who_saw_the_truth

Source = Benchmark | ScoreTable

_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_LIBRARIES = ("numpy", "pandas", "scipy", "anndata", "plotly")


def policy(*scripts: str) -> str:
    """Content security policy under which a page runs these scripts only and asks no network for anything."""
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        f"script-src {' '.join(map(script_hash, scripts))}"
    )


def filled(page: str, **values: str) -> str:
    """Put values into the template's ``@name@`` in one pass, so that none can hold another's place."""
    return re.sub(r"@(\w+)@", lambda found: values[found.group(1)], page)


def script_hash(script: str) -> str:
    """What lets exactly this script run, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def packed(content: str | bytes) -> str:
    """Content compressed, as text that cannot end a script element."""
    content = content.encode() if isinstance(content, str) else content
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def plotly_source() -> str:
    """plotly.js of the installed package."""
    return _PLOTLY.read_text(encoding="utf-8")


@cache
def packed_plotly() -> str:
    """plotly.js, compressed."""
    return packed(plotly_source())


def inline(text: str) -> str:
    r"""The Markdown of computed sentences as HTML: ``**bold**`` and backslash escapes; all else is plain text."""
    out, bold = [], False
    for escaped, mark, plain in re.findall(r"\\(.)|(\*\*)|([^\\*]+|[\\*])", text, flags=re.S):
        if mark:
            out.append("</strong>" if bold else "<strong>")
            bold = not bold
        else:
            out.append(html.escape(escaped or plain))
    return "".join(out) + ("</strong>" if bold else "")


def about(source: Source) -> str:
    """What the data are and where they come from."""
    return f"<h2>{html.escape(source.title)}</h2>{simulated(source)}{provenance(source)}"


def simulated(source: Source) -> str:
    """That data are simulated, and what is built into them; "" where they are not."""
    if not source.simulated:
        return ""
    said = ["Simulated data, made to teach: no real system is shown."]
    if isinstance(source, Benchmark):
        said += [made_additive(source), who_saw_the_truth(source)]
    return f'<p class="simulated">{html.escape(" ".join(filter(None, said)))}</p>'


def provenance(source: Source) -> str:
    """Where the data and each prediction come from, folded."""
    facts: dict[str, Any] = {}
    if isinstance(source, ScoreTable):
        facts = {"kind": "scores as published", "note": source.note, "content": source.content_id}
        given: Mapping[str, Any] = source.provenance or {}
        methods = {m: {"name": n} for m, n in source.names.items()}
    else:
        facts = {
            "values": source.value_space,
            "conditions": f"{source.adata.n_obs:,}",
            "genes": f"{source.adata.n_vars:,}",
            "contexts": ", ".join(source.contexts),
            "splits": f"{len(source.seeds)}, {source.split_origin}",
            "content": source.content_id,
        }
        given = {k: v for k, v in source.meta.items() if k not in ("methods", "title", "value_space", "simulated")}
        methods = {m: {**source.about(m), "name": source.display_name(m)} for m in source.methods}
    rows = "".join(_fact(k, v) for k, v in {**facts, **_flat(given)}.items() if str(v))
    notes = "".join(_fact(m["name"], m.get("note", "")) for m in methods.values())
    return (
        "<details><summary>Where the data come from</summary>"
        f"<table>{rows}</table>{f'<h4>Predictions</h4><table>{notes}</table>' if notes else ''}</details>"
    )


def _fact(label: object, value: object) -> str:
    return f"<tr><th>{html.escape(str(label))}</th><td>{html.escape(str(value))}</td></tr>"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested provenance as one level: "source.adapter"."""
    out: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, np.ndarray | list | tuple):
            out[f"{prefix}{key}"] = ", ".join(map(str, value))
        else:
            out[f"{prefix}{key}"] = str(value)
    return out


def versions(command: str = "") -> str:
    """What made the page, as HTML."""
    found = {"perturbviz": __version__, "Python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    text = html.escape(" · ".join(f"{k} {v}" for k, v in found.items()))
    return text + (f"<br>Made by <code>{html.escape(command)}</code>" if command else "")
