"""Text in figures: names come from files, so nothing in them may act as markup."""


def escape(text: str) -> str:
    """A name as Plotly text: its HTML-like tags are shown, not obeyed."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
