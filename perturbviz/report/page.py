"""The report as HTML: one file, nothing fetched, every name escaped, plotly.js once and compressed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly
from plotly.io.json import to_json_plotly

from perturbviz import __version__
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import CATALOGUE
from perturbviz.panels.captions import footnoted, made_additive, who_saw_the_truth
from perturbviz.panels.figures.theme import figure_dict
from perturbviz.panels.panel import Panel
from perturbviz.report.content import Direct, Item, Section, Source, sections

_HERE = Path(__file__).parent
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_LIBRARIES = ("numpy", "pandas", "scipy", "anndata", "plotly")


def build(items: Iterable[Item], app: str = "", compute: Direct | None = None, command: str = "") -> str:
    """The report of some views.

    Parameters
    ----------
    items
        Views with their data, in the order shown; views of one data set stand together where they follow one another.
    app
        Address of a running app for the links; without it they are given as what to append to one.
    compute
        Where rankings come from; computed on the spot where None.
    command
        Command line that makes the same report, if there is one.
    """
    made = list(sections(items, compute))
    figures = {_id(n, panel): _figure(panel, section) for n, section in enumerate(made) for panel in section.panels}
    body, last = [], None
    for number, section in enumerate(made):
        if section.source is not last:
            body.append(_about(section.source))
            last = section.source
        body.append(_view(section, number, app))
    library, loader = _plotly_source(), (_HERE / "loader.js").read_text(encoding="utf-8")
    titles = list(dict.fromkeys(s.source.title for s in made))
    page = (_HERE / "template.html").read_text(encoding="utf-8")
    return _filled(
        page,
        policy=f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        f"script-src {_hash(loader)} {_hash(library)}",
        title=html.escape(f"perturbviz report: {', '.join(titles)}"),
        style=(_HERE / "style.css").read_text(encoding="utf-8"),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        body="\n".join(body),
        symbols=_symbols(),
        versions=_versions(command),
        figures=_packed(to_json_plotly(figures)),
        library=_packed_plotly(),
        loader=loader,
    )


def _filled(page: str, **values: str) -> str:
    """Put values into the template's ``@name@`` in one pass, so that none can hold another's place."""
    return re.sub(r"@(\w+)@", lambda found: values[found.group(1)], page)


def _hash(script: str) -> str:
    """What lets exactly this script run, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


@cache
def _plotly_source() -> str:
    return _PLOTLY.read_text(encoding="utf-8")


@cache
def _packed_plotly() -> str:
    return _packed(_plotly_source())


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


# -- parts ---------------------------------------------------------------------------------------------------------
def _about(source: Source) -> str:
    """What the data are and where they come from."""
    facts: dict[str, Any] = {}
    if isinstance(source, ScoreTable):
        facts = {"kind": "scores as published", "note": source.note, "content": source.content_id}
        provenance: Mapping[str, Any] = source.provenance or {}
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
        provenance = {k: v for k, v in source.meta.items() if k not in ("methods", "title", "value_space", "simulated")}
        methods = {m: {**source.about(m), "name": source.display_name(m)} for m in source.methods}
    rows = "".join(_fact(k, v) for k, v in {**facts, **_flat(provenance)}.items() if str(v))
    notes = "".join(_fact(m["name"], m.get("note", "")) for m in methods.values())
    simulated = ""
    if source.simulated:
        said = ["Simulated data, made to teach: no real system is shown."]
        if isinstance(source, Benchmark):
            said += [made_additive(source), who_saw_the_truth(source)]
        simulated = f'<p class="simulated">{html.escape(" ".join(filter(None, said)))}</p>'
    return (
        f"<h2>{html.escape(source.title)}</h2>{simulated}<details><summary>Where the data come from</summary>"
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


def _view(section: Section, number: int, app: str) -> str:
    """One view: sentence, charts, table, link."""
    address = f"?{section.query}"
    if app.startswith(("http://", "https://")):
        url = html.escape(f"{app.rstrip('/')}/{address}")
        link = f'<a href="{url}" rel="noopener">Open this view in the app</a>'
    else:
        link = f"To open this view, append <code>/{html.escape(address)}</code> to the address of your app."
    head = f'<article id="view-{number}"><h3>{html.escape(section.title)}</h3>'
    if section.problem:
        return f'{head}<p class="problem">{html.escape(section.problem)}</p><p class="small">{link}</p></article>'
    note = f'<p class="small">{html.escape(section.note)}</p>' if section.note else ""
    return (
        f'{head}<p class="headline">{inline(section.headline)}</p><p '
        f'class="small">{inline(section.questions)}</p>{note}<div '
        f'class="charts">{"".join(_chart(p, number, section) for p in section.panels)}</div>'
        f"<details><summary>The numbers</summary>{_numbers(section.table)}</details>"
        f'<p class="small">{link}</p></article>'
    )


def _id(number: int, panel: Panel) -> str:
    """Of the chart of a panel in a view's section."""
    return f"v{number}-{panel.key}"


def _figure(panel: Panel, section: Section) -> dict[str, Any]:
    """The plain JSON form of a panel's figure."""
    figure = figure_dict(panel.figure)
    layout = {**figure["layout"], "meta": {"token": section.view.token, "kind": panel.key}}
    if panel.key == "distribution":  # no script of the page tilts names that do not fit, as the app's charts do
        layout["xaxis"] = {**layout["xaxis"], "tickangle": -40, "automargin": True}
    return {"data": figure["data"], "layout": layout}


def _chart(panel: Panel, number: int, section: Section) -> str:
    """A panel with its question and caption."""
    height = int(panel.height or figure_dict(panel.figure)["layout"].get("height", 420))
    caption = footnoted(panel.caption, *section.table["method"])
    return (
        f'<figure class="{html.escape(panel.key)}"><h4>{html.escape(panel.question)}</h4>'
        f'<div class="chart" id="{_id(number, panel)}" role="img" aria-label="{html.escape(panel.alt)}" '
        f'style="min-height:{height}px"></div><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def _numbers(table: pd.DataFrame) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return "undefined" if np.isnan(value) else f"{value:.6g}"
        return html.escape(str(value))

    head = "".join(f"<th>{html.escape(str(c))}</th>" for c in table)
    rows = "".join(
        "<tr>" + "".join(f"<td>{cell(v)}</td>" for v in line) + "</tr>" for line in table.itertuples(index=False)
    )
    return f'<table class="numbers"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _symbols() -> str:
    """Symbol, name and direction of every metric."""
    cards = [metric.card for metric in CATALOGUE.values()]
    return "".join(
        f"<li><b>{html.escape(c.symbol)}</b> {html.escape(c.name)} ({html.escape(c.arrow)})</li>" for c in cards
    )


def _versions(command: str) -> str:
    found = {"perturbviz": __version__, "Python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    text = html.escape(" · ".join(f"{k} {v}" for k, v in found.items()))
    return text + (f"<br>Made by <code>{html.escape(command)}</code>" if command else "")
