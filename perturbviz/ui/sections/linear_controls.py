"""Controls of the linear model page: split, recipe, what to compare with; and the competition's additions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.catalogue.download import fetch
from perturbviz.catalogue.entries import Dataset
from perturbviz.errors import UserError
from perturbviz.models.held_out import SPLITS, split_problem
from perturbviz.models.lookup import SOURCES
from perturbviz.models.recipe import KINDS, Recipe, data_source, is_table, source_label
from perturbviz.ui import choose, embeddings, recipes, session, sources, uploads
from perturbviz.ui.cache_linear import DIMS, RIDGES

_DRAWN = "_recipe_drawn"  # the recipe that the widgets show
_SAID = "_texts_said"  # what became of the last download of descriptions, "" where all went well
_NAMES = {"pca": "PCA of the training data", "identity": "identity", "random": "random", "zero": "zero (the mean)"}
_TOGGLES = {
    "lm_control": (
        "include_control",
        "Control is one more training condition",
        "As in the paper's code: b is then slightly smaller than the perturbation mean.",
    ),
    "lm_sums": (
        "sum_doubles",
        "Combinations are sums of their targets' rows",
        "The row of A+B is that of A plus that of B, in training and prediction. Off: a combination is not "
        "predicted unless the embedding names it.",
    ),
    "lm_whole": (
        "whole_tables",
        "Files enter with all their dimensions",
        "As in the paper. Off: files are cut to their K principal axes.",
    ),
    "lm_skip": (
        "leave_genes_out",
        "Genes without a row in G are not predicted",
        "As in the paper. Off: they are predicted by the perturbation mean.",
    ),
}


def choose_split(benchmark: Benchmark, place) -> str:
    """Which perturbations are held out on this page; only what the benchmark has is offered. ``place``: a column."""
    offered = [how for how in SPLITS if how == "file" or not split_problem(benchmark, how)]
    if session.extra("unseen", "file") != st.session_state.get("_unseen_drawn", "file"):
        st.session_state["lm_split"] = session.extra("unseen", "file")
    if st.session_state.get("lm_split") not in offered:
        st.session_state["lm_split"] = "file"
    refused = [split_problem(benchmark, how) for how in SPLITS if how not in offered]
    chosen = choose.selectbox(
        "Held out on this page",
        offered,
        key="lm_split",
        words=SPLITS,
        place=place,
        persist_state="session",
        help="The data set itself keeps its split. Other splits are made by hashes of the names; methods of the file "
        "are left out then, since they were trained on another split."
        + "".join(f"\n\n*Not here:* {why}" for why in dict.fromkeys(refused)),
    )
    session.set_extra("unseen", "" if chosen == "file" else chosen)
    st.session_state["_unseen_drawn"] = chosen
    return chosen


def default(benchmark: Benchmark) -> Recipe:
    """The paper's model; where the benchmark has combinations they are predicted too."""
    return Recipe(sum_doubles=bool((benchmark.n_perturbed > 1).any()))


def choose_recipe(benchmark: Benchmark, data: str, place) -> Recipe:
    """The widgets of a recipe; a recipe in the link sets them first. ``place``: column of the first widget."""
    first = default(benchmark)
    tables = embeddings.offered(data)
    _adopt(first)
    for key in ("lm_g", "lm_p"):
        if st.session_state[key] not in (*SOURCES, *tables) and not is_table(st.session_state[key]):
            st.session_state[key] = "pca"
    kind = choose.selectbox(
        "Model",
        KINDS,
        key="lm_kind",
        words=KINDS,
        place=place,
        persist_state="session",
        help="Linear model: G W Pᵀ + b. The others predict from P alone: ridge regression of every gene, the mean of "
        "the nearest training perturbations, a small random forest, or the mean of the targets' singles.",
    )
    columns = st.columns([1.5, 1.5, 1.2, 1.2])
    _choose_embeddings(kind, tables, columns[:2])
    _choose_numbers(kind, columns[2:])
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        _upload(benchmark, data)
        with st.popover("More knobs", icon=":material/tune:", key="lm_more", on_change="rerun") as more:
            if more.open:  # closed, they would cost every click their time
                for key, (_, label, why) in _TOGGLES.items():
                    st.checkbox(label, key=key, help=why, disabled=kind != "linear", persist_state="session")
                st.number_input("Seed of what is random", 0, 999, key="lm_seed", persist_state="session")
    recipe = _as_chosen(first)
    session.set_extra("recipe", "" if recipe == first else recipe.link)
    st.session_state[_DRAWN] = recipe.link
    return recipe


