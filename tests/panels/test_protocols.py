"""Panels of the papers' verdicts and of the switchboard, on outcomes that are known."""

from __future__ import annotations

import pandas as pd

from perturbviz.analyses.protocols import CHOICES, PAPERS, Board, Verdict
from perturbviz.analyses.protocols.switchboard import Outcome
from perturbviz.panels import protocols as panels
from perturbviz.panels.captions import protocols as captions
from perturbviz.panels.look import Look

LOOK = Look({"m": "Model", "n": "Net"}, {"m": "#000000", "n": "#111111"})


def test_a_verdict_is_a_title():
    assert captions.title((), False, "additive", LOOK.name) == "No model beats the additive baseline."
    assert captions.title(("m", "n"), True, "mean", LOOK.name) == "Model and Net beat the perturbation mean."
    assert captions.title((), None, "mean", LOOK.name, "no replicate") == "Nothing can be said: no replicate."


def test_papers_stand_beside_one_another():
    no, yes = PAPERS["ahlmann-eltze"].id, PAPERS["miller"].id
    empty = pd.DataFrame()
    found = {
        no: Verdict(no, ("m", "n"), (), False, "additive", empty),
        yes: Verdict(yes, ("m", "n"), ("m",), True, "mean", empty),
    }
    panel = panels.papers(found, LOOK)
    assert panel.numbers()["m"].tolist() == [0, 1] and panel.numbers()["n"].tolist() == [0, 0]
    assert panel.caption == (
        "By the rules of 1 paper some model is better than what it is compared with; by Ahlmann-Eltze 2025 none is."
    )
    assert "No model beats the additive baseline." in panel.numbers()["verdict"].tolist()


def test_the_switchboard_names_what_decides():
    outcomes = {}
    offered = [c for c in CHOICES if c != "positive"]
    for k in range(2 ** len(offered)):
        flipped = frozenset(c for i, c in enumerate(offered) if k >> i & 1)
        holds = "test" in flipped
        outcomes[flipped] = Outcome(flipped, "L2", "mean" if holds else "additive", ("m",) * holds, holds)
    board = Board(("m",), outcomes, {"positive": "no replicate"})
    said = captions.deciding(board)
    assert said.startswith("The two verdicts are opposite. From Ahlmann-Eltze's side comparison turns the verdict.")
    assert said.endswith("Positive control cannot be switched: no replicate.")
    panel = panels.switches(board, outcomes[frozenset(["test"])], LOOK)
    assert len(panel.numbers()) == 2 + 2 * len(offered) + 1
    assert panel.numbers()["m"].iloc[-1] == 1 and panel.numbers()["m"].iloc[0] == 0
