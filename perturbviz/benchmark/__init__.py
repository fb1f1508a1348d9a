"""The data: one data set with its predictions, tables of scores, names, splits, files."""

from perturbviz.benchmark.benchmark import META, SCHEMA, SLUG, VALUE_SPACES, Benchmark, load, save, slugify

__all__ = ["Benchmark", "META", "SCHEMA", "SLUG", "VALUE_SPACES", "load", "save", "slugify"]