def _choose_embeddings(kind: str, tables: Mapping[str, str], columns) -> None:
    """What the model knows about genes and perturbations. ``tables``: source -> name of those that are here."""
    extra = [s for s in (st.session_state["lm_g"], st.session_state["lm_p"]) if is_table(s) and s not in tables]
    names = {**_NAMES, **tables, **{s: f"not here: {source_label(s)}" for s in extra}}
    files_only = [s for s in names if not s.startswith("d-")]
    choose.selectbox(
        "G: genes",
        files_only,
        key="lm_g",
        words=names,
        place=columns[0],
        disabled=kind != "linear",
        persist_state="session",
        help="What the model knows about every gene it predicts.",
    )
    choose.selectbox(
        "P: perturbations",
        names,
        key="lm_p",
        words=names,
        place=columns[1],
        disabled=kind == "matching",
        persist_state="session",
        help="What the model knows about the perturbed gene. PCA: the row of the target in the gene embedding, so only "
        "measured targets can be predicted. Pre-trained: the perturbation's scores in another data set.",
    )


def _choose_numbers(kind: str, columns) -> None:
    """The number of dimensions, and of neighbours or the penalty."""
    _slider(columns[0], "Dimensions K", "lm_k", DIMS, kind == "matching", "Of both embeddings.", str)
    if kind == "neighbours":
        _slider(
            columns[1], "Neighbours", "lm_n", (1, 2, 3, 5, 7, 10, 20), False, "Training perturbations averaged.", str
        )
        return
    _slider(
        columns[1],
        "Ridge penalty λ",
        "lm_l",
        RIDGES,
        kind not in ("linear", "ridge"),
        "How strongly the weights are held towards zero, which is the perturbation mean.",
        "{:g}".format,
    )


def _as_chosen(first: Recipe) -> Recipe:
    """The recipe that the widgets show; the default, with a sentence, where they make none."""
    try:
        return Recipe.of(
            st.session_state["lm_kind"],
            st.session_state["lm_g"],
            st.session_state["lm_p"],
            st.session_state["lm_k"],
            st.session_state["lm_l"],
            neighbours=st.session_state["lm_n"],
            seed=int(st.session_state["lm_seed"]),
            **{field: st.session_state[key] for key, (field, _, _) in _TOGGLES.items()},
        )
    except UserError as error:
        st.warning(str(error))
        return first


def _adopt(first: Recipe) -> None:
    """Put the link's recipe, or the default, into the widgets where they show another."""
    wanted = session.extra("recipe") or first.link
    if "lm_kind" in st.session_state and wanted == st.session_state.get(_DRAWN):
        return
    try:
        recipe = Recipe.from_link(wanted)
    except UserError as error:
        st.warning(f"{error} The default is shown.")
        recipe = first
    values = {
        "lm_kind": recipe.kind,
        "lm_g": recipe.gene,
        "lm_p": recipe.perturbation,
        "lm_k": recipe.dims,
        "lm_l": recipe.ridge,
        "lm_n": recipe.neighbours,
        "lm_seed": recipe.seed,
        **{key: getattr(recipe, field) for key, (field, _, _) in _TOGGLES.items()},
    }
    st.session_state.update(values)


def _slider(column, label: str, key: str, grid: tuple, disabled: bool, why: str, written) -> None:
    options = sorted({*grid, st.session_state[key]})
    choose.select_slider(
        label,
        options,
        key=key,
        words=written,
        place=column,
        disabled=disabled,
        help=why,
        persist_state="session",
    )


def _upload(benchmark: Benchmark, data: str) -> None:
    with st.popover("Embedding from a file", icon=":material/upload_file:"):
        st.caption(
            "Descriptions of genes (JSON {gene: text}, or CSV/TSV with genes first and texts second) or numbers "
            "(TSV, CSV, NPZ, Parquet; names on either axis). The file stays in this session; a link names it by "
            "its content."
        )
        if not uploads.refused():
            st.file_uploader(
                "File",
                type=[e[1:] for e in embeddings.ENDINGS],
                key="lm_file",
                on_change=_uploaded,
                label_visibility="collapsed",
            )
        for entry in embeddings.texts():
            if not any(source.endswith(f"-{entry.sha256[:12]}") for source in embeddings.offered(data)):
                st.button(
                    f"Get: {entry.title} ({entry.size})",
                    icon=":material/download:",
                    key=f"lm_get_{entry.id}",
                    help=f"{entry.provenance} {entry.licence}.",
                    on_click=_get,
                    args=(entry, benchmark, data),
                )
        if st.session_state.get(_SAID):
            st.warning(st.session_state[_SAID])


def _get(entry: Dataset, benchmark: Benchmark, data: str) -> None:
    """Download descriptions of genes and show the model that knows them beside the others, where it knows any."""
    before = embeddings.known_targets(data, benchmark)[0]
    st.session_state[_SAID] = ""
    try:
        with st.spinner(f"Getting {entry.title} …"):
            fetch(entry)
    except UserError as error:
        st.session_state[_SAID] = str(error)
        return
    new = [source for source, n in embeddings.known_targets(data, benchmark)[0].items() if n and source not in before]
    st.session_state["lm_beside"] = [*(st.session_state.get("lm_beside") or []), *new]
    if not new:
        st.session_state[_SAID] = f"{entry.title}: none of the genes perturbed in this data set is among them."


