"""Pinning a view beside the current one, and taking the view home: shared, or as a report."""

from __future__ import annotations

from urllib.parse import parse_qs

import streamlit as st

from perturbviz.errors import UserError
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import View
from perturbviz.ui import cache, session
from perturbviz.ui.controls.report_button import report_popover
from perturbviz.ui.current import Current
from perturbviz.ui.share import share_popover


def pinned(current: Current) -> tuple[View, Ranking] | None:
    """The pinned view and its ranking, where one is pinned that belongs to the same data."""
    token = session.extra("pin")
    if not token:
        return None
    view = session.view_of(parse_qs(token))
    if view.data != current.view.data:
        return None
    try:
        return view, cache.ranking(current.data, view)
    except UserError:
        return None


def pin_controls(current: Current) -> None:
    """Buttons: pin or unpin this view, copy the link."""
    with st.container(horizontal=True, gap="small", key="pv-pin"):
        if session.extra("pin"):
            st.button("Unpin", icon=":material/keep_off:", on_click=session.set_extra, args=("pin", ""))
        else:
            st.button(
                "Pin this view",
                icon=":material/keep:",
                on_click=session.set_extra,
                args=("pin", current.token or "data=demo"),
                help="Keep this view on the left while you change the sidebar.",
            )
        share_popover(current)
        pin = pinned(current)
        report_popover(current, pin[0] if pin else None)
