"""What is kept beside a frozen value: computed once, by its arguments, and gone with the value."""

from dataclasses import dataclass
from functools import cached_property

from perturbviz.benchmark.memo import Memo, kept

made = []


@dataclass(frozen=True)
class Number:
    value: int

    @cached_property
    def memo(self) -> Memo:
        return Memo()

    @kept
    def times(self, factor: int = 1) -> int:
        made.append((self.value, factor))
        return self.value * factor


@kept
def plus(number: Number, more: int) -> int:
    made.append((number.value, more))
    return number.value + more


def test_each_result_of_a_value_is_computed_once():
    made.clear()
    two, other = Number(2), Number(2)
    assert [two.times(3), two.times(3), two.times(factor=4), plus(two, 3), plus(two, 3)] == [6, 6, 8, 5, 5]
    assert made == [(2, 3), (2, 4), (2, 3)]
    assert other.times(3) == 6 and made == [(2, 3), (2, 4), (2, 3), (2, 3)]