def _uploaded() -> None:
    """Keep the file and use it as perturbation embedding."""
    file = st.session_state.get("lm_file")
    if file is None:
        return
    source = embeddings.add_file(file.name, file.getvalue())
    st.session_state["lm_p"] = source
    chosen = st.session_state.get("lm_beside")
    if chosen is not None:
        st.session_state["lm_beside"] = [*chosen, source]


def choose_companions(recipe: Recipe, benchmark: Benchmark, data: str, how: str) -> dict[str, tuple[str, Recipe]]:
    """Slug -> short name and recipe of the models shown beside: other embeddings P with the same K and λ.

    Where contexts are held out (``how``), the mean change over the others is one of them: the perturbation mean, which
    is one of the context itself, is undefined there.
    """
    twin = [data_source(d) for d in sources.EMBEDDED if d != data] * (data in sources.EMBEDDED)
    known, total = embeddings.known_targets(data, benchmark)
    usual = ["pca", "random", *["zero"] * (how == "context"), *twin, *(s for s, n in known.items() if 2 * n >= total)]
    link = session.extra("beside")
    if link and link != st.session_state.get("_beside_drawn"):
        st.session_state["lm_beside"] = link.split("~")
    asked = [s for s in st.session_state.get("lm_beside") or () if is_table(s)]
    options = {"pca": "Self-trained", "random": "Random P"}
    options |= {"zero": "Mean of the other contexts"} if how == "context" else {}
    options |= {s: f"P {source_label(s)}" for s in dict.fromkeys([*twin, *(s for s, n in known.items() if n), *asked])}
    if st.session_state.get("_beside_data") != (data, how == "context") and not link:
        st.session_state["lm_beside"] = usual
    beside = [s for s in st.session_state.get("lm_beside", usual) if s in options]
    if st.session_state.get("lm_beside") != beside:  # a value that is set makes the browser draw the pills anew
        st.session_state["lm_beside"] = beside
    chosen = choose.pills(
        "Compare with",
        options,
        key="lm_beside",
        words=options,
        persist_state="session",
        help="Linear models with G from the training data and the same K and λ. Self-trained: P from the training "
        "data. Random P: what a model gets without knowing anything about the perturbed genes. Files that know "
        "most of the perturbed genes are shown from the start.",
    )
    written = "" if set(chosen) == set(usual) else "~".join(chosen) or "none"
    session.set_extra("beside", written)
    st.session_state.update(_beside_drawn=written, _beside_data=(data, how == "context"))
    base = replace(recipe if recipe.kind == "linear" else default(benchmark), gene="pca")
    found = {s: replace(base, perturbation=s) for s in chosen}
    return {r.slug: (options[s], r) for s, r in found.items() if r != recipe}


def choose_arrows(recipe: Recipe, options: dict[str, str]) -> tuple[str, str]:
    """Which two models the arrows connect, part of the link: from self-trained to pre-trained unless chosen otherwise.

    Parameters
    ----------
    options
        Role -> name of every model that can be chosen: "this", "P.<source>" for those beside it, slugs of methods.
        A role stays where it is when the knobs turn.
    """
    taught = next((role for role in options if role.startswith("P.") and is_table(role[2:])), "")
    if recipe == recipe.self_trained and recipe.kind == "linear" and taught:
        first, last = "this", taught
    else:
        usual = ["P.pca"] * (recipe.kind == "linear") + ["mean", "P.zero", "additive", *options]
        first = next(role for role in usual if role in options and role != "this")
        last = "this"
    places = st.columns(2)
    start = _linked(places[0], "Arrows from", "from", options, first)
    ends = {role: name for role, name in options.items() if role != start}
    last = last if start == first else "this"
    return start, _linked(places[1], "to", "to", ends, last if last in ends else next(iter(ends)))


def _linked(place, label: str, name: str, options: dict[str, str], default: str) -> str:
    """A menu whose choice is a parameter of the link where it is not the default."""
    key, drawn = f"lm_{name}", f"_{name}_drawn"
    wanted = session.extra(name, default)
    wanted = wanted if wanted in options else default
    if st.session_state.get(drawn) != wanted or st.session_state.get(key) not in options:
        st.session_state[key] = wanted
    chosen = choose.selectbox(label, options, key=key, words=options, place=place, persist_state="session")
    session.set_extra(name, "" if chosen == default else chosen)
    st.session_state[drawn] = chosen
    return chosen


def competition(recipe: Recipe, data: str, problem: str) -> None:
    """Buttons: add the recipe, take added ones out."""
    there = recipes.added(data)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Add to the ranking",
            icon=":material/add_circle:",
            type="primary",
            key="lm_add",
            disabled=bool(problem) or recipe.link in there,
            on_click=recipes.add,
            args=(data, recipe),
            help="Fits it to the data set's own split and shows it on every page. The link reproduces it.",
        )
        for link in there:
            try:
                label = Recipe.from_link(link).label
            except UserError:
                label = link
            st.button(
                label,
                icon=":material/close:",
                key=f"lm_remove_{link}",
                type="tertiary",
                on_click=recipes.remove,
                args=(data, link),
                help="Take it out of the competition.",
            )
    if problem and recipe.link not in there:
        st.caption(problem)
