"""Baselines: predictions anybody can make, fitted on the training part only and always in the competition."""

from perturbviz.baselines.simple import BASELINES, Baseline, baseline_ids

__all__ = ["BASELINES", "Baseline", "baseline_ids"]
