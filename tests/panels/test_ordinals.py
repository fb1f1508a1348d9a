"""Places in words: one function says them everywhere."""

import numpy as np
import pytest

from perturbviz.panels.captions import ordinal


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (31, "31st"),
        (40, "40th"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (113, "113th"),
        (122, "122nd"),
        (1001, "1001st"),
        (30.5, "30th–31st"),
        (np.nan, "undefined"),
    ],
)
def test_a_place_in_words(rank, words):
    assert ordinal(rank) == words
