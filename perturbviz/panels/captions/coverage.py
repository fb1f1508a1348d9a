"""Sentences on coverage: who predicts how few of what is scored, and on what methods are therefore compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perturbviz.panels.captions import counted, escape, ordinal
from perturbviz.scoring.coverage import Coverage
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import metric_name


def before_adding(found: Coverage, added: Sequence[str], name: Callable[[str], str]) -> list[str]:
    """What adding methods will do to all others; empty where they predict everything that is scored."""
    out = []
    for method in added:
        n = found.predicted[method]
        many = f"{n:,} of {counted(found.asked, f'scored {found.what}')}"
        if not n:
            out.append(f"**{escape(name(method))}** predicts {many}: it gets no score.")
        elif n < found.asked:
            these = f"these {n:,}" if n == found.common else f"the {found.common:,} that all predict"
            out.append(f"**{escape(name(method))}** predicts {many}: adding compares all methods on {these}.")
    return out


def genes_lost(before: int, after: int) -> str:
    """How many genes adding takes from all methods; "" where none."""
    if after >= before:
        return ""
    return (
        f"{before - after:,} of {counted(before, 'gene')} {'is' if before - after == 1 else 'are'} missing from "
        f"the file: adding scores all methods on the other {after:,}."
    )


def badge(found: Coverage, own: bool, name: Callable[[str], str]) -> tuple[str, str]:
    """What a ranking of methods that cover different perturbations must say, and the label of the switch.

    Parameters
    ----------
    own
        Whether each method is scored on its own rows.
    """
    few = found.partial
    if not few:
        return "", ""
    asked = counted(found.asked, found.what)
    if own:
        each = "; ".join(f"{escape(name(m))} on {found.predicted[m]:,}" for m in few[:4])
        more = f"; {len(few) - 4} more on fewer than all" if len(few) > 4 else ""
        return (
            f"Each method is scored on its own rows: {each}{more}; the others on all {asked}. Their scores are not of "
            "the same perturbations.",
            f"Compare all on the same {found.common:,}" if found.common else "",
        )
    who = "; ".join(f"{escape(name(m))} predicts only {found.predicted[m]:,}" for m in few[:3])
    more = f"; {len(few) - 3} more predict only some" if len(few) > 3 else ""
    return f"All methods are compared on {found.common:,} of {asked}: {who}{more}.", "Score each on its own rows"


def place(ranking: Ranking, method: str) -> str:
    """Where a method stands: "Mine is 7th of 11 by L2"; why it has no score where it has none."""
    line, scores = ranking.lines[method], ranking.scores
    what = metric_name(scores.metric, scores.reference)
    if method not in ranking.defined:
        why = line["reason"] or "its score is undefined"
        return f"{line['name']} has no score by {what}: {why}"
    return f"{line['name']} is {ordinal(line['rank'])} of {len(ranking.defined)} by {what}"
