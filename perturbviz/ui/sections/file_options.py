"""What a person says about files of their own: the form, its fields in messages, and buttons that fill them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import streamlit as st

from perturbviz.benchmark import VALUE_SPACES
from perturbviz.benchmark.labels import NEVER
from perturbviz.errors import Choice
from perturbviz.panels.captions import escape
from perturbviz.readers import SYSTEMS
from perturbviz.readers.base import INDEX, NO_CONTEXT, Options
from perturbviz.scoring.view import split_genes
from perturbviz.ui import choose

USED = "_uploads_used"  # session: how many times something was added
#: Field of the options -> key of its widget, and its label, which messages name.
FIELDS = {
    "system": ("_system", "System"),
    "value_space": ("_space", "Values are"),
    "control": ("_control", "Further control labels"),
    "not_control": ("_not_control", "Labels that are no control"),
    "separator": ("_separator", "Targets are separated by"),
    "shared_control": ("_shared_control", "One control serves all contexts"),
    "context": ("_context", "Column of the context"),
    "condition": ("_condition", "Column of the perturbation"),
    "layer": ("_layer", "Layer with the values"),
    "genes": ("_genes", "Gene list"),
    "without": ("_without", "Leave out methods"),
    "rename": ("_rename", "Rename"),
}
_MORE = {"sep": "separator", "truth-layer": "layer", "truth-condition": "condition", "truth-context": "context"}
_FLAGS = {field.replace("_", "-"): field for field in FIELDS} | _MORE
_FLAG = re.compile(rf"--({'|'.join(sorted(_FLAGS, key=len, reverse=True))})\b(?: (?:COLUMN|NAME|FILE|LABEL)\b)?( ?)")
_ONLY_THERE = (
    (" Truth and predictions may name their columns apart (--truth-condition, --truth-context).", ""),
    ("--layer, or --truth-layer for the truth", "--layer"),
    ("; `python -m perturbviz systems` lists them", ""),
)
_SIGNS = ("", "+", "_", "|", ",", ";", "&", NEVER)
_TEXT_OF_SIGN = {"": "as the system does", NEVER: "nothing: never split"}


def key_of(field: str) -> str:
    """Key of a field's widget: another one after every addition, since what was said is about the files added."""
    used = st.session_state.get(USED, 0)
    return FIELDS[field][0] + (f"_{used}" if used else "")


def options_form() -> Options:
    """What a person may have to say about files that do not say it themselves; the same as flags of ``convert``.

    What is said stands below the form as well, which is closed as a rule.
    """
    options = _form()
    said = {f: getattr(options, f) for f in FIELDS if getattr(options, f) and f not in ("genes", "rename")}
    if said:
        with st.container(horizontal=True, vertical_alignment="center"):
            words = [f"{FIELDS[f][1]}: {', '.join(v) if isinstance(v, tuple) else v}" for f, v in said.items()]
            st.caption(escape(f"You say: {'; '.join(words)}.".replace(": True", "")), width="content")
            st.button("Forget it", key="_forget", type="tertiary", on_click=forget, args=(tuple(said),))
    return options


def forget(fields: Sequence[str]) -> None:
    """Empty fields of the form."""
    for field in fields:
        st.session_state[key_of(field)] = False if field == "shared_control" else ""


def _form() -> Options:
    with st.expander("Format options (if the file is not recognised)"):
        a, b = st.columns(2)
        key, label = key_of("system"), FIELDS["system"][1]
        words = {"": "recognise it"} | {s: r.name for s, r in SYSTEMS.items()}
        system = choose.selectbox(
            label, list(words), key=key, words=words, place=a, help="Which program wrote the files."
        )
        key, label = key_of("value_space"), FIELDS["value_space"][1]
        spaces = ["", *VALUE_SPACES, "counts"]
        space = choose.selectbox(label, spaces, key=key, words=lambda s: s or "as the file says", place=b)
        key, label = key_of("separator"), FIELDS["separator"][1]
        sign = choose.selectbox(
            label,
            list(_SIGNS),
            key=key,
            words=lambda s: _TEXT_OF_SIGN.get(s, s),
            place=a,
            help="The sign between two perturbed genes in a label, such as A_B.",
        )
        control = _text(a, "control", "Separated by commas, such as NT-*, mock; NT-* stands for all that begin so.")
        not_control = _text(a, "not_control", "Labels that usually mean control and here do not.")
        context = _text(b, "context", f"Cell line, donor, dose …; {NO_CONTEXT}: there is one context.")
        condition = _text(b, "condition", f"Where it has an unusual name; {INDEX}: the names of the rows.")
        layer = _text(b, "layer", "Where it is not the usual one: a layer, raw, X or obsm/NAME.")
        key, label = key_of("shared_control"), FIELDS["shared_control"][1]
        shared = a.checkbox(label, key=key, help="Such as vehicle at dose 0, where the dose is the context.")
        key, label = key_of("genes"), FIELDS["genes"][1]
        genes = a.text_area(label, key=key, help="For files without gene names: the names of the columns, in order.")
        without = _text(a, "without", "Of a file of several methods: names, separated by commas.")
        key, label = key_of("rename"), FIELDS["rename"][1]
        rename = b.text_area(label, key=key, placeholder="old=new", help="One a line: as in the file = as in the data.")
    pairs = dict(line.split("=", 1) for line in rename.splitlines() if "=" in line)
    return Options(
        system=system,
        value_space=space,
        control=_listed(control),
        not_control=_listed(not_control),
        separator=sign,
        shared_control=shared,
        context=context.strip(),
        condition=condition.strip(),
        layer=layer.strip(),
        genes=split_genes(genes),
        rename={k.strip(): v.strip() for k, v in pairs.items()},
        without=_listed(without),
    )


def _text(place, field: str, help: str) -> str:
    return place.text_input(FIELDS[field][1], key=key_of(field), help=help)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def in_the_form(text: str) -> str:
    """A sentence of the readers with the form's fields in place of the command line's flags."""
    for old, new in _ONLY_THERE:
        text = text.replace(old, new)
    parts = text.split("`")  # commands stay as they are

    def field(match: re.Match[str]) -> str:
        end = match.string[match.end() :]
        value = bool(match[2]) and re.match(r"['\w]", end) and not re.match(r"(if|to|or|and|for|that|says?)\b", end)
        return f"“{FIELDS[_FLAGS[match[1]]][1]}”" + (": " if value else match[2])

    return "`".join(part if i % 2 else _FLAG.sub(field, part) for i, part in enumerate(parts))


def offer(choices: Iterable[Choice], key: str) -> None:
    """Buttons that fill in the form and so try again."""
    known = [c for c in dict.fromkeys(choices) if c.option in FIELDS]
    if known:
        with st.container(horizontal=True, gap="small"):
            for i, choice in enumerate(known):
                st.button(choice.words, key=f"{key}-{i}", on_click=take, args=(choice,))


def take(choice: Choice) -> None:
    """Fill in a field; where it holds several, what is there stays."""
    key = key_of(choice.option)
    if choice.option == "shared_control":
        st.session_state[key] = True
    elif choice.option in ("control", "not_control"):
        there: Sequence[str] = _listed(st.session_state.get(key, ""))
        st.session_state[key] = ", ".join(dict.fromkeys([*there, *_listed(choice.value)]))
    else:
        st.session_state[key] = choice.value
