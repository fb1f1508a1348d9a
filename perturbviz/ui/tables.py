"""Tables on screen: what has no value is a dash, never "None"."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st


def draw_table(table: pd.DataFrame, digits: int = 3, **more: Any) -> None:
    """A table without its index; numbers with so many digits after the point, "–" where there is none.

    ``more``: as of :func:`streamlit.dataframe`.
    """
    plain = table.reset_index(drop=True)
    st.dataframe(plain.style.format(na_rep="–", precision=digits), hide_index=True, width="stretch", **more)
