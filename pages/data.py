"""Data: what is loaded and where it comes from; add predictions, open your own benchmark, download public ones."""

import tempfile
from pathlib import Path

import pandas as pd
import streamlit as st

from perturbviz.benchmark import VALUE_SPACES, Benchmark, save
from perturbviz.datasets.catalogue import CATALOGUE
from perturbviz.errors import UserError
from perturbviz.explain import escape
from perturbviz.readers import SYSTEMS
from perturbviz.readers.base import Options
from perturbviz.ui import sources, state, uploads
from perturbviz.ui.current import begin
from perturbviz.ui.uploads import Outcome
from perturbviz.view import split_genes

current = begin("data", needs="nothing")
source = current.source


def as_bytes(benchmark: Benchmark) -> bytes:
    """The canonical file."""
    with tempfile.TemporaryDirectory(prefix="perturbviz-") as folder:
        return save(benchmark, Path(folder) / "benchmark.h5ad").read_bytes()


def show_loaded() -> None:
    """Facts, provenance and methods of what is open."""
    if source is None:
        st.info(current.problem)
        return
    st.subheader(escape(source.title) + (" :gray-badge[simulated]" if source.simulated else " :green-badge[real]"))
    if not isinstance(source, Benchmark):
        st.markdown(source.note)
        st.caption(f"A table of scores as published: {len(source.frame):,} values of {len(source.names)} methods.")
        return
    spaces = {
        "lognorm": "log-normalised expression",
        "delta": "changes against control",
        "signed_logp": "signed −log10 p",
    }
    perturbed = ~source.is_control
    with st.container(horizontal=True):
        st.metric("Single perturbations", int((source.n_perturbed[perturbed] == 1).sum()), border=True)
        st.metric("Combinations", int((source.n_perturbed > 1).sum()), border=True)
        st.metric("Genes", f"{source.adata.n_vars:,}", border=True)
        st.metric("Contexts", len(source.contexts), border=True)
        st.metric("Split seeds", len(source.seeds), border=True)
    st.markdown(f"Values: **{spaces[source.value_space]}** · split: {source.split_origin}.")
    provenance = {**dict(source.meta.get("source", {})), "description": source.meta.get("description", "")}
    for key in ("description", "provenance", "lacks", "licence", "citation", "url"):
        if provenance.get(key):
            st.markdown(f"**{key.capitalize()}:** {escape(provenance[key])}")
    lines = []
    for method in current.evaluation.methods:
        info = dict(source.meta.get("methods", {}).get(method, {}))
        seeds = [
            s
            for s in source.seeds
            if current.evaluation.is_baseline(method) or source.prediction(method, s) is not None
        ]
        kind = "baseline" if current.evaluation.is_baseline(method) else info.get("kind", "model")
        predicted = int(current.evaluation.predicted(method).sum())
        lines.append(
            (
                current.name(method),
                kind,
                len(seeds),
                f"{predicted} of {len(current.evaluation.rows)}",
                info.get("note", ""),
            )
        )
    st.dataframe(
        pd.DataFrame(lines, columns=["Method", "Kind", "Seeds", "Predicts (scored rows)", "How"]), hide_index=True
    )
    row = st.container(horizontal=True)
    with row.popover("Rename or remove a method", disabled=not source.methods):
        method = st.selectbox("Method", source.methods, format_func=source.display_name, key="_rename_method")
        name = st.text_input("New name", max_chars=60, key="_rename_to")
        info = dict(source.meta.get("methods", {}).get(method, {})) if method else {}
        if st.button("Rename", disabled=not name.strip()):
            by_seed = {s: m for s in source.seeds if (m := source.prediction(method, s)) is not None}
            use(
                Outcome(
                    source.with_predictions(
                        method, name.strip(), by_seed, info.get("kind", "model"), info.get("note", "")
                    ),
                    (),
                )
            )
        if st.button("Remove", help="From this session only; the file is not touched."):
            use(Outcome(source.without_method(method), ()))
    row.download_button(
        "Save as .h5ad", data=lambda: as_bytes(source), file_name=f"{current.view.data.replace(':', '-')}.h5ad", on_click="ignore",
        icon=":material/save:", help="The canonical file: truth, predictions, splits and provenance in one.",
    )  # fmt: skip


def use(outcome: Outcome) -> None:
    """Make an outcome the open data of this session."""
    key = outcome.source.content_id
    sources.add_own(outcome.source, key)
    st.session_state["_last_reports"] = outcome.reports
    state.defer(data=key, show=[], _explicit=set())


