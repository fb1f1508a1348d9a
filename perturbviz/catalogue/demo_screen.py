"""A simulated activation screen: expected expression per condition, then cells, then their summaries.

Everything here is invented. Effects are defined on the scale on which the field measures additivity, the mean over
cells of log1p-normalised expression, so that the planted deviations from additivity are exact expectations; the rate
of each gene that gives this mean is found by inverting the expectation of the count model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from perturbviz.benchmark.perturbations import CONTROL, targets

N_GENES = 2000
N_PROGRAMMES = 10
TARGETS_PER_PROGRAMME = 6
N_DOUBLES = 76
#: Genes of similar expression that lie side by side; also the width of a compressed block of the file.
BLOCK = 100
TARGET_SUM = 1e4
#: Median and log-sd of the molecules counted per cell, over all genes of the cell (the screen keeps 2,000 of them).
DEPTH, DEPTH_SD = 5_000.0, 0.3
#: Squared coefficient of variation of a gene's rate between cells of one condition (Poisson-gamma counts).
DISPERSION = 0.12


@dataclass(frozen=True)
class Screen:
    """What is true in one context, before any cell is drawn.

    Attributes
    ----------
    genes, programme
        Name of each gene and the programme it mostly belongs to ("" for none).
    conditions
        Canonical names: control, singles, doubles.
    expected
        Conditions × genes: expected mean log1p-normalised expression.
    """

    genes: np.ndarray
    programme: np.ndarray
    conditions: list[str]
    expected: np.ndarray

    def rows(self, n_targets: int) -> list[int]:
        """Row numbers of the conditions with this many perturbed genes."""
        return [i for i, name in enumerate(self.conditions) if len(targets(name)) == n_targets]

    def most_expressed(self, n: int) -> Screen:
        """The same screen with only the ``n`` genes that control expresses most, in their order."""
        keep = np.sort(np.argsort(-self.expected[self.conditions.index(CONTROL)], kind="stable")[:n])
        return Screen(self.genes[keep], self.programme[keep], self.conditions, self.expected[:, keep])

    def deviation(self) -> np.ndarray:
        """Conditions × genes: expected change of a double minus the sum of its singles' changes; 0 in other rows."""
        out = np.zeros_like(self.expected)
        row = {name: i for i, name in enumerate(self.conditions)}
        control = self.expected[row[CONTROL]]
        for i in self.rows(2):
            a, b = targets(self.conditions[i])
            out[i] = self.expected[i] - (self.expected[row[a]] + self.expected[row[b]] - control)
        return out


@dataclass(frozen=True)
class Biology:
    """The part of the simulation that two contexts share: genes, programmes, regulators.

    ``loading`` is programmes × genes, ``use`` is regulators × programmes, ``shift`` is what every perturbed cell
    shares, ``activation`` is how far a regulator's own gene is raised when it is the target.
    """

    genes: np.ndarray
    programme: np.ndarray
    regulators: list[str]
    control: np.ndarray
    loading: np.ndarray
    use: np.ndarray
    shift: np.ndarray
    activation: np.ndarray


