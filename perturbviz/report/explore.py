"""The explorable: one HTML file in which metric, reference, genes, average and perturbations stay live switches.

>>> import perturbviz as pv
>>> page = pv.explore(pv.load("bench.h5ad"), path="page.html")  # doctest: +SKIP
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perturbviz.analyses.offered import Progress
from perturbviz.benchmark.files import replacing
from perturbviz.guide.entries import Entry, entries
from perturbviz.report.explorable import Packed, pack
from perturbviz.report.parts import (
    Source,
    filled,
    packed,
    packed_plotly,
    plotly_source,
    policy,
    provenance,
    simulated,
    versions,
)

_HERE = Path(__file__).parent
#: In the order in which each needs the ones before.
_SCRIPTS = ("explore_data.js", "explore_figures.js", "figure_file.js", "explore.js")
#: Sections of the guide that the page explains its words with.
_GLOSSARY = {"metrics": "Metrics", "references": "References and genes", "baselines": "Baselines", "glossary": "Words"}


@dataclass(frozen=True)
class Page:
    """One self-contained HTML page; a notebook shows it.

    Attributes
    ----------
    html
        The whole file.
    title
        Of the data set.
    n_views
        How many views it holds.
    """

    html: str
    title: str
    n_views: int

    def save(self, path: str | Path) -> Path:
        """Write the file, whole or not at all."""
        path = Path(path)
        with replacing(path) as temporary:
            temporary.write_text(self.html, encoding="utf-8")
        return path

    def __repr__(self) -> str:
        """What it is, without its megabytes."""
        return f"Page({self.title!r}, {len(self.html) / 1e6:.1f} MB)"

    def _repr_html_(self) -> str:
        """A frame in a notebook that may run scripts and hand out files, and nothing else."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'title="{html.escape(self.title)}" style="width:100%;height:860px;border:0"></iframe>'
        )


def explore(source: Source, path: str | Path | None = None, *, progress: Progress | None = None) -> Page:
    """Make a page in which every choice stays live; it opens from disk without any network.

    All rankings, intervals and sentences of the views it offers are computed here, as by :func:`perturbviz.rank`, and
    packed with the score of every perturbation.

    Parameters
    ----------
    source
        A benchmark or a score table.
    path
        Where to write the page; only returned where None.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    UserError
        Where there is nothing to rank.

    Examples
    --------
    >>> import perturbviz as pv
    >>> page = pv.explore(pv.load("data/demo.h5ad"), path="page.html")  # doctest: +SKIP
    """
    made = page_of(source, pack(source, progress))
    if path is not None:
        made.save(path)
    return made


def page_of(source: Source, found: Packed) -> Page:
    """The page of what was packed."""
    heading, script = html.escape(source.title), _script()
    left_out = "".join(f"{html.escape(s)} " for s in found.header["left_out"])
    text = filled(
        (_HERE / "explore.html").read_text(encoding="utf-8"),
        policy=policy(script, plotly_source()),
        title=f"{heading} · perturbviz",
        style=(_HERE / "explore.css").read_text(encoding="utf-8"),
        heading=heading,
        simulated=simulated(source),
        about=provenance(source),
        glossary=_glossary(found),
        left_out=left_out,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions=versions(),
        header=packed(found.text),
        numbers=packed(found.numbers),
        library=packed_plotly(),
        script=script,
    )
    return Page(text, source.title, len(found.header["sentences"]))


def _script() -> str:
    """All scripts as one: each in a scope of its own that hands out what it exports."""
    texts = []
    for name in _SCRIPTS:
        text = (_HERE / name).read_text(encoding="utf-8")
        exported = re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", text, flags=re.M)
        text = re.sub(r"^export ", "", text, flags=re.M)
        text = re.sub(r'^import (\{.*\}) from "\./(\w+)\.js";', r"const \1 = \2;", text, flags=re.M)
        texts.append(f"const {Path(name).stem} = (() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})();")
    return "\n".join(texts)


def _glossary(found: Packed) -> str:
    """What is said in the guide about everything the page offers."""
    offered = {m["id"].partition("@")[0] for m in found.header["metrics"]}
    parts = []
    for section, title in _GLOSSARY.items():
        some = [e for e in entries() if e.section == section and (section != "metrics" or e.id in offered)]
        parts.append(f"<h3>{title}</h3><dl>{''.join(map(_entry, some))}</dl>")
    return "".join(parts)


def _entry(entry: Entry) -> str:
    badge = f" <small>{html.escape(entry.badge)}</small>" if entry.badge else ""
    facts = "".join(f"<dd><em>{html.escape(k)}:</em> {html.escape(v)}</dd>" for k, v in entry.facts.items() if v)
    text = f"<dd>{html.escape(entry.text)}</dd>" if entry.text else ""
    return f"<dt>{html.escape(entry.title)}{badge}</dt>{text}{facts}"