def options_form() -> Options:
    """What a person may have to say about files that do not say it themselves; the same as flags of ``convert``."""
    with st.expander("What the files do not say (usually nothing)"):
        a, b = st.columns(2)
        system = a.selectbox(
            "System", ["", *SYSTEMS], format_func=lambda s: SYSTEMS[s].name if s else "recognise it",
            help="Which program wrote the files.",
        )  # fmt: skip
        space = b.selectbox("Values are", ["", *VALUE_SPACES, "counts"], format_func=lambda s: s or "as the file says")
        control = a.text_input("Further control labels", help="Separated by commas, such as NT, mock.")
        context = b.text_input("Column of the context", help="Cell line, donor, dose …")
        genes = a.text_area("Gene list", help="For files without gene names: the names of the columns, in order.")
        rename = b.text_area(
            "Rename", placeholder="old=new", help="One a line: labels or genes as in the file = as in the benchmark."
        )
    pairs = dict(line.split("=", 1) for line in rename.splitlines() if "=" in line)
    return Options(
        system=system, value_space=space, control=tuple(c.strip() for c in control.split(",") if c.strip()),
        context=context.strip(), genes=split_genes(genes), rename={k.strip(): v.strip() for k, v in pairs.items()},
    )  # fmt: skip


def show_add() -> None:
    """Upload, check out loud, then add."""
    st.markdown(
        "Drop what a model wrote: one or several files, a folder as .zip. Nothing is added before you have seen the check."
    )
    files = st.file_uploader("Files", accept_multiple_files=True, label_visibility="collapsed", key="_upload")
    paths = offered_paths()
    options = options_form()
    what = st.segmented_control(
        "They are", ["predictions", "new"], default="predictions" if isinstance(source, Benchmark) else "new", required=True,
        format_func={"predictions": "predictions for the open benchmark", "new": "a data set of their own"}.get, key="_upload_as",
    )  # fmt: skip
    name = (
        st.text_input("Name of the method", max_chars=60, help="Empty: the name of the file.")
        if what == "predictions"
        else ""
    )
    if not files and not paths:
        return
    try:
        with st.spinner("Reading and checking …"):
            loaded = uploads.read_paths(paths, options) if paths else uploads.read_uploads(files, options)
            if what == "predictions":
                if not isinstance(source, Benchmark):
                    raise UserError("Predictions need a benchmark to be added to: choose one in the sidebar first.")
                outcome = uploads.add_to(source, loaded, options, name.strip() or default_name(files, paths, loaded))
            else:
                outcome = uploads.as_source(loaded, options)
    except UserError as error:
        st.error(str(error))
        return
    show_reports(outcome.reports, loaded)
    label = "Add to the competition" if what == "predictions" else "Open it"
    if st.button(label, type="primary", icon=":material/add:", key="_use"):
        use(outcome)


def default_name(files, paths, loaded) -> str:
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
    return [folder / n for n in st.multiselect("Or from the server's folder", names, key="_offered")]


def show_reports(reports, loaded=()) -> None:
    """The check, out loud: what was understood, warnings first."""
    for report in reports:
        with st.container(border=True):
            system = SYSTEMS[report.system].name if report.system in SYSTEMS else report.system
            st.markdown(f"**{escape(report.name)}**" + (f" · read as {escape(system)}" if system else ""))
            for finding in sorted(report.findings, key=lambda f: not f.warning):
                listed = (
                    ""
                    if not finding.items
                    else f" ({', '.join(finding.items[:8])}{' …' if len(finding.items) > 8 else ''})"
                )
                mark = ":material/warning: " if finding.warning else ":material/check: "
                st.markdown(mark + escape(finding.text + listed))
    if not reports:
        for one in loaded:
            st.markdown(f":material/check: **{escape(one.title or 'File')}** is complete in itself.")


def show_public() -> None:
    """The catalogue."""
    st.markdown("Public data are not part of perturbviz: they are downloaded from their source once, and checked.")
    for entry in CATALOGUE.values():
        with st.container(border=True):
            head, button = st.columns([5, 1], vertical_alignment="center")
            head.markdown(f"**{entry.title}** · {entry.size}" + (f" · {entry.licence}" if entry.licence else ""))
            facts = [
                f"{n:,} {what}"
                for n, what in ((entry.singles, "singles"), (entry.doubles, "doubles"), (entry.genes, "genes"))
                if n
            ]
            head.caption(
                " · ".join(
                    [*facts, entry.citation, entry.provenance, f"Lacks: {entry.lacks}" if entry.lacks else ""]
                ).strip(" ·")
            )
            if entry.downloadable and entry.kind in ("benchmark", "scores"):
                if button.button("Open", key=f"_open_{entry.id}", width="stretch"):
                    try:
                        sources.open_source(entry.id)
                    except UserError as error:
                        st.error(str(error))
                    else:
                        state.defer(data=entry.id, show=[], _explicit=set())
            else:
                head.caption(f"[{entry.url}]({entry.url}) {entry.todo}")


if st.session_state.get("_last_reports"):
    st.success("Added. It is now among the methods on every page.", icon=":material/check:")
section = st.segmented_control(
    "Section", ["Loaded", "Add your own", "Public data"], default="Loaded", required=True, label_visibility="collapsed", key="data_section",
    persist_state="session",
)  # fmt: skip
{"Loaded": show_loaded, "Add your own": show_add, "Public data": show_public}[section]()
st.session_state.pop("_last_reports", None)
