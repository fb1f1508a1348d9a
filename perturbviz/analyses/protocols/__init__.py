"""Protocols of papers as data: what each measures, what it compares with, and what its rule says of predictions."""

from perturbviz.analyses.protocols.papers import PAPERS, Measure, Paper
from perturbviz.analyses.protocols.switchboard import CHOICES, Board, board
from perturbviz.analyses.protocols.verdicts import Verdict, verdict, verdicts

__all__ = ["CHOICES", "PAPERS", "Board", "Measure", "Paper", "Verdict", "board", "verdict", "verdicts"]
