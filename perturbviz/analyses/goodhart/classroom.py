"""Challenge for a class: teams game one target metric, the other metrics stay hidden until the teacher reveals them.

Kept in memory by one :class:`Registry` a server; nothing but names, settings of knobs and scores is stored. Data never
enter it: a class names a benchmark that every session of the server can open by itself.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.metrics import Card
from perturbviz.stats import signs

MAX_CLASSES = 100
MAX_TEAMS = 60
MAX_OPENED = 4  # classes of one session
MAX_JOINED = 6  # teams of one session in one class
MAX_SUBMISSIONS = 100  # of one team; later ones are refused
MAX_NAME = 24
IDLE_SECONDS = 4 * 3600  # a class that nobody used for so long is forgotten
CODE_LENGTH = 8
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without I, O, 0, 1: 32 letters, 40 bits a code

Setting = tuple[str, str]


@dataclass(frozen=True)
class Submission:
    """One team's setting and its scores.

    Attributes
    ----------
    method, knobs
        Where it started from (slug) and the setting as in a link.
    scores
        Average score of every metric setting of the class, computed by the server.
    """

    method: str
    knobs: str
    scores: Mapping[Setting, float]


@dataclass(eq=False)
class _Team:
    name: str
    token: str
    owner: str = ""
    submissions: list[Submission] = field(default_factory=list)


@dataclass(eq=False)
class _Class:
    key: str
    title: str
    view: str
    content_id: str
    target: Setting
    used: float
    owner: str = ""
    revealed: bool = False
    teams: dict[str, _Team] = field(default_factory=dict)  # case-folded name -> team


@dataclass(frozen=True)
class Class:
    """What everybody who knows the code may see of a class.

    Attributes
    ----------
    title, view, content_id
        Name of the benchmark, the view that is scored (query string) and the content the scores belong to.
    target
        The (metric, reference) played for.
    revealed
        Whether the other metrics are shown.
    teams
        Names in order of arrival.
    """

    code: str
    title: str
    view: str
    content_id: str
    target: Setting
    revealed: bool
    teams: tuple[str, ...]


class Registry:
    """All classes of one server; every method may be called from any thread.

    Parameters
    ----------
    now
        Clock in seconds, for tests.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._classes: dict[str, _Class] = {}

    # -- teacher -----------------------------------------------------------------------------------------------------
    def create(self, title: str, view: str, content_id: str, target: Setting, owner: str = "") -> tuple[str, str]:
        """Open a class; returns its code for the teams and the teacher's key.

        Where there are too many, the one without teams that was not used for longest makes room.

        Parameters
        ----------
        owner
            The session that opens it; "" where that is not known.

        Raises
        ------
        UserError
            If this session has opened, or the server holds, as many classes as it can, and all have teams.
        """
        with self._lock:
            self._forget()
            mine = [code for code, c in self._classes.items() if owner and c.owner == owner]
            if len(mine) >= MAX_OPENED and not self._make_room(mine):
                raise UserError(f"You have opened {MAX_OPENED} classes already: close one of them first.")
            if len(self._classes) >= MAX_CLASSES and not self._make_room(list(self._classes)):
                raise UserError("This server already holds as many classes as it can: try again in an hour.")
            code = next(c for c in iter(_code, "") if c not in self._classes)
            key = secrets.token_urlsafe(12)
            self._classes[code] = _Class(key, title, view, content_id, target, self._now(), owner)
            return code, key

    def reveal(self, code: str, key: str, shown: bool = True) -> None:
        """Show the other metrics to everybody, or hide them again; needs the teacher's key."""
        with self._lock:
            found = self._taught(code, key)
            found.revealed = shown

    def remove(self, code: str, key: str, team: str) -> None:
        """Take a team off the board; needs the teacher's key."""
        with self._lock:
            self._taught(code, key).teams.pop(team.casefold(), None)

    def close(self, code: str, key: str) -> None:
        """Forget a class and all it holds; needs the teacher's key."""
        with self._lock:
            self._taught(code, key)
            del self._classes[normal_code(code)]

    def is_teacher(self, code: str, key: str) -> bool:
        """Whether the key belongs to the class."""
        with self._lock:
            try:
                self._taught(code, key)
            except UserError:
                return False
            return True

    # -- teams -------------------------------------------------------------------------------------------------------
    def join(self, code: str, name: str, owner: str = "") -> str:
        """Add a team; returns the token that only its browser knows.

        Parameters
        ----------
        owner
            The session that joins; "" where that is not known.

        Raises
        ------
        UserError
            If the class is full, has a team of that name, or has as many teams of this session as it may.
        """
        name = clean_name(name)
        with self._lock:
            found = self._found(code)
            if name.casefold() in found.teams:
                raise UserError(f"There is already a team called “{name}” in this class: choose another name.")
            if len(found.teams) >= MAX_TEAMS:
                raise UserError(f"This class is full: it has {MAX_TEAMS} teams.")
            if owner and sum(team.owner == owner for team in found.teams.values()) >= MAX_JOINED:
                raise UserError(f"You have joined this class as {MAX_JOINED} teams already.")
            token = secrets.token_urlsafe(16)
            found.teams[name.casefold()] = _Team(name, token, owner)
            return token

    def submit(self, code: str, token: str, submission: Submission) -> int:
        """Hand in a setting; returns how many the team has handed in.

        Raises
        ------
        UserError
            If the team has handed in as much as it may, or the submission has no score.
        """
        with self._lock:
            found = self._found(code)
            team = _team(found, token)
            if len(team.submissions) >= MAX_SUBMISSIONS:
                raise UserError(f"A team may hand in {MAX_SUBMISSIONS} settings, and yours has.")
            if found.target not in submission.scores:
                raise UserError("This submission has no score on the metric of the class.")
            team.submissions.append(submission)
            return len(team.submissions)

    def mine(self, code: str, token: str) -> tuple[str, tuple[Submission, ...]]:
        """Name and submissions of the team with this token; before the reveal they hold the target's score only."""
        with self._lock:
            found = self._found(code)
            team = _team(found, token)
            seen = tuple(s if found.revealed else _hidden(s, found.target) for s in team.submissions)
            return team.name, seen

    # -- everybody ---------------------------------------------------------------------------------------------------
    def look(self, code: str) -> Class:
        """The class of a code; raises :class:`UserError` where there is none."""
        with self._lock:
            c = self._found(code)
            names = tuple(t.name for t in c.teams.values())
            return Class(normal_code(code), c.title, c.view, c.content_id, c.target, c.revealed, names)

    def best(self, code: str, card: Card) -> list[tuple[str, Submission, int]]:
        """Best submission of each team by the target metric, best first: (team, submission, number handed in).

        Until the reveal a submission's scores hold the target only and its setting is blank.
        """
        with self._lock:
            c = self._found(code)
            out = []
            for team in c.teams.values():
                if team.submissions:
                    lead = max(team.submissions, key=lambda s: _goodness(card, s.scores[c.target]))
                    out.append(
                        (team.name, lead if c.revealed else _hidden(lead, c.target, blank=True), len(team.submissions))
                    )
            return sorted(out, key=lambda line: -_goodness(card, line[1].scores[c.target]))

    # -- inside (the lock is held) -----------------------------------------------------------------------------------
    def _found(self, code: str) -> _Class:
        self._forget()
        found = self._classes.get(normal_code(code))
        if found is None:
            raise UserError(
                "There is no class with this code: check the letters, or ask your teacher for a new one "
                f"(classes are forgotten {IDLE_SECONDS // 3600} hours after their last use)."
            )
        found.used = self._now()
        return found

    def _taught(self, code: str, key: str) -> _Class:
        found = self._found(code)
        if not hmac.compare_digest(found.key.encode(), key.strip().encode()):
            raise UserError("This is not the teacher's key of this class.")
        return found

    def _make_room(self, codes: Sequence[str]) -> bool:
        """Forget the one of these classes that nobody joined and that was not used for longest."""
        empty = [code for code in codes if not self._classes[code].teams]
        if empty:
            del self._classes[min(empty, key=lambda code: self._classes[code].used)]
        return bool(empty)

    def _forget(self) -> None:
        limit = self._now() - IDLE_SECONDS
        for code in [code for code, c in self._classes.items() if c.used < limit]:
            del self._classes[code]


