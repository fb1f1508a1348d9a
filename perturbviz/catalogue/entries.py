"""The catalogue of public data: where it is, what it holds and lacks, under which licence. Nothing is shipped.

Every file is named by an address that always gives the same bytes (a commit or a record) and checked by its SHA-256,
except where ``published`` says that the source gives none.
"""

from __future__ import annotations

from dataclasses import dataclass

from perturbviz.errors import UserError


@dataclass(frozen=True)
class Dataset:
    """One public file.

    Attributes
    ----------
    id, title
        Id of ``fetch`` and links; name on screen.
    url, filename, sha256, bytes
        Address, name on disk and on mirrors, checksum and size; "" and 0 where not known.
    published
        Addresses of files that are converted once into ``filename`` after the download; the first is the one that is
        converted. Their checksums are not known: the length that the server declares and gzip's own check are verified.
    licence, citation
        Terms of the file and the work to cite.
    conditions, singles, doubles, genes
        What it holds; 0 where not counted.
    value_space
        What the numbers are.
    provenance, lacks
        What to know about its origin; what it does not hold, so that the app cannot show it.
    kind
        "benchmark", "scores", "cells" or "texts" (descriptions of genes); "manual" where it is too big or has no direct
        address: ``todo`` says what to do.
    part
        Which part of the file, where it holds a benchmark and scores.
    """

    id: str
    title: str
    url: str
    filename: str = ""
    sha256: str = ""
    bytes: int = 0
    licence: str = ""
    citation: str = ""
    conditions: int = 0
    singles: int = 0
    doubles: int = 0
    genes: int = 0
    value_space: str = "lognorm"
    provenance: str = ""
    lacks: str = ""
    published: tuple[str, ...] = ()
    kind: str = "benchmark"
    todo: str = ""

    @property
    def downloadable(self) -> bool:
        """Whether :func:`perturbviz.catalogue.download.fetch` can get it."""
        return bool(self.url and self.filename)

    @property
    def opens(self) -> bool:
        """Whether the app can download and open it by itself."""
        return self.downloadable and self.kind in ("benchmark", "scores")

    @property
    def large(self) -> bool:
        """Whether it should be downloaded only by those who asked for it."""
        return self.bytes > 500_000_000

    @property
    def size(self) -> str:
        """Size in words."""
        if not self.bytes:
            return "size not stated"
        return f"{self.bytes / 1e9:.1f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:.1f} MB"


_RAW = "https://raw.githubusercontent.com"
_REACH = f"{_RAW}/MasalaKimchi/cell-state-reachability"
_NORMAN_COUNTS = (
    "Counts of perturbations differ by source: the talk says 101 singles + 62 doubles, the paper 100 + 124, this file "
    "104 + 130, of which 126 doubles have both singles measured."
)
_PAPER = "Ahlmann-Eltze, Huber & Anders, Nature Methods 2025"
_SOURCE = f"{_RAW}/const-ae/linear_perturbation_prediction-Paper/c5865d6ffbfb7224c37e5104ef6a1706b103f097/source_data"
_SCOUTER = f"{_RAW}/PancakeZoy/scouter_misc/6f2c83e5a32505038060155ca8257fa094732e35"
_NORMAN = "Norman et al., Science 2019 (GSE133344)"
_DATAVERSE = "https://dataverse.harvard.edu/api/access/datafile"
_SCPERTURB = "https://zenodo.org/records/13350497/files"
_PAPER_RDS = "https://zenodo.org/records/16092690/files"
_AGGREGATE = "Download it and turn its cells into means with `python -m perturbviz aggregate`."


def _gears(name: str, datafile: int, title: str) -> Dataset:
    return Dataset(
        id=f"gears-{name}",
        title=f"{title}, GEARS version",
        url=f"{_DATAVERSE}/{datafile}",
        kind="manual",
        licence="see Harvard Dataverse",
        citation="Roohani, Huang & Leskovec, Nature Biotechnology 2024",
        provenance="Cells, log-normalised, with the conditions of GEARS.",
        todo="A zip of cells. Unzip it; " + _AGGREGATE[0].lower() + _AGGREGATE[1:],
    )


def _scperturb(name: str, title: str) -> Dataset:
    return Dataset(
        id=f"scperturb-{name.split('.')[0].lower()}",
        title=f"{title}, scPerturb",
        url=f"{_SCPERTURB}/{name}",
        kind="manual",
        value_space="counts",
        licence="CC BY 4.0",
        citation="Peidli et al., Nature Methods 2024",
        provenance="Cells, counts, harmonised annotation (obs: perturbation, nperts).",
        todo=_AGGREGATE,
    )


