"""Calibration: can a metric tell a replicate of the experiment from an empty prediction, on this very data?"""

from perturbviz.analyses.calibration.controls import (
    CONTROL_NAMES,
    interpolated_duplicate,
    positive_controls,
    shuffled,
    simulated_duplicate,
    with_controls,
)
from perturbviz.analyses.calibration.fractions import bds, calibrated_scale, drf
from perturbviz.analyses.calibration.table import Calibration, calibrate, calibration_map
from perturbviz.analyses.calibration.variation import Variation, cosine_with_shift, systematic_variation

__all__ = [
    "CONTROL_NAMES",
    "Calibration",
    "Variation",
    "bds",
    "calibrate",
    "calibrated_scale",
    "calibration_map",
    "cosine_with_shift",
    "drf",
    "interpolated_duplicate",
    "positive_controls",
    "shuffled",
    "simulated_duplicate",
    "systematic_variation",
    "with_controls",
]
