"""perturbviz: see how the ranking of perturbation-effect predictions depends on how one measures."""

__version__ = "0.1.0"
