"""Figures as plain parts, for what every click draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # importing it takes a tenth of a second that the first page need not wait
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Drawing:
    """A figure in the form of Plotly's JSON, taken as it is.

    Plotly's own figures check and copy every part several times, which was a third of the server's work at a click;
    the tests check them instead.
    """

    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]

    def with_layout(self, **changes: Any) -> Drawing:
        """The same data; parts of the layout replaced, mappings merged one level deep."""
        merged = {
            key: {**self.layout.get(key, {}), **value} if isinstance(value, Mapping) else value
            for key, value in changes.items()
        }
        return replace(self, layout={**self.layout, **merged})

    def figure(self) -> go.Figure:
        """As one of Plotly's figures, checked."""
        import plotly.graph_objects as go

        return go.Figure(list(self.data), dict(self.layout))


Figure: TypeAlias = "go.Figure | Drawing"
