"""The pages of the app, and a guard for those who open one directly.

While a ``pages/`` folder stands beside ``app.py`` Streamlit runs a page file without ``app.py`` until some session
has called ``st.navigation``: the first visitor of a fresh server who follows a deep link would get a page without
its sidebar. ``require_app`` at the top of each page sends them through ``app.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st
from threadpoolctl import threadpool_limits

from perturbviz.catalogue import embedded
from perturbviz.ui.memo import memo

_FOLDER = embedded.home() / "pages"
_STYLE = Path(__file__).with_name("style.css")
_ICON = Path(__file__).with_name("icon.svg")  # two methods that change places; Streamlit reads emoji from a long table
_LOGO = Path(__file__).with_name("logo.svg")
_VIA_APP = "_via_app"
_ahead = st.components.v2.component(
    "perturbviz_ahead", js=(Path(__file__).parent / "chart" / "ahead.js").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class PageCard:
    """A page: file and url name, label in the menu, and the question it answers (its heading)."""

    name: str
    label: str
    question: str


PAGES = (
    PageCard("rankings", "Rankings", "Which method predicts best? It depends how you measure"),
    PageCard("errors", "Errors", "How far off are the predictions?"),
    PageCard("profiles", "Profiles", "What was predicted, gene by gene?"),
    PageCard("interactions", "Interactions", "Who finds what is not additive?"),
    PageCard("calibration", "Calibration", "Can this metric tell a good prediction from an uninformative one?"),
    PageCard("goodhart", "Goodhart lab", "What happens when a measure becomes a target?"),
    PageCard("linear_model", "Linear model", "How far does a linear model get?"),
    PageCard("data", "Data", "Which data, whose predictions?"),
    PageCard("guide", "Guide", "What does it all mean?"),
)


def navigation() -> Any:
    """Declare the page settings and the menu; returns the page to run."""
    st.set_page_config(page_title="perturbviz", page_icon=_ICON, layout="wide", initial_sidebar_state="collapsed")
    st.logo(_LOGO, size="large")
    _ahead(key="pv-ahead", data=version("plotly"))
    st.html(_STYLE)
    pages = [
        st.Page(_FOLDER / f"{p.name}.py", title=p.label, url_path=p.name, default=i == 0)
        for i, p in enumerate(PAGES)
        if (_FOLDER / f"{p.name}.py").exists()
    ]
    return st.navigation(pages, position="top")


@memo(1)
def _one_thread_a_product() -> Any:
    """Matrix products here are small and users are many: threads inside a product only wait for one another."""
    return threadpool_limits(1, "blas")


def run() -> Any:
    """Called by ``app.py``: the page to run, marked as reached through the app."""
    page = navigation()
    _one_thread_a_product()
    st.session_state[_VIA_APP] = True
    return page


def require_app() -> None:
    """First line of every page: without ``app.py`` before it, declare the menu and start again."""
    if not st.session_state.pop(_VIA_APP, False):
        navigation()
        st.rerun()


def path(name: str) -> str:
    """File of a page, for ``st.page_link`` and ``st.switch_page``."""
    return f"pages/{name}.py"


@lru_cache(maxsize=32)
def exists(name: str) -> bool:
    """Whether a page is part of this installation."""
    return (_FOLDER / f"{name}.py").exists()


def question(name: str) -> str:
    """Heading of a page."""
    return next(p.question for p in PAGES if p.name == name)
