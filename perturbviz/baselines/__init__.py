"""Baselines: predictions anybody can make, fitted on the training part only and always in the competition."""

from perturbviz.baselines.diagnostics import ErrorMap, error_map, learning_curve, spectrum
from perturbviz.baselines.embedding_files import ReadEmbedding, read_embedding, read_gene_texts
from perturbviz.baselines.embeddings import from_text, gene_scores, pretrained
from perturbviz.baselines.forest import Forest
from perturbviz.baselines.linear import FittedLinear, LinearModel
from perturbviz.baselines.matching import MatchingMean
from perturbviz.baselines.neighbours import KNeighbours, NearestPerturbation, distance_to_training
from perturbviz.baselines.regression import RidgeRegression
from perturbviz.baselines.splits import combo_seen, folds, leave_one_context_out, random_split, unseen_singles
from perturbviz.baselines.training import Competitor, Fitted, Training

__all__ = [
    "Competitor",
    "ErrorMap",
    "Fitted",
    "FittedLinear",
    "Forest",
    "KNeighbours",
    "LinearModel",
    "MatchingMean",
    "NearestPerturbation",
    "ReadEmbedding",
    "RidgeRegression",
    "Training",
    "combo_seen",
    "distance_to_training",
    "error_map",
    "folds",
    "from_text",
    "gene_scores",
    "learning_curve",
    "leave_one_context_out",
    "pretrained",
    "random_split",
    "read_embedding",
    "read_gene_texts",
    "spectrum",
    "unseen_singles",
]
