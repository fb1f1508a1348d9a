"""The exact sign test."""

from __future__ import annotations

from scipy.special import bdtrc


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of ``wins`` against ``losses``, ties left out; 1 where there are neither.

    p = 2 P(Binomial(wins + losses, 1/2) >= max(wins, losses)), at most 1 (Dixon & Mood 1946, J. Am. Stat. Assoc. 41,
    557).
    """
    n = wins + losses
    return min(1.0, 2 * float(bdtrc(max(wins, losses) - 1, n, 0.5))) if n else 1.0
