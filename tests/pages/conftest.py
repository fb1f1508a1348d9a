"""Run the app without a browser: ``open_page("rankings", metric="mse")`` gives Streamlit's AppTest on that page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
OpenPage = Callable[..., AppTest]


def unfold(at: AppTest, key: str) -> AppTest:
    """Open an expander or popover of this key: what is inside is made then."""
    at.session_state[key] = True
    return at.run()


@pytest.fixture
def open_page() -> OpenPage:
    """Opens a page under a link; the link of any page but the first means L2 where it names no metric."""

    def open_(name: str = "rankings", **query: str | list[str]) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
        if name != "rankings" and "metric" not in query:
            at.query_params["metric"] = "l2"
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
        if name != "rankings":
            at.switch_page(f"pages/{name}.py").run()
        assert not at.exception, at.exception[0].message
        assert at.selectbox(key="data").value, "the sidebar is missing"
        assert [t for t in at.toggle if t.key == "_presenting"], "the end of the sidebar is missing"
        return at

    return open_
