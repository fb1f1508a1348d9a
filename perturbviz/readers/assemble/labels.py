"""What there is to say about the labels of a file: which mean control, which may, and where a separator is in doubt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from perturbviz.benchmark.labels import NEVER, LabelRules, control_like, doubts, patterns_of
from perturbviz.benchmark.perturbations import CONTROL, CONTROL_LABELS, is_control, targets
from perturbviz.errors import Choice
from perturbviz.readers.base import Options
from perturbviz.readers.check import Finding


def control_findings(
    labels: Iterable[Any], rules: LabelRules, genes: Collection[str], options: Options
) -> list[Finding]:
    """Labels that became control beside a named one or although they name a gene, and those that look like control."""
    found = [str(v).strip() for v in dict.fromkeys(labels) if v is not None]
    taken = [v for v in found if rules(v) == CONTROL and v.lower() != CONTROL]
    named = [v for v in found if is_control(v, options.control) and v.lower() not in CONTROL_LABELS]
    named += [v for v in found if any(v.lower() == c.strip().lower() for c in options.control)]
    out = []
    odd = [v for v in taken if v in genes] if len(taken) > 1 or CONTROL in found else []
    if named:
        odd += [v for v in taken if v not in named and v not in odd]
    if odd:
        text = (
            "also taken for control, as these words usually mean it, beside "
            f"{', '.join(v for v in (named or taken) if v not in odd)[:80] or CONTROL}: if one of them is a "
            f"perturbation or a gene, say so (--not-control {odd[0]})"
        )
        choices = tuple(Choice("not_control", v, f"{v} is a perturbation") for v in odd[:3])
        out.append(Finding("conditions", text, True, tuple(odd), choices))
    kept = sorted(v for v in rules.not_control - set(options.not_control) if v in found)
    if kept:
        text = (
            f"kept as a perturbation, since it names a measured gene beside the control you named: if it is control, "
            f"say so (--control {kept[0]})"
        )
        choice = Choice("control", kept[0], f"{kept[0]} is control")
        out.append(Finding("conditions", text, True, tuple(kept), (choice,)))
    if like := control_like(found, rules, genes):
        out.append(like_finding(like, found, bool(taken) or CONTROL in found))
    return out


def like_finding(like: Sequence[str], labels: Sequence[str], has_control: bool) -> Finding:
    """Labels that look like control, and the way to name them all at once."""
    words = patterns_of(like, labels)
    how = " ".join(f"--control '{w}'" if "*" in w else f"--control {w}" for w in words[:4])
    text = (
        f"{len(like):,} label{'s look' if len(like) > 1 else ' looks'} like control and "
        f"{'are' if len(like) > 1 else 'is'} counted as {'perturbations' if len(like) > 1 else 'a perturbation'}"
        f"{'' if has_control else '; no control was found'}: if they are control, name them ({how})"
    )
    choice = Choice("control", ", ".join(words), f"Take {_short(like)} as control")
    return Finding("conditions", text, True, tuple(like), (choice,))


def _short(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def doubt_findings(
    labels: Iterable[Any], rules: LabelRules, known: Collection[str], only: Collection[str] | None = None
) -> list[Finding]:
    """Labels that hold two known names, or were split into something unknown; of ``only`` these names where given.

    Parameters
    ----------
    known
        Names besides those that stand alone in the labels: measured genes, targets of the truth.
    """
    found = [v for v in dict.fromkeys(labels) if v is not None]
    alone = {n for v in found if (n := rules(v)) not in (None, CONTROL) and len(targets(n)) == 1}
    out = []
    for doubt in doubts(found, rules, alone | set(known)):
        if only is not None and not any(rules(v.split(": ")[0]) in only for v in doubt.items):
            continue
        if doubt.separator == NEVER:
            how, choice = "if their names hold the sign, never split them", Choice("separator", NEVER, "Never split")
        else:
            how = "if these are combinations, name the separator"
            choice = Choice("separator", doubt.separator, f"Read {doubt.separator} as +")
        text = f"{doubt.text}: {how} (--separator '{doubt.separator}')"
        out.append(Finding("conditions", text, True, doubt.items, (choice,)))
    return out