def normal_code(code: str) -> str:
    """A code as it is stored, whatever blanks, dashes and case it was typed with."""
    return "".join(ch for ch in code.upper() if ch.isalnum())[: 2 * CODE_LENGTH]


def shown_code(code: str) -> str:
    """A code in two halves, easier to read out."""
    return f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"


def clean_name(name: str) -> str:
    """A team's name: printable, blanks collapsed, at most ``MAX_NAME`` characters; :class:`UserError` where empty."""
    text = unicodedata.normalize("NFKC", name[:400])
    text = " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())
    if not text:
        raise UserError("Give your team a name.")
    if len(text) > MAX_NAME:
        raise UserError(f"A team's name may have {MAX_NAME} characters; this one has {len(text)}.")
    return text


def board(lines: list[tuple[str, Submission, int]], target: Setting, card: Card) -> pd.DataFrame:
    """Table of the board: place (shared by equal scores), team, score on the target, number handed in."""
    score = np.array([s.scores[target] for _, s, _ in lines], float)
    goodness = np.array([_goodness(card, v) for v in score])
    place = [int((signs(goodness, g, card.perfect) > 0).sum()) + 1 for g in goodness]
    return pd.DataFrame(
        {"place": place, "team": [t for t, _, _ in lines], "score": score, "submissions": [n for _, _, n in lines]}
    )


def _code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(CODE_LENGTH))


def _team(found: _Class, token: str) -> _Team:
    for team in found.teams.values():
        if hmac.compare_digest(team.token.encode(), token.encode()):
            return team
    raise UserError("Your team is not in this class any more: join again.")


def _hidden(submission: Submission, target: Setting, blank: bool = False) -> Submission:
    return Submission(
        "" if blank else submission.method, "" if blank else submission.knobs, {target: submission.scores[target]}
    )


def _goodness(card: Card, score: float) -> float:
    value = float(card.goodness(score))
    return -np.inf if np.isnan(value) else value
