"""Text in figures and beside them: names come from files, so nothing in them may act as markup."""


def escape(text: str) -> str:
    """A name as Plotly text: its HTML-like tags and places of a hover text are shown, not obeyed."""
    shown = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("%{", "%&#123;")


def percent(share: float) -> str:
    """A share of draws: 96%; never 0% or 100%, which no number of draws can show."""
    return ">99%" if share >= 0.995 else "<1%" if share < 0.005 else f"{share:.0%}"
