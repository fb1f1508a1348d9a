"""The knobs that move a prediction without telling it anything new about a perturbation, and their form in a link."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from perturbviz.errors import UserError
from perturbviz.scoring.baselines import BASELINES

Uses = Literal["prediction", "control", "training", "other"]
USES: dict[Uses, str] = {
    "prediction": "the prediction itself",
    "control": "the control mean",
    "training": "the observed profiles of training perturbations (training truth)",
    "other": "the predictions of another method",
}


@dataclass(frozen=True)
class KnobCard:
    """What is known about one knob: label, range on screen, what it looks at, what it does.

    Attributes
    ----------
    name, code
        Field of :class:`Knobs` and its letter in a link.
    low, high, step
        Range offered; a switch has 0, 1, 1.
    uses
        What it looks at besides the prediction; never the truth of a perturbation that is scored.
    short
        How a setting is written in a sentence, with the value as ``{}``.
    """

    name: str
    code: str
    label: str
    low: float
    high: float
    step: float
    uses: Uses
    meaning: str
    short: str

    @property
    def switch(self) -> bool:
        """Whether the knob is on or off."""
        return isinstance(getattr(Knobs, self.name), bool)


@dataclass(frozen=True)
class Knobs:
    """A setting of all knobs, applied in the order of the fields; the defaults change nothing.

    Attributes
    ----------
    shuffle
        Exchange the predictions of the perturbations among one another.
    copy
        Replace a prediction by the training profile nearest to it.
    blend_to, blend
        Weight 0-1 of "control", "mean" or the slug of a method whose prediction is mixed in.
    top
        Keep the so many largest predicted changes of each perturbation; 0 keeps all.
    small
        Set changes to zero that are smaller than so many times the perturbation's root mean square change.
    clip
        Bound changes at plus and minus so many times that root mean square change; 0 bounds none.
    amplify
        Factor of the predicted change from control; below 1 it shrinks.
    shift
        Add so many times the systematic shift: mean of the training perturbations minus control.
    noise
        Add normal noise with a standard deviation of so many times the typical training change.
    positive
        Set negative changes to zero.
    seed
        Of noise and shuffling.
    """

    shuffle: bool = False
    copy: bool = False
    blend_to: str = "mean"
    blend: float = 0.0
    top: int = 0
    small: float = 0.0
    clip: float = 0.0
    amplify: float = 1.0
    shift: float = 0.0
    noise: float = 0.0
    positive: bool = False
    seed: int = 0

    def with_(self, **changes: Any) -> Knobs:
        """A copy with some knobs changed."""
        return replace(self, **changes)

    @property
    def turned(self) -> tuple[str, ...]:
        """Names of the knobs that do something."""
        return tuple(c.name for c in CARDS if getattr(self, c.name) != getattr(DEFAULT, c.name))

    @property
    def effective(self) -> Knobs:
        """The same setting with what has no effect at its default, so that equal transformations are equal."""
        out = self if self.blend else replace(self, blend_to=DEFAULT.blend_to)
        return out if out.noise or out.shuffle else replace(out, seed=DEFAULT.seed)

    # -- what it looks at --------------------------------------------------------------------------------------------
    def uses(self) -> tuple[Uses, ...]:
        """What the setting looks at, in the order of ``USES``."""
        found: set[Uses] = {"prediction"}
        for name in self.turned:
            found.add(_blend_uses(self.blend_to) if name == "blend" else CARD[name].uses)
        return tuple(u for u in USES if u in found)

    @property
    def informed(self) -> bool:
        """Whether something about single perturbations comes in from outside: another method or a training profile."""
        other = self.blend > 0 and self.blend_to not in ("control", "mean", "no_change")
        return other or self.copy

    # -- links and words ---------------------------------------------------------------------------------------------
    @property
    def link(self) -> str:
        """Short form for a link: ``a1.5_b0.3~mean``; "" where nothing is turned."""
        parts = []
        known = self.effective
        for card in CARDS:
            value = getattr(known, card.name)
            if value != getattr(DEFAULT, card.name):
                parts.append(card.code + ("" if card.switch else f"{value:.6g}"))
            if card.name == "blend" and known.blend:
                parts[-1] += f"~{known.blend_to.replace('_', '~')}"  # "_" separates knobs
        return "_".join(parts + ([f"r{known.seed}"] if known.seed else []))

    @classmethod
    def from_link(cls, text: str) -> Knobs:
        """Setting of a link; raises :class:`UserError` where it is not one. Numbers are kept within their range."""
        values: dict[str, Any] = {}
        for part in filter(None, text.split("_")):
            found = _PART.fullmatch(part)
            name = _CODES.get(found[1]) if found else None
            if found is None or name is None:
                raise UserError(f"{text[:80]!r} is no setting of knobs: {part[:20]!r} names none.")
            if name == "seed":
                values["seed"] = min(int(float(found[2] or 0)), 999)
                continue
            card = CARD[name]
            if card.switch:
                values[name] = True
                continue
            number = float(found[2] or "nan")
            if not math.isfinite(number):
                raise UserError(f"{text[:80]!r} is no setting of knobs: {part[:20]!r} lacks its number.")
            number = min(max(number, card.low), card.high)
            values[name] = int(number) if name == "top" else number
            if name == "blend" and found[3]:
                values["blend_to"] = found[3].replace("~", "_")
        return cls(**values).effective

    def words(self, name=lambda m: m) -> str:
        """The setting as a phrase; ``name`` gives a method's display name."""
        said = []
        for field in self.turned:
            value = getattr(self, field)
            text = CARD[field].short.format(f"{value:,}" if field == "top" else f"{value:.3g}")
            said.append(text + (f" towards {blend_name(self.blend_to, name)}" if field == "blend" else ""))
        return ", ".join(said) or "nothing turned"


