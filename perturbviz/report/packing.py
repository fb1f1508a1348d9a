"""Numbers as few bytes: decimals of four significant digits, which are the digits a page shows.

Rounded once, from the number itself, and to what is shown: a number rounded twice, or kept in binary at less than full
precision, can show another last digit.
"""

from __future__ import annotations

import numpy as np

DIGITS = 4
#: Mantissas of what is no number; all others lie within ±9999.
NOT_A_NUMBER, INFINITE = -32768, 32767
#: Powers of ten up to this one are exact, so that one multiplication or division gives the nearest number.
EXACT = 22
#: Beyond these exponents of the last digit a number is 0 or infinite.
SMALLEST, LARGEST = -127, 127


def decimals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mantissas (int16) and exponents (int8) of numbers rounded to four significant digits: value = m * 10**e."""
    v = np.asarray(values, float).ravel()
    mantissa, exponent = np.zeros(len(v), np.int64), np.zeros(len(v), np.int64)
    finite = np.isfinite(v) & (v != 0)
    size = np.abs(v[finite])
    e = np.floor(np.log10(size)).astype(np.int64) - (DIGITS - 1)
    with np.errstate(over="ignore", under="ignore"):
        moved = np.where(e < 0, size * 10.0 ** np.minimum(-e, 300), size / 10.0 ** np.maximum(e, 0))
    whole = np.rint(moved)
    # near a half, and where the logarithm was rounded across a power of ten, the text of the number decides
    doubtful = (np.abs(moved - np.floor(moved) - 0.5) < 1e-6) | (whole < 10 ** (DIGITS - 1)) | (whole >= 10**DIGITS)
    for i in np.flatnonzero(doubtful):
        digits, _, power = f"{size[i]:.{DIGITS - 1}e}".partition("e")
        whole[i], e[i] = int(digits.replace(".", "")), int(power) - (DIGITS - 1)
    mantissa[finite], exponent[finite] = np.where(v[finite] < 0, -whole, whole), e
    mantissa[exponent < SMALLEST] = 0
    mantissa[np.isposinf(v) | ((exponent > LARGEST) & (v > 0))] = INFINITE
    mantissa[np.isneginf(v) | ((exponent > LARGEST) & (v < 0))] = -INFINITE
    mantissa[np.isnan(v)] = NOT_A_NUMBER
    exponent[(mantissa == 0) | (np.abs(mantissa) >= INFINITE)] = 0
    return mantissa.astype(np.int16), exponent.astype(np.int8)


def in_planes(values: np.ndarray) -> bytes:
    """High bytes of all mantissas, then low bytes, then exponents: like stands beside like and compresses well."""
    mantissa, exponent = decimals(values)
    both = mantissa.astype("<i2").view(np.uint8).reshape(-1, 2)
    return both[:, 1].tobytes() + both[:, 0].tobytes() + exponent.tobytes()


def from_planes(packed: bytes) -> np.ndarray:
    """The rounded numbers again; what the page's script does with the same bytes."""
    n = len(packed) // 3
    high, low, exponent = (np.frombuffer(packed[k * n : (k + 1) * n], np.uint8) for k in range(3))
    mantissa = (high.astype(np.uint16) * 256 + low).astype(np.uint16).view(np.int16).astype(float)
    e = exponent.view(np.int8).astype(int)
    out = np.where(e < 0, mantissa / 10.0 ** np.maximum(-e, 0), mantissa * 10.0 ** np.maximum(e, 0))
    for i in np.flatnonzero(np.abs(e) > EXACT):
        out[i] = float(f"{mantissa[i]:.0f}e{e[i]}")
    out[mantissa == NOT_A_NUMBER] = np.nan
    out[np.abs(mantissa) == INFINITE] = np.sign(mantissa[np.abs(mantissa) == INFINITE]) * np.inf
    return out
