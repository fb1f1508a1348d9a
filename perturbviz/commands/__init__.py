"""The commands of ``python -m perturbviz``: each module adds one or more parsers with ``register``."""