def draw_biology(rng: np.random.Generator) -> Biology:
    """Genes with a lognormal expression distribution, sparse programmes, six regulators a programme."""
    letters = "ABCDEFGHIJ"[:N_PROGRAMMES]
    regulators = [f"TF{p}{i + 1}" for p in letters for i in range(TARGETS_PER_PROGRAMME)]
    n_reg = len(regulators)
    # Genes of similar expression lie together, in blocks of random order: the file compresses better, and yet position
    # says nothing about rank.
    blocks = np.sort(np.minimum(np.exp(rng.normal(-0.2, 1.7, N_GENES)), 250.0)).reshape(-1, BLOCK)
    rate = rng.permuted(rng.permutation(blocks, axis=0), axis=1).ravel()
    control = mean_of_rate(rate)
    # Regulators are neither silent nor among the most abundant genes.
    by_rate = np.argsort(-rate)
    place = rng.choice(by_rate[150:1300], n_reg, replace=False)
    genes = np.empty(N_GENES, dtype=object)
    genes[place] = regulators
    rest = np.flatnonzero(genes == None)  # noqa: E711  (element-wise comparison)
    genes[rest] = [f"G{i + 1:04d}" for i in range(rest.size)]

    member = rng.random((N_PROGRAMMES, N_GENES)) < 0.03
    for j, g in enumerate(place):  # regulators of one programme raise one another a little
        member[j // TARGETS_PER_PROGRAMME, g] = True
    sign = np.where(rng.random(member.shape) < 0.65, 1.0, -1.0)
    size = rng.gamma(2.5, 0.16, member.shape)
    loading = member * sign * size
    use = rng.normal(0.0, 0.12, (n_reg, N_PROGRAMMES))
    for j in range(n_reg):
        use[j, j // TARGETS_PER_PROGRAMME] += rng.uniform(0.5, 1.3)
    shift = 0.085 * rng.standard_t(4, N_GENES)
    activation = np.zeros((n_reg, N_GENES))
    activation[np.arange(n_reg), place] = np.where(rng.random(n_reg) < 0.85, rng.uniform(0.6, 1.8, n_reg), 0.05)
    strongest = np.abs(loading).argmax(axis=0)
    programme = np.where(member.any(axis=0), np.array(list(letters))[strongest], "")
    return Biology(genes.astype(str), programme, regulators, control, loading, use, shift, activation)


def other_context(biology: Biology, rng: np.random.Generator) -> Biology:
    """The same regulators in another cell line: expression, programmes and shift are related, not equal."""
    control = np.maximum(biology.control * np.exp(rng.normal(0.0, 0.35, N_GENES)), 0.003)
    kept = rng.random(biology.loading.shape) < 0.75
    loading = biology.loading * kept * rng.lognormal(0.0, 0.3, biology.loading.shape)
    use = 0.85 * biology.use + rng.normal(0.0, 0.15, biology.use.shape)
    shift = 0.5 * biology.shift + 0.05 * rng.standard_t(4, N_GENES)
    return Biology(
        biology.genes, biology.programme, biology.regulators, control, loading, use, shift, biology.activation
    )


def single_changes(biology: Biology, rng: np.random.Generator) -> np.ndarray:
    """Regulators × genes: expected change of each single perturbation against control."""
    n_reg = len(biology.regulators)
    own = rng.normal(0.0, 0.35, (n_reg, N_GENES)) * (rng.random((n_reg, N_GENES)) < 0.01)
    amount = rng.uniform(0.8, 1.2, (n_reg, 1))
    change = biology.use @ biology.loading + own + amount * biology.shift
    # A change scales with expression where there is little of it, and never takes away more than is there.
    change *= biology.control / (biology.control + 0.3)
    change += biology.activation
    return np.maximum(change, -0.45 * biology.control)


def draw_pairs(biology: Biology, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Which regulators are perturbed together: all pairs are equally likely, within a programme thrice as much."""
    n_reg = len(biology.regulators)
    pairs = [(i, j) for i in range(n_reg) for j in range(i + 1, n_reg)]
    same = np.array([i // TARGETS_PER_PROGRAMME == j // TARGETS_PER_PROGRAMME for i, j in pairs])
    weight = np.where(same, 3.0, 1.0)
    chosen = rng.choice(len(pairs), N_DOUBLES, replace=False, p=weight / weight.sum())
    return [pairs[k] for k in sorted(chosen)]


def plant_deviation(a: np.ndarray, b: np.ndarray, control: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deviation from additivity of one double: none for most genes; mostly buffering, few synergistic or mixed.

    Parameters
    ----------
    a, b, control
        Expected changes of the two singles and expected control expression, one value per gene.
    """
    total = a + b
    same_sign = np.sign(a) == np.sign(b)
    visible = control > 0.3
    out = np.zeros_like(total)
    n = int(min(rng.gamma(1.3, 20.0) + 4, 110))

    def pick(weight: np.ndarray, k: int) -> np.ndarray:
        weight = np.where(visible & (out == 0), weight, 0.0)
        k = min(k, int(np.count_nonzero(weight)))
        return rng.choice(weight.size, k, replace=False, p=weight / weight.sum())

    buffered = pick(np.where(same_sign & (np.abs(total) > 0.25), total**2, 0.0), round(0.76 * n))
    out[buffered] = -rng.uniform(0.5, 1.0, buffered.size) * total[buffered]
    synergistic = pick(np.where(same_sign & (np.abs(total) > 0.1), np.abs(total), 0.0), round(0.14 * n))
    out[synergistic] = np.sign(total[synergistic]) * rng.uniform(0.3, 0.8, synergistic.size)
    mixed = pick(np.where(~same_sign, np.minimum(np.abs(a), np.abs(b)), 0.0), n - round(0.76 * n) - round(0.14 * n))
    out[mixed] = rng.choice([-1.0, 1.0], mixed.size) * rng.uniform(0.3, 0.6, mixed.size)
    return out


def draw_screen(biology: Biology, rng: np.random.Generator, doubles: bool = True) -> Screen:
    """Expected expression of control, every single and, on request, the doubles with their planted deviations."""
    singles = single_changes(biology, rng)
    rows = {CONTROL: biology.control}
    rows |= {name: biology.control + singles[j] for j, name in enumerate(biology.regulators)}
    for i, j in draw_pairs(biology, rng) if doubles else []:
        a, b = singles[i], singles[j]
        mean = biology.control + a + b + plant_deviation(a, b, biology.control, rng)
        rows["+".join(sorted((biology.regulators[i], biology.regulators[j])))] = np.maximum(mean, 0.1 * biology.control)
    names = sorted(rows, key=lambda name: (len(targets(name)), name))
    return Screen(biology.genes, biology.programme, names, np.stack([rows[name] for name in names]))


# ---- cells ----------------------------------------------------------------------------------------------------------


@cache
def _mean_curve() -> tuple[np.ndarray, np.ndarray]:
    """Log rate per 10,000 and the mean log1p-normalised expression it gives, as a table to interpolate."""
    log_rate = np.linspace(np.log(1e-3), np.log(400.0), 90)
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    depth = DEPTH * np.exp(DEPTH_SD * nodes)
    k = np.arange(0, 4000)
    mean = np.zeros_like(log_rate)
    for d, w in zip(depth, weights / weights.sum(), strict=True):
        mu = np.exp(log_rate) * d / TARGET_SUM
        shape = 1 / DISPERSION
        pmf = stats.nbinom.pmf(k[None, :], shape, (shape / (shape + mu))[:, None])
        mean += w * (pmf @ np.log1p(k * TARGET_SUM / d))
    return log_rate, mean


def mean_of_rate(rate: np.ndarray) -> np.ndarray:
    """Expected mean log1p-normalised expression of genes with these rates (molecules per 10,000)."""
    log_rate, mean = _mean_curve()
    return np.interp(np.log(rate), log_rate, mean)


def rate_of_mean(value: np.ndarray) -> np.ndarray:
    """Rates (molecules per 10,000) whose expected mean log1p-normalised expression is ``value``."""
    log_rate, mean = _mean_curve()
    return np.exp(np.interp(value, mean, log_rate))


@dataclass(frozen=True)
class Moments:
    """Cells summarised: number, mean and variance (ddof 1) per condition × gene, of all cells or of one half."""

    n: np.ndarray
    mean: np.ndarray
    var: np.ndarray

    @property
    def se(self) -> np.ndarray:
        """Standard error of the mean."""
        return np.sqrt(self.var / self.n[:, None])


def sequence_cells(
    screen: Screen, n_cells: np.ndarray, seed: np.random.SeedSequence
) -> tuple[Moments, Moments, Moments]:
    """Draw every condition's cells and summarise all of them, their first half and their second half.

    Counts are Poisson-gamma, divided by the cell's depth, times 10,000, log1p. Each condition has its own random
    stream, so that no condition depends on the number of cells of another.
    """
    n_cells = np.asarray(n_cells)
    parts: tuple[list, list, list] = ([], [], [])
    for row, n, child in zip(screen.expected, n_cells, seed.spawn(len(n_cells)), strict=True):
        rng = np.random.Generator(np.random.PCG64(child))
        depth = DEPTH * np.exp(DEPTH_SD * rng.standard_normal((n, 1)))
        gamma = rng.standard_gamma(1 / DISPERSION, (n, row.size), dtype=np.float32) * DISPERSION
        counts = rng.poisson(gamma * (rate_of_mean(row) * depth / TARGET_SUM))
        value = np.log1p(counts * (TARGET_SUM / depth))
        for part, cells in zip(parts, (value, value[: n // 2], value[n // 2 :]), strict=True):
            part.append((len(cells), cells.mean(axis=0), cells.var(axis=0, ddof=1)))
    whole, half_a, half_b = (Moments(*(np.array(x) for x in zip(*part, strict=True))) for part in parts)
    return whole, half_a, half_b


def welch_against_rest(cells: Moments, is_control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Welch t of each condition against all other perturbed cells, with the rest counted as as many cells.

    This is scanpy's "t-test_overestim_var": the variance of the rest is divided by the number of cells of the group.
    Control cells are never part of the rest.

    Returns
    -------
    t scores and Benjamini-Hochberg adjusted p values per condition × gene; genes without variance get 0 and 1.
    """
    n, mean = cells.n[:, None].astype(float), cells.mean
    use = np.where(is_control[:, None], 0.0, n)
    own1, own2 = use * mean, use / n * ((n - 1) * cells.var + n * mean**2)
    total, s1, s2 = use.sum(axis=0), own1.sum(axis=0), own2.sum(axis=0)
    n_rest = total - use
    rest_mean = (s1 - own1) / n_rest
    rest_var = np.maximum(s2 - own2 - n_rest * rest_mean**2, 0.0) / (n_rest - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = stats.ttest_ind_from_stats(
            mean, np.sqrt(cells.var), n, rest_mean, np.sqrt(rest_var), n, equal_var=False
        )
    score = np.nan_to_num(result.statistic, nan=0.0)
    padj = stats.false_discovery_control(np.nan_to_num(result.pvalue, nan=1.0), axis=1, method="bh")
    return score, padj
