"""Who the published systems are: two lines each, wherever their names stand."""

from __future__ import annotations

import re

#: Name without case and punctuation -> what it is, and where it comes from.
KNOWN = {
    "gears": "Graph neural network over genes that are expressed together and over gene ontology, for unseen "
    "combinations. Roohani et al., Nature Biotechnology 2024.",
    "scgpt": "Transformer pre-trained on 33 million cells, fine-tuned to predict perturbed expression. Cui et al., "
    "Nature Methods 2024.",
    "scfoundation": "Transformer pre-trained on 50 million cells; its gene embeddings go into a GEARS model. Hao et "
    "al., Nature Methods 2024.",
    "scbert": "BERT-like transformer pre-trained on single cells; its embeddings with a linear decoder. Yang et al., "
    "Nature Machine Intelligence 2022.",
    "geneformer": "Transformer pre-trained on ranked genes of 30 million cells; its embeddings with a linear decoder. "
    "Theodoris et al., Nature 2023.",
    "uce": "Universal Cell Embedding: cells of many species through protein language models; with a linear decoder. "
    "Rosen et al., 2023.",
    "cpa": "Compositional Perturbation Autoencoder: effects add up in a latent space. Lotfollahi et al., Molecular "
    "Systems Biology 2023.",
    "genecompass": "Transformer pre-trained on human and mouse cells with prior knowledge. Yang et al., Cell Research "
    "2024.",
    "genepert": "Ridge regression on text embeddings of gene descriptions. Chen et al., 2024.",
    "scelmo": "Text embeddings of genes from a language model, used for cells and perturbations. Liu et al., 2023.",
    "scouter": "Feed-forward network on text embeddings of genes and a control cell. Zhu and Li, 2025.",
    "attentionpert": "Attention over gene embeddings for combinations of perturbations. Bai et al., Bioinformatics "
    "2024.",
    "biolord": "Disentangles known attributes of cells and recombines them. Piran et al., Nature Biotechnology 2024.",
    "linearmodel": "Linear model on embeddings of genes and perturbations. Ahlmann-Eltze et al., Nature Methods 2025.",
    "trainmean": "Baseline: the mean of the training perturbations, for every perturbation.",
    "basecontrol": "Baseline: the control profile, for every perturbation.",
    "basemlp": "Baseline: a small feed-forward network, as in scPerturBench.",
    "basereg": "Baseline: a regression, as in scPerturBench.",
    "additivepublished": "Baseline of the paper: adds the measured changes of the two single perturbations.",
    "nochangepublished": "Baseline of the paper: the control profile, for every perturbation.",
}


def known(name: str) -> str:
    """What is known of a published system by its name; "" for others."""
    return KNOWN.get(re.sub(r"[^a-z0-9]", "", name.lower()), "")