CATALOGUE: dict[str, Dataset] = {
    d.id: d
    for d in (
        Dataset(
            id="norman",
            title="Norman 2019: K562, CRISPRa, changes",
            url=f"{_REACH}/9b7a2b195e5e573c9b8a465cce9e9786e033aaf8/notebooks/cache/norman_effect_bundle.npz",
            filename="norman_pseudobulk.npz",
            sha256="8979d2ff3ea4e110f0e48f6342d0766c90036fe9876b9de53c93a8a401ec6f12",
            bytes=3_381_079,
            licence="MIT (data: GEO GSE133344)",
            citation=_NORMAN,
            conditions=234,
            singles=104,
            doubles=130,
            genes=2000,
            value_space="delta",
            provenance="Log fold changes against control. "
            + _NORMAN_COUNTS
            + " L2 is not comparable with the paper's.",
            lacks="No control mean, numbers of cells or replicates: raw correlations, highly expressed genes and "
            "technical duplicates are not available.",
        ),
        Dataset(
            id="carpool",
            title="CaRPool-seq 2023: THP1, Cas13d knock-down",
            url=f"{_REACH}/0ef85938c6a700bf5b456f44cc6e6b3372e091bf/carpool_substrate.npz",
            filename="carpool_thp1_pseudobulk.npz",
            sha256="cba1178198b2350dbe0289e863cd334cb10307509168e1bcdefbb1a8e0df7025",
            bytes=3_661_191,
            licence="MIT (data: GEO GSE213957)",
            citation="Wessels et al., Nature Methods 2023 (GSE213957)",
            conditions=187,
            singles=28,
            doubles=158,
            genes=2000,
            provenance=(
                "Control mean, effects, and means of two halves of the cells of each double (unequal in size): a real "
                "technical duplicate. 7 of its 28 targets are among its genes."
            ),
            lacks="No numbers of cells; no halves for the singles.",
        ),
        Dataset(
            id="ahlmann-eltze-2025",
            title="Nature Methods 2025: all genes, all systems, five splits (Norman)",
            url=f"{_PAPER_RDS}/double_perturbation_results_predictions.RDS",
            published=tuple(
                f"{_PAPER_RDS}/double_perturbation_results_{part}.RDS" for part in ("predictions", "parameters")
            ),
            filename="ahlmann_eltze_2025_double.h5ad",
            bytes=1_600_000_000,
            licence="see the Zenodo record",
            citation=_PAPER,
            singles=100,
            doubles=124,
            provenance="The paper's own predictions of doubles, gene by gene, with its truth and its five splits: "
            "downloaded (1.6 GB) and converted once. Zenodo's checksum is not known here: the length of the file "
            "and gzip's own check are verified, and the SHA-256 of what came is noted in the data set.",
            lacks="No numbers of cells, so no standard errors, and no replicates: no technical duplicates and no DE "
            "scores. No change and the linear model are not among its runs: they are computed here.",
        ),
        Dataset(
            id="ahlmann-eltze-2025-source",
            title="Nature Methods 2025, Fig. 1b: CEBPE+CEBPB, nine systems",
            url=f"{_RAW}/const-ae/linear_perturbation_prediction-Paper/c5865d6ffbfb7224c37e5104ef6a1706b103f097/"
            "source_data/perturbation_prediction.xlsx",
            filename="ahlmann_eltze_2025_double_perturbations.xlsx",
            sha256="e097df99adf72d983c63c4e9293c1abf8d10bff2a06c752a1a20644e95b9d591",
            bytes=1_659_843,
            licence="MIT",
            citation=_PAPER,
            conditions=2,
            doubles=1,
            genes=1000,
            provenance="Panel B of the source data: truth, control and real predictions of nine systems.",
            lacks="One perturbation only: enough to look at profiles, too little to rank by. No training data.",
        ),
        Dataset(
            id="ahlmann-eltze-2025-scores",
            title="Nature Methods 2025, Fig. 1a: scores of nine systems",
            url=f"{_RAW}/const-ae/linear_perturbation_prediction-Paper/c5865d6ffbfb7224c37e5104ef6a1706b103f097/"
            "source_data/perturbation_prediction.xlsx",
            filename="ahlmann_eltze_2025_double_perturbations.xlsx",
            sha256="e097df99adf72d983c63c4e9293c1abf8d10bff2a06c752a1a20644e95b9d591",
            bytes=1_659_843,
            licence="MIT",
            citation=_PAPER,
            conditions=122,
            doubles=122,
            genes=1000,
            kind="scores",
            provenance="Panel A of the source data: nine methods x 62 held-out doubles x 5 overlapping splits (122 "
            "distinct "
            'doubles). Its column "r2" is the Pearson correlation, "r2_delta" the Pearson delta against control.',
            lacks="Scores only: no profiles, no other metrics or genes.",
        ),
        Dataset(
            id="scperturbench",
            title="scPerturBench: combination screens, 15 methods, scores",
            url=f"{_RAW}/bm2-lab/scPerturBench/6e24e7a9827e55d4567d2139427be9af0d1e7a6c/Results/Genetic_perturbation/"
            "genetic_combo_performance_top100.csv",
            filename="scperturbench_combo_top100.csv",
            sha256="36db8b048e3a2811968cae4e8175c2e1a768225bb6767e0a1d1f543e21210e57",
            bytes=1_600_456,
            licence="GPL-3.0 repository",
            citation="scPerturBench (bm2-lab)",
            kind="scores",
            provenance='Four combination screens, per perturbation and split. "cor" is the raw Pearson delta; the '
            "other "
            "*_score columns are min-max scaled within each perturbation and split (1 = best).",
            lacks="Scores only; absolute errors cannot be recovered from scaled columns.",
        ),
        Dataset(
            id="ahlmann-eltze-2025-single-scores",
            title="Nature Methods 2025, Fig. 2: scores of 16 systems on three screens of singles",
            url=f"{_SOURCE}/single_perturbation_prediction.xlsx",
            filename="ahlmann_eltze_2025_single_perturbations.xlsx",
            sha256="09c6c198aff4e8a827064183f9cff13eb6f33e56f1689940527304bf78957efe",
            bytes=1_837_062,
            licence="MIT",
            citation=_PAPER,
            genes=1000,
            kind="scores",
            provenance="Panels A (7 methods) and C (16): Adamson, Replogle K562 and RPE1, two splits, held-out "
            "perturbations only. Linear models whose embedding comes from the screen itself are left out there.",
            lacks="Scores only: no profiles, no other metrics or genes.",
        ),
        Dataset(
            id="ahlmann-eltze-2025-genes",
            title="Nature Methods 2025, supplement: two genes, eight systems (Norman)",
            url=f"{_SOURCE}/suppl-top_gene_plots.xlsx",
            filename="ahlmann_eltze_2025_top_gene_plots.xlsx",
            sha256="a052f5273676b347d640667e5a2d2ca36a7b3f19ede68bacbf1e191a30bcf2fc",
            bytes=51_085,
            licence="MIT",
            citation=_PAPER,
            conditions=35,
            doubles=34,
            genes=2,
            provenance="Observed, predicted and additive values of HBG2 and HBZ in doubles of split 1.",
            lacks="Two genes, of doubles chosen because both singles move the gene the same way: no fair sample. No "
            "training data.",
        ),
        Dataset(
            id="scperturbench-contexts",
            title="scPerturBench: unseen contexts, 14 methods, 12 data sets, five distances",
            url=f"{_RAW}/bm2-lab/scPerturBench/6e24e7a9827e55d4567d2139427be9af0d1e7a6c/Results/Cellular_context_ood/"
            "cellular_ood_distance0.csv",
            filename="scperturbench_cellular_ood_distance0.csv",
            sha256="12efcd56ee0ec43cd2316048a1721ce501b8e6669213c7134572565b960be3e7",
            bytes=3_807_718,
            licence="GPL-3.0 repository",
            citation="scPerturBench (bm2-lab)",
            kind="scores",
            provenance='217 tasks at 20, 50 and 100 genes. "pearson_distance" is the Pearson delta, higher is better, '
            "cut off at 0. Ranks within each task are computed here.",
            lacks="Scores only. Data sets are contexts, held-out contexts are splits.",
        ),
        Dataset(
            id="scouter-norman",
            title="Scouter: scores of Scouter, GEARS and biolord (Norman)",
            url=f"{_SCOUTER}/results/norman.csv",
            filename="scouter_norman.csv",
            sha256="38aeef0f939d6ae4c843b132a0d30b7ff51899ae099c5c6f72d052585a7e87ec",
            bytes=93_130,
            licence="MIT repository",
            citation="Scouter",
            kind="scores",
            provenance="Normalised MSE and 1 − Pearson delta in five splits, by how many targets were seen. "
            "Labels of three kinds are read as one.",
            lacks="Scores only. The systems predict different perturbations.",
        ),
        Dataset(
            id="scouter-gi",
            title="Scouter: scores of genetic interactions (Norman)",
            url=f"{_SCOUTER}/code/extra/GI/GI_scores_scouter_trueab.csv",
            kind="manual",
            licence="MIT repository",
            citation="Scouter",
            provenance="Ten interaction scores of 72 doubles: observed, by Scouter and by GEARS.",
            todo="Download GI_scores_truth.csv, GI_scores_scouter_trueab.csv and GI_scores_gears_trueab.csv from that "
            "folder into one zip and open it on the Data page.",
        ),
        Dataset(
            id="perturbench-cells",
            title="PerturBench development cells: Norman and McFaline excerpts",
            url=f"{_RAW}/altoslabs/perturbench/d357dfae3b50968e800e9f5f273ff145080ae67c/src/perturbench/data/resources/devel.h5ad",
            filename="perturbench_devel_cells.h5ad",
            sha256="220998f5630c813228c8661c86dd52244b9ac87127511289af90e0d900d8429b",
            bytes=1_142_678,
            licence="BSD-3-Clause",
            citation="PerturBench (Altos Labs)",
            genes=500,
            kind="cells",
            provenance=(
                "3,375 Norman cells (control, 18 singles, 15 doubles) and 2,586 McFaline cells, log1p, 500 genes."
            ),
            lacks="About 100 cells a condition: too small for claims about accuracy.",
            todo="Cells: turn them into means with `python -m perturbviz aggregate`.",
        ),
        Dataset(
            id="gene-summaries",
            title="Descriptions of 1,915 genes",
            url=f"{_RAW}/PancakeZoy/scouter_misc/6f2c83e5a32505038060155ca8257fa094732e35/code/extra/ablation_randomwords/"
            "embd_curation/GeneSummary.json",
            filename="gene_summaries.json",
            sha256="77997adf5d96d695758feb17f4399ebb31a41a5040f30e24879e424a4433e68c",
            bytes=2_071_247,
            licence="MIT repository (texts: NCBI, UniProt)",
            citation="Scouter; NCBI Gene; UniProt",
            kind="texts",
            provenance="One text per human gene from NCBI and UniProt, among them 103 of Norman's 104 targets.",
            todo="An embedding for the Linear model page: get it there under “Embedding from a file”.",
        ),
        _gears("norman", 6154020, "Norman 2019"),
        _gears("adamson", 6154417, "Adamson 2016"),
        _gears("dixit", 6154416, "Dixit 2016"),
        _gears("replogle-k562-essential", 7458695, "Replogle 2022 K562 essential"),
        _gears("replogle-rpe1-essential", 7458694, "Replogle 2022 RPE1 essential"),
        _scperturb("NormanWeissman2019_filtered.h5ad", "Norman 2019"),
        _scperturb("AdamsonWeissman2016_GSM2406681_10X010.h5ad", "Adamson 2016"),
        _scperturb("ReplogleWeissman2022_K562_essential.h5ad", "Replogle 2022 K562 essential"),
        _scperturb("ReplogleWeissman2022_rpe1.h5ad", "Replogle 2022 RPE1"),
        _scperturb("WesselsSatija2023.h5ad", "CaRPool-seq 2023"),
        Dataset(
            id="norman-scfoundation",
            title="Norman 2019, scFoundation version (19,264 genes)",
            url="https://figshare.com/ndownloader/files/44477939",
            kind="manual",
            licence="see figshare",
            citation="Hao et al., Nature Methods 2024",
            provenance="The cells on which the Nature Methods 2025 paper trained and tested.",
            todo=_AGGREGATE,
        ),
        Dataset(
            id="ahlmann-eltze-2025-single",
            title="Nature Methods 2025: gene-level predictions of singles",
            url=f"{_PAPER_RDS}/single_perturbation_results_predictions.RDS",
            bytes=5_900_000_000,
            kind="manual",
            licence="see the Zenodo record",
            citation=_PAPER,
            provenance="Adamson and both Replogle essential screens, two splits each.",
            todo="Download it with its *_parameters.RDS into one folder. It holds three data sets: convert one of "
            "them with `python -m perturbviz convert --context adamson --truth FOLDER -o BENCH.h5ad`, the others "
            "by replogle_k562_essential and replogle_rpe1_essential.",
        ),
    )
}


def dataset(name: str) -> Dataset:
    """Entry of an id; :class:`UserError` listing what exists."""
    if name not in CATALOGUE:
        raise UserError(f"There is no data set {name!r} in the catalogue; there are: demo, {', '.join(CATALOGUE)}.")
    return CATALOGUE[name]