def blend_name(target: str, name=lambda m: m) -> str:
    """What is blended in, in words."""
    return {"control": "the control mean", "mean": "the training mean"}.get(target) or name(target)


def _blend_uses(target: str) -> Uses:
    if target in ("control", "no_change"):
        return "control"
    return "training" if target == "mean" or target in BASELINES else "other"


#: Settings are applied in this order.
CARDS = (
    KnobCard(
        "shuffle",
        "x",
        "Shuffle the labels",
        0,
        1,
        1,
        "prediction",
        "Exchange the predictions among the perturbations: whatever is still scored well was not about them.",
        "labels shuffled",
    ),
    KnobCard(
        "copy",
        "c",
        "Copy the nearest profile",
        0,
        1,
        1,
        "training",
        "Replace each prediction by the observed profile of the training perturbation nearest to it (Euclidean).",
        "nearest training profile copied",
    ),
    KnobCard(
        "blend",
        "b",
        "Blend",
        0,
        1,
        0.05,
        "training",
        "Mix the prediction with something else; at 1 nothing of it is left.",
        "blended {}",
    ),
    KnobCard(
        "top",
        "k",
        "Keep only the largest changes",
        0,
        20_000,
        1,
        "control",
        "Number of largest predicted changes from control kept per perturbation, the others become zero; 0 keeps all.",
        "largest {} changes kept",
    ),
    KnobCard(
        "small",
        "z",
        "Zero small changes below",
        0,
        3,
        0.1,
        "control",
        "In units of the perturbation's own root mean square predicted change.",
        "changes below {} × RMS zeroed",
    ),
    KnobCard(
        "clip",
        "l",
        "Clip large changes at",
        0,
        5,
        0.1,
        "control",
        "Bound every change at plus and minus so many times the perturbation's own root mean square predicted change; "
        "0 bounds none.",
        "changes clipped at {} × RMS",
    ),
    KnobCard(
        "amplify",
        "a",
        "Shrink or amplify the change",
        0,
        5,
        0.05,
        "control",
        "Factor of the predicted change from control: 1 leaves it, below 1 shrinks, above 1 amplifies.",
        "change × {}",
    ),
    KnobCard(
        "shift",
        "s",
        "Add the systematic shift",
        -2,
        3,
        0.05,
        "training",
        "So many times (mean of the training perturbations − control mean): what all perturbations share.",
        "systematic shift × {}",
    ),
    KnobCard(
        "noise",
        "n",
        "Add noise",
        0,
        3,
        0.05,
        "training",
        "Standard deviation in units of the root mean square change of the training perturbations.",
        "noise × {}",
    ),
    KnobCard(
        "positive",
        "p",
        "No negative changes",
        0,
        1,
        1,
        "control",
        "Set every predicted decrease to zero.",
        "negative changes set to zero",
    ),
)
CARD = {c.name: c for c in CARDS}
#: A knob in one or two words.
WORDS = {
    "shuffle": "shuffling",
    "copy": "copying",
    "blend": "blending",
    "top": "genes kept",
    "small": "smallest change",
    "amplify": "size of the change",
    "shift": "systematic shift",
    "noise": "noise",
    "positive": "no negatives",
    "clip": "largest change",
}
DEFAULT = Knobs()
_CODES = {c.code: c.name for c in CARDS} | {"r": "seed"}
_PART = re.compile(r"([a-z])(-?[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?)?(?:~([A-Za-z0-9.~-]+))?")
assert {c.name for c in CARDS} | {"blend_to", "seed"} == {f.name for f in fields(Knobs)}
