"""The report as HTML: one file, nothing fetched, every name escaped, plotly.js once and compressed."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from plotly.io.json import to_json_plotly

from perturbviz.metrics import CATALOGUE
from perturbviz.panels.captions import footnoted
from perturbviz.panels.figures.theme import figure_dict
from perturbviz.panels.panel import Panel
from perturbviz.report.content import Direct, Item, Section, sections
from perturbviz.report.parts import about, filled, inline, packed, packed_plotly, plotly_source, policy, versions

_HERE = Path(__file__).parent


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
            body.append(about(section.source))
            last = section.source
        body.append(_view(section, number, app))
    library, loader = plotly_source(), (_HERE / "loader.js").read_text(encoding="utf-8")
    titles = list(dict.fromkeys(s.source.title for s in made))
    page = (_HERE / "template.html").read_text(encoding="utf-8")
    return filled(
        page,
        policy=policy(loader, library),
        title=html.escape(f"perturbviz report: {', '.join(titles)}"),
        style=(_HERE / "style.css").read_text(encoding="utf-8"),
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        body="\n".join(body),
        symbols=_symbols(),
        versions=versions(command),
        figures=packed(to_json_plotly(figures)),
        library=packed_plotly(),
        loader=loader,
    )


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
