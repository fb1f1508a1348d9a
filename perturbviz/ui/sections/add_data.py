"""Adding one's own files on the Data page: what they do not say, the check out loud, and only then the addition."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError, fault
from perturbviz.panels.captions import escape
from perturbviz.readers import SYSTEMS
from perturbviz.readers.base import Loaded, Options
from perturbviz.readers.check import UNSEEN, Finding, Report
from perturbviz.ui import choose, coverage, session, sources, uploads
from perturbviz.ui.current import Current
from perturbviz.ui.sections.file_options import USED, in_the_form, offer, options_form
from perturbviz.ui.uploads import Outcome

REPORTS = "_last_reports"  # session: what was just added
_READ = "_read_files"  # session: key and content of the files that are being checked


def use(outcome: Outcome) -> None:
    """Make an outcome the open data of this session."""
    key = outcome.source.content_id
    sources.add_own(outcome.source, key)
    st.session_state[REPORTS] = outcome.reports
    st.session_state.pop(_READ, None)
    st.session_state[USED] = st.session_state.get(USED, 0) + 1
    session.open_data(key)


def show_added(current: Current) -> None:
    """After an addition: that it happened, and where the new methods stand."""
    reports: Sequence[Report] = st.session_state.pop(REPORTS, ())
    if reports:
        st.success("Added. It is now among the methods on every page.", icon=":material/check:")
        coverage.places(current, tuple(dict.fromkeys(m for report in reports for m in report.methods)))


def show_add(current: Current, source: Benchmark | ScoreTable | None) -> None:
    """Upload, check out loud, then add."""
    if uploads.refused():
        return
    st.markdown(
        "Upload predictions: rows = perturbations, columns = genes, log-normalised means. Several files or a folder "
        "as .zip are fine. Nothing is added before you have seen the check."
    )
    # a new one after every addition: what was added is not offered again
    box = f"_upload_{st.session_state.get(USED, 0)}"
    files = st.file_uploader("Files", accept_multiple_files=True, label_visibility="collapsed", key=box)
    paths = offered_paths()
    if isinstance(source, Benchmark):
        offer_template(source)
    options = options_form()
    what = choose.segmented_control(
        "This file contains",
        ["predictions", "new"],
        default="predictions" if isinstance(source, Benchmark) else "new",
        words={"predictions": "predictions for the open data set", "new": "a data set of its own"},
        key="_upload_as",
    )
    name = (
        st.text_input("Name of the method", max_chars=60, help="Empty: the name of the file.")
        if what == "predictions"
        else ""
    )
    if not files and not paths:
        st.session_state.pop(_READ, None)
        return
    try:
        with st.spinner("Reading and checking …"):
            loaded = read_once(files, paths, options)
            if what == "predictions":
                if not isinstance(source, Benchmark):
                    raise UserError("Predictions need a data set to be added to: choose one in the sidebar first.")
                outcome = uploads.add_to(source, loaded, options, name.strip() or default_name(files, paths, loaded))
            else:
                outcome = uploads.as_source(loaded, options)
    except UserError as error:
        st.error(escape(in_the_form(str(error))))
        offer(error.choices, "_choice")
        return
    except MemoryError:
        st.error("There is not enough memory for these files: use fewer genes, or one context at a time.")
        return
    except Exception:  # what reading finds wrong with a file is a sentence: this is a mistake of ours
        st.error(escape(str(fault(f"Adding {_called(files, paths)}", traceback.format_exc()))))
        return
    if what == "predictions" and isinstance(source, Benchmark) and isinstance(outcome.source, Benchmark):
        coverage.warn(source, outcome.source, outcome.added, current.view)
    show_reports(outcome.reports)
    label = "Add to the ranking" if what == "predictions" else "Open it"
    if st.button(label, type="primary", icon=":material/add:", key="_use"):
        use(outcome)


def offer_template(benchmark: Benchmark) -> None:
    """An empty table of the form that is read, to be filled in by a model."""
    st.download_button(
        "Template of the open data set",
        data=lambda: template(benchmark),
        file_name="template.csv",
        mime="text/csv",
        on_click="ignore",
        type="tertiary",
        icon=":material/table:",
        help="A CSV with one row a perturbation and one column a gene: fill in what your model predicts.",
    )


def template(benchmark: Benchmark) -> bytes:
    """Rows for all perturbations (and contexts, where there are several), columns for all genes, no values."""
    rows = ~benchmark.is_control
    table = pd.DataFrame(
        "", index=pd.Index(benchmark.conditions[rows], name="condition"), columns=list(benchmark.genes)
    )
    if len(benchmark.contexts) > 1:
        table.insert(0, "context", benchmark.row_contexts[rows])
    return table.to_csv().encode()


def read_once(files: Sequence[Any], paths: Sequence[Path], options: Options) -> list[Loaded]:
    """What the files say; read again only where files or options changed."""
    key = uploads.key_of(files, paths, options)
    if st.session_state.get(_READ, ("",))[0] != key:
        st.session_state.pop(_READ, None)
        loaded = uploads.read_paths(paths, options) if paths else uploads.read_uploads(files, options, session.owner())
        st.session_state[_READ] = (key, loaded)
    return st.session_state[_READ][1]


def _called(files: Sequence[Any], paths: Sequence[Path]) -> str:
    return ", ".join(str((f if isinstance(f, Path) else Path(f.name)).name)[:60] for f in [*paths, *files][:3])


def default_name(files: Sequence[Any], paths: Sequence[Path], loaded: Sequence[Loaded]) -> str:
    """The name of the file, where it is one and names no method itself."""
    if len(loaded) != 1 or any(loaded[0].names.values()):
        return ""
    return Path(str((paths or files)[0].name)).stem[:60]


def offered_paths() -> list[Path]:
    """Files of the operator's folder that the user picked."""
    folder = sources.folder()
    if folder is None:
        return []
    names = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and not p.is_symlink())
    return [folder / n for n in choose.multiselect("Or from the server's folder", names, key="_offered")]


def show_reports(reports: Sequence[Report]) -> None:
    """The check, out loud: what was understood, warnings first."""
    for number, report in enumerate(reports):
        with st.container(border=True):
            system = SYSTEMS[report.system].name if report.system in SYSTEMS else report.system
            st.markdown(f"**{escape(report.name)}**" + (f" · read as {escape(system)}" if system else ""))
            for at, finding in enumerate(sorted(report.findings, key=lambda f: not f.warning)):
                listed = (
                    f" ({', '.join(finding.items[:8])}{' …' if len(finding.items) > 8 else ''})"
                    if finding.items
                    else ""
                )
                mark = (
                    ":material/warning: "
                    if finding.warning
                    else (":material/help: " if finding.text == UNSEEN else _mark(finding))
                )
                st.markdown(mark + escape(in_the_form(finding.text) + listed))
                offer(finding.choices, f"_choice_{number}_{at}")


def _mark(finding: Finding) -> str:
    """A tick for what is as it should be; where something is left out, renamed or stays empty, none."""
    return ":material/info: " if finding.items or finding.text.endswith("stay empty.") else ":material/check: "
