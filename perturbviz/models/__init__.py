"""Baselines: predictions anybody can make, fitted on the training part only and always in the competition."""

from perturbviz.models.cross_validation import combo_seen, folds, leave_one_context_out, random_split, unseen_singles
from perturbviz.models.diagnostics import ErrorMap, error_map, learning_curve, spectrum
from perturbviz.models.embedding_files import ReadEmbedding, read_embedding, read_gene_texts
from perturbviz.models.embeddings import from_text, gene_scores, pretrained
from perturbviz.models.forest import Forest
from perturbviz.models.linear import FittedLinear, LinearModel
from perturbviz.models.matching import MatchingMean
from perturbviz.models.neighbours import KNeighbours, NearestPerturbation, distance_to_training
from perturbviz.models.regression import RidgeRegression
from perturbviz.models.training import Competitor, Fitted, Training

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
