"""What is open on the Data page: facts, provenance, methods with their names and colours, the file to keep."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.benchmark import LEFT_OUT
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels.captions import escape
from perturbviz.panels.cast import cast
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.ui import choose, colours, sources
from perturbviz.ui.current import Current, await_data
from perturbviz.ui.sections.add_data import use
from perturbviz.ui.share import as_bytes
from perturbviz.ui.uploads import Outcome

_SPACES = {
    "lognorm": "log-normalised expression",
    "delta": "changes against control",
    "signed_logp": "signed −log10 p",
}
_PROVENANCE = ("description", "provenance", "lacks", "conversion", "file", "licence", "citation", "url")


def show_loaded(current: Current, source: Benchmark | ScoreTable | None) -> None:
    """Facts, provenance and methods of what is open; ``source``: without the controls that may be drawn."""
    if source is None:
        await_data(current)
        st.info(current.problem)
        return
    st.subheader(escape(source.title) + (" :gray-badge[simulated]" if source.simulated else " :green-badge[real]"))
    if isinstance(source, Benchmark):
        show_benchmark(current, source)
    else:
        st.markdown(source.note)
        st.caption(f"A table of scores as published: {len(source.frame):,} values of {len(source.names)} methods.")
    show_colours(current)


def show_benchmark(current: Current, source: Benchmark) -> None:
    """Facts, where the data come from, what the methods predict, and the file."""
    with st.container(horizontal=True):
        for label, value in facts(source).items():
            st.metric(label, value, border=True)
    st.markdown(f"Values: **{_SPACES[source.value_space]}** · split: {source.split_origin}.")
    for line in source.source.get(LEFT_OUT, "").splitlines():
        st.warning(escape(line), icon=":material/warning:")
    said = {**source.source, "description": source.meta.get("description", "")}
    for key in _PROVENANCE:
        if said.get(key):
            st.markdown(f"**{key.capitalize()}:** {escape(said[key])}")
    st.dataframe(method_table(current.evaluated), hide_index=True)
    row = st.container(horizontal=True)
    with row.popover("Rename or remove a method", disabled=not source.methods):
        edit_method(source)
    row.download_button(
        "Save as .h5ad",
        data=lambda: as_bytes(source),
        file_name=sources.own_file(current.view.data)
        or f"{current.view.data.removeprefix('file:').removesuffix('.h5ad')}.h5ad",
        on_click="ignore",
        icon=":material/save:",
        help="The canonical file: truth, predictions, splits and provenance in one.",
    )


def facts(source: Benchmark) -> Mapping[str, int | str]:
    """How much there is of what."""
    perturbed = ~source.is_control
    return {
        "Single perturbations": int((source.n_perturbed[perturbed] == 1).sum()),
        "Combinations": int((source.n_perturbed > 1).sum()),
        "Genes": f"{source.adata.n_vars:,}",
        "Contexts": len(source.contexts),
        "Split seeds": len(source.seeds),
    }


def method_table(evaluation: Evaluation) -> pd.DataFrame:
    """One line a method: what it is, on how many split seeds and scored rows it predicts, and how."""
    benchmark, lines, who = evaluation.benchmark, [], cast(evaluation)
    for method in evaluation.methods:
        info, baseline = benchmark.about(method), evaluation.is_baseline(method)
        seeds = [s for s in benchmark.seeds if baseline or benchmark.prediction(method, s) is not None]
        kind = "baseline" if baseline else info.get("kind", "model")
        lines.append(
            {
                "Method": evaluation.name(method),
                "Kind": kind + (", has seen the truth" if benchmark.sees_truth(method) else ""),
                "Seeds": len(seeds),
                "Predicts (scored rows)": f"{int(evaluation.predicted(method).sum())} of {len(evaluation.rows)}",
                "How": who[method][1],
            }
        )
    return pd.DataFrame(lines)


def edit_method(source: Benchmark) -> None:
    """A new name for a method, or its removal from this session."""
    method = choose.selectbox("Method", source.methods, words=source.display_name, key="_rename_method")
    name = st.text_input("New name", max_chars=60, key="_rename_to")
    if st.button("Rename", disabled=not name.strip()):
        use(Outcome(source.renamed(method, name.strip()), ()))
    if st.button("Remove", help="From this session only; the file is not touched."):
        use(Outcome(source.without_method(method), ()))


def show_colours(current: Current) -> None:
    """A colour for any method, on every page of this session and in its links."""
    with st.expander("Colours of the methods", icon=":material/palette:"):
        with st.container(horizontal=True, gap="small"):
            for method in current.methods:
                key = f"_colour_{method}"
                if st.session_state.get(key) != current.colours[method]:
                    st.session_state[key] = current.colours[method]
                st.color_picker(
                    escape(current.name(method)), key=key, on_change=recolour, args=(method, key), width="content"
                )
        for method in colours.chosen().keys() & set(current.methods):
            note = colours.hard_to_see(current.colours[method])
            if note:
                st.caption(f":material/visibility: {escape(current.name(method))}: {note[0].lower()}{note[1:]}")
        st.button("Back to their own", disabled=not colours.chosen(), on_click=colours.forget)


def recolour(method: str, key: str) -> None:
    """Take over what was picked."""
    colours.choose(method, st.session_state[key])
