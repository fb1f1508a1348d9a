"""Settings worth trying: what an optimiser starts from, and what the gameability table is made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from perturbviz.analyses.goodhart.knobs import Knobs

SIZES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.2, 1.5, 2.0, 3.0, 5.0)

#: The size of the predicted change and nothing else.
SIZE_ONLY: tuple[Knobs, ...] = tuple(Knobs(amplify=a) for a in SIZES)


def empty_tricks(n_genes: int) -> tuple[Knobs, ...]:
    """What can be done to a prediction that says nothing about the perturbation: shared shift, noise, sparsity."""
    few = max(n_genes // 50, 5)
    return (
        *(Knobs(shift=s) for s in (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)),
        Knobs(shift=-0.5),
        *(Knobs(shift=s, positive=True) for s in (0.5, 1.0)),
        *(Knobs(noise=n) for n in (0.05, 0.3, 1.0)),
        Knobs(shift=1.0, noise=0.3),
        Knobs(shift=1.0, noise=1.0),
        Knobs(blend_to="mean", blend=1.0, top=few),
    )


def weak_tricks(n_genes: int) -> tuple[Knobs, ...]:
    """What can be done to a prediction that knows something, without knowing more."""
    few, some = max(n_genes // 50, 5), max(n_genes // 10, 10)
    return (
        *SIZE_ONLY,
        *(Knobs(blend_to="mean", blend=w) for w in (0.25, 0.5, 0.75, 0.9)),
        *(Knobs(shift=s) for s in (0.5, 1.0, 1.5)),
        *(Knobs(amplify=a, shift=s) for a, s in ((0.5, 0.5), (0.5, 1.0), (1.5, 1.0), (2.0, 1.0))),
        *(Knobs(amplify=a, shift=1 - a) for a in (1.5, 2.0, 3.0)),  # away from the training mean
        Knobs(top=few),
        Knobs(top=some),
        Knobs(top=some, amplify=0.7),
        Knobs(small=1.0),
        Knobs(small=2.0),
        Knobs(clip=1.5),
        Knobs(positive=True),
        Knobs(positive=True, shift=1.0),
        Knobs(noise=0.5),
        Knobs(copy=True),
    )


def screening(n_genes: int, names: Collection[str], blend_to: Sequence[str] = ()) -> tuple[Knobs, ...]:
    """Starting points that turn only the knobs ``names``; blends go to the targets ``blend_to``."""
    blends = tuple(Knobs(blend_to=t, blend=w) for t in blend_to for w in (0.25, 0.5, 0.75, 1.0))
    found = [Knobs(), *blends, *(k for k in weak_tricks(n_genes) if not k.blend), *empty_tricks(n_genes)[:-1]]
    switches = [Knobs(shuffle=True)] if "shuffle" in names else []
    return tuple(dict.fromkeys(k for k in [*found, *switches] if set(k.turned) <= set(names)))
