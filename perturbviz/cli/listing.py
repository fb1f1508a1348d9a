"""``systems``, ``metrics``, ``datasets``: what there is, one line each."""

from __future__ import annotations

import argparse
from typing import Any

from perturbviz.catalogue.entries import CATALOGUE
from perturbviz.metrics import CATALOGUE as METRICS
from perturbviz.readers import SYSTEMS


def register(subparsers: Any) -> None:
    """Add the three commands."""
    for name, what, func in (
        ("systems", "formats that can be read", systems),
        ("metrics", "metrics that can be computed", metrics),
        ("datasets", "public data sets that can be fetched", datasets),
    ):
        subparsers.add_parser(name, help=f"list the {what}").set_defaults(func=func)


def systems(arguments: argparse.Namespace) -> None:
    """Id, granularity, value space, summary."""
    for r in SYSTEMS.values():
        print(f"{r.id:24} {r.granularity:14} {r.value_space:12.12} {r.summary}")


def metrics(arguments: argparse.Namespace) -> None:
    """Id with its default parameter, direction, reference, summary."""
    for m in METRICS.values():
        c = m.card
        name = c.id + (f"@{c.parameter.default}" if c.parameter else "")
        needs = "needs a reference" if c.reference == "delta" else "no reference"
        print(f"{name:28} {c.better:7} {needs:18} {c.summary}")


def datasets(arguments: argparse.Namespace) -> None:
    """Id, size, licence, title."""
    print(f"{'demo':40} {'embedded':>16}  Simulated screen with simulated predictors")
    for d in CATALOGUE.values():
        how = d.size if d.downloadable else f"by hand, {d.size}"
        print(f"{d.id:40} {how:>24}  {d.licence:28} {d.title}")
