"""Sentences on what the rules of papers say of the predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from perturbviz.analyses.protocols import CHOICES, PAPERS, Board, Verdict
from perturbviz.analyses.protocols.switchboard import Outcome
from perturbviz.panels.captions import counted, names

_AGAINST = {
    "additive": "the additive baseline",
    "mean": "the perturbation mean",
    "no_change": "no change",
    "": "every baseline",
}


def title(better: Sequence[str], holds: bool | None, baseline: str, name: Callable[[str], str], why: str = "") -> str:
    """A verdict as a title. Plain text."""
    if holds is None:
        return f"Nothing can be said: {why}." if why else "Nothing can be said."
    if not holds:
        return f"No model beats {_AGAINST[baseline]}."
    who = names([name(m) for m in better])
    return f"{who} {'beats' if len(better) == 1 else 'beat'} {_AGAINST[baseline]}."


def of_verdict(found: Verdict, name: Callable[[str], str]) -> str:
    """The title of a paper's verdict. Plain text."""
    why = found.left_out[0][1].rstrip(".") if found.left_out else ""
    return title(found.better, found.holds, found.baseline, name, why)


def of_outcome(found: Outcome, name: Callable[[str], str]) -> str:
    """The title of one setting of the switches. Plain text."""
    return title(found.better, found.holds, found.baseline, name, found.why)


def all_papers(found: Mapping[str, Verdict]) -> str:
    """By how many rules some model is better. Plain text."""
    yes = [PAPERS[p].name for p, v in found.items() if v.holds]
    no = [PAPERS[p].name for p, v in found.items() if v.holds is False]
    said = f"By the rules of {counted(len(yes), 'paper')} some model is better than what it is compared with"
    return said + (f"; by {names(no)} none is." if no else ".")


def deciding(found: Board) -> str:
    """Which single choice turns the verdict of either end. Plain text."""
    first, last = found.ends
    opposite = None not in (first.holds, last.holds) and first.holds is not last.holds
    said = ["The two verdicts are opposite." if opposite else "The two verdicts agree."]
    for who, end in (("Ahlmann-Eltze's", first), ("Miller's", last)):
        turning = [CHOICES[c].name.lower() for c in found.deciding(end)]
        if turning:
            verb = "turns" if len(turning) == 1 else "turn, each alone,"
            said.append(f"From {who} side {names(turning)} {verb} the verdict.")
        else:
            said.append(f"From {who} side no single choice turns it.")
    said += [f"{CHOICES[c].name} cannot be switched: {why}." for c, why in found.missing.items()]
    return " ".join(said)
