"""Data: what is loaded and where it comes from; add predictions, open your own benchmark, download public ones."""

import pandas as pd
import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.benchmark import LEFT_OUT
from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.errors import UserError
from perturbviz.panels.captions import escape
from perturbviz.scoring.baselines import BASELINES
from perturbviz.ui import choose, colours, recipes, session, sources
from perturbviz.ui.current import await_data, begin
from perturbviz.ui.sections import add_data
from perturbviz.ui.sections.add_data import use
from perturbviz.ui.share import as_bytes
from perturbviz.ui.uploads import Outcome

_WANTED = "_open_wanted"  # session: id of the public data set that was asked for

current = begin("data", needs="nothing")
# with the models of this session, but without the controls that may be drawn: what is changed or saved here is data
source = None if current.source is None else recipes.open_source(current.view.data)


def show_loaded() -> None:
    """Facts, provenance and methods of what is open."""
    if source is None:
        await_data(current)
        st.info(current.problem)
        return
    st.subheader(escape(source.title) + (" :gray-badge[simulated]" if source.simulated else " :green-badge[real]"))
    if not isinstance(source, Benchmark):
        st.markdown(source.note)
        st.caption(f"A table of scores as published: {len(source.frame):,} values of {len(source.names)} methods.")
        show_colours()
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
    for line in source.source.get(LEFT_OUT, "").splitlines():
        st.warning(escape(line), icon=":material/warning:")
    provenance = {**source.source, "description": source.meta.get("description", "")}
    for key in ("description", "provenance", "lacks", "conversion", "file", "licence", "citation", "url"):
        if provenance.get(key):
            st.markdown(f"**{key.capitalize()}:** {escape(provenance[key])}")
    lines, drawn = [], current.evaluation.benchmark
    for method in current.evaluation.methods:
        info = drawn.about(method)
        seeds = [
            s for s in drawn.seeds if current.evaluation.is_baseline(method) or drawn.prediction(method, s) is not None
        ]
        kind = "baseline" if current.evaluation.is_baseline(method) else info.get("kind", "model")
        kind += ", has seen the truth" if drawn.sees_truth(method) else ""
        predicted = int(current.evaluation.predicted(method).sum())
        lines.append(
            (
                current.name(method),
                kind,
                len(seeds),
                f"{predicted} of {len(current.evaluation.rows)}",
                BASELINES[method].meaning if method in BASELINES else info.get("note", ""),
            )
        )
    st.dataframe(
        pd.DataFrame(lines, columns=["Method", "Kind", "Seeds", "Predicts (scored rows)", "How"]), hide_index=True
    )
    row = st.container(horizontal=True)
    with row.popover("Rename or remove a method", disabled=not source.methods):
        method = choose.selectbox("Method", source.methods, words=source.display_name, key="_rename_method")
        name = st.text_input("New name", max_chars=60, key="_rename_to")
        if st.button("Rename", disabled=not name.strip()):
            use(Outcome(source.renamed(method, name.strip()), ()))
        if st.button("Remove", help="From this session only; the file is not touched."):
            use(Outcome(source.without_method(method), ()))
    row.download_button(
        "Save as .h5ad",
        data=lambda: as_bytes(source),
        file_name=sources.own_file(current.view.data)
        or f"{current.view.data.removeprefix('file:').removesuffix('.h5ad')}.h5ad",
        on_click="ignore",
        icon=":material/save:",
        help="The canonical file: truth, predictions, splits and provenance in one.",
    )
    show_colours()


def show_colours() -> None:
    """A colour for any method, on every page of this session and in its links."""
    with st.expander("Colours of the methods", icon=":material/palette:"):
        with st.container(horizontal=True, gap="small"):
            for method in current.methods:
                key = f"_colour_{method}"
                if st.session_state.get(key) != current.colours[method]:
                    st.session_state[key] = current.colours[method]
                st.color_picker(current.name(method), key=key, on_change=recolour, args=(method, key), width="content")
        for method in colours.chosen().keys() & set(current.methods):
            note = colours.hard_to_see(current.colours[method])
            if note:
                st.caption(f":material/visibility: {escape(current.name(method))}: {note[0].lower()}{note[1:]}")
        st.button("Back to their own", disabled=not colours.chosen(), on_click=colours.forget)


def recolour(method: str, key: str) -> None:
    """Take over what was picked."""
    colours.choose(method, st.session_state[key])


def show_public() -> None:
    """The catalogue: published scores first, then what opens by a click, and apart what needs more than that."""
    st.markdown("Public data are not part of perturbviz: they are downloaded from their source once, and checked.")
    entries = list(CATALOGUE.values())
    st.subheader("Scores of published systems")
    st.caption(
        f"Small files. The nine systems of Nature Methods 2025 gene by gene, so under every metric and reference, are "
        f"further down ({CATALOGUE['ahlmann-eltze-2025'].size})."
    )
    for entry in (e for e in entries if e.opens and e.kind == "scores"):
        show_entry(entry)
    st.subheader("Screens and predictions")
    for entry in (e for e in entries if e.opens and e.kind != "scores"):
        show_entry(entry)
    others = [e for e in entries if not e.opens]
    with st.expander(f"By a command: {len(others)} more (cells, texts, files too large for a click)"):
        for entry in others:
            show_entry(entry)


def show_entry(entry: Dataset) -> None:
    """One public data set: what it holds and lacks, and the way to it."""
    with st.container(border=True, key=f"pv-entry-{entry.id}"):
        head, button = st.columns([5, 1], vertical_alignment="center")
        head.markdown(f"**{entry.title}** · {entry.size}" + (f" · {entry.licence}" if entry.licence else ""))
        counts = ((entry.singles, "singles"), (entry.doubles, "doubles"), (entry.genes, "genes"))
        facts = [f"{n:,} {what}" for n, what in counts if n]
        facts += [entry.citation, entry.provenance, f"Lacks: {entry.lacks}" if entry.lacks else ""]
        head.caption(" · ".join(facts).strip(" ·"))
        if not entry.opens:
            head.caption(f"[{entry.url}]({entry.url}) {entry.todo}")
        elif source is not None and current.view.data == entry.id:
            button.badge("opened", icon=":material/check:", color="green")
        else:
            # A callback rather than the button's value: it is not lost where a page starts itself again.
            button.button(
                "Open" if sources.is_here(entry.id) or not entry.large else f"Get {entry.size}",
                key=f"_open_{entry.id}",
                width="stretch",
                on_click=session.set_extra,
                args=(_WANTED, entry.id),
            )
        if st.session_state.get(_WANTED) == entry.id:
            session.set_extra(_WANTED, "")
            try:
                sources.open_source(entry.id)
            except UserError as error:
                st.error(escape(f"{error} Nothing was changed."))
            else:
                session.open_data(entry.id, data_section="Loaded")


add_data.show_added(current)
section = choose.segmented_control(
    "Section",
    ["Loaded", "Add your own", "Public data"],
    label_visibility="collapsed",
    key="data_section",
    persist_state="session",
)
if section == "Add your own":
    add_data.show_add(current, source)
else:
    {"Loaded": show_loaded, "Public data": show_public}[section]()
