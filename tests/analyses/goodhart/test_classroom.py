"""Classes: codes, limits, privacy before the reveal, forgetting, threads."""

import threading

import pytest

from perturbviz.analyses.goodhart import classroom as challenge
from perturbviz.analyses.goodhart.classroom import Registry, Submission, board, clean_name, normal_code, shown_code
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE

TARGET, OTHER = ("mse", "none"), ("pds", "none")
CARD = CATALOGUE["mse"].card


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(clock):
    return Registry(clock)


def opened(registry):
    return registry.create("Demo", "metric=mse", "abc", TARGET)


def entry(value, other=0.5, knobs="a2"):
    return Submission("cautious", knobs, {TARGET: value, OTHER: other})


def test_a_class_from_opening_to_reveal(registry):
    code, key = opened(registry)
    assert len(code) == challenge.CODE_LENGTH
    red, blue = registry.join(shown_code(code).lower(), "Red"), registry.join(f" {code} ", "Blue")
    assert registry.look(code).teams == ("Red", "Blue")
    registry.submit(code, red, entry(0.3))
    registry.submit(code, red, entry(0.2, knobs="a3"))
    registry.submit(code, blue, entry(0.1, other=0.1))
    lines = registry.best(code, CARD)
    assert [t for t, _, _ in lines] == ["Blue", "Red"]
    assert [n for *_, n in lines] == [1, 2]
    assert all(
        s.scores == {TARGET: v} and not s.knobs and not s.method for (_, s, _), v in zip(lines, (0.1, 0.2), strict=True)
    )
    assert registry.mine(code, red)[1][1].scores == {TARGET: 0.2}  # not even one's own
    assert board(lines, TARGET, CARD)["place"].tolist() == [1, 2]

    with pytest.raises(UserError, match="teacher's key"):
        registry.reveal(code, "guess")
    assert not registry.look(code).revealed
    registry.reveal(code, key)
    lines = registry.best(code, CARD)
    assert lines[1][1].scores[OTHER] == 0.5
    assert lines[1][1].knobs == "a3"


def test_undefined_scores_come_last_and_equal_ones_share_a_place(registry):
    code, _ = opened(registry)
    for name, value in (("A", float("nan")), ("B", 0.2), ("C", 0.2)):
        registry.submit(code, registry.join(code, name), entry(value))
    table = board(registry.best(code, CARD), TARGET, CARD)
    assert table["team"].tolist() == ["B", "C", "A"]
    assert table["place"].tolist() == [1, 1, 3]


def test_a_token_belongs_to_one_team_of_one_class(registry):
    first, second = opened(registry)[0], opened(registry)[0]
    token = registry.join(first, "Red")
    with pytest.raises(UserError, match="join again"):
        registry.submit(second, token, entry(1.0))
    with pytest.raises(UserError, match="join again"):
        registry.mine(first, "no token")
    with pytest.raises(UserError, match="already a team"):
        registry.join(first, "RED")


def test_limits(registry, monkeypatch):
    monkeypatch.setattr(challenge, "MAX_TEAMS", 2)
    monkeypatch.setattr(challenge, "MAX_SUBMISSIONS", 2)
    monkeypatch.setattr(challenge, "MAX_CLASSES", 3)
    code, _ = opened(registry)
    token = registry.join(code, "A")
    registry.join(code, "B")
    with pytest.raises(UserError, match="full"):
        registry.join(code, "C")
    registry.submit(code, token, entry(1.0))
    registry.submit(code, token, entry(1.0))
    with pytest.raises(UserError, match="may hand in 2"):
        registry.submit(code, token, entry(1.0))
    for _ in range(2):
        registry.join(opened(registry)[0], "A")
    with pytest.raises(UserError, match="as many classes"):
        opened(registry)


def test_one_session_opens_a_few_classes(registry, clock, monkeypatch):
    monkeypatch.setattr(challenge, "MAX_OPENED", 2)

    def opens(owner):
        clock.now += 1
        return registry.create("Demo", "metric=mse", "abc", TARGET, owner)[0]

    first, second, other = opens("a"), opens("a"), opens("b")
    clock.now += 1
    registry.look(first)
    third = opens("a")  # nobody had joined the one that was not used for longest: it made room
    with pytest.raises(UserError, match="no class with this code"):
        registry.look(second)
    for code in (first, third):
        registry.join(code, "Red")
    with pytest.raises(UserError, match="You have opened 2 classes already: close one"):
        opens("a")
    assert registry.look(other) and opens("b")


def test_a_full_server_forgets_what_nobody_joined(registry, clock, monkeypatch):
    monkeypatch.setattr(challenge, "MAX_CLASSES", 3)
    codes = []
    for clock.now in range(4):
        codes.append(opened(registry)[0])
        if clock.now == 0:
            registry.join(codes[0], "Red")
    assert registry.look(codes[0]) and registry.look(codes[3])
    with pytest.raises(UserError, match="no class with this code"):
        registry.look(codes[1])


def test_one_session_joins_as_a_few_teams(registry, monkeypatch):
    monkeypatch.setattr(challenge, "MAX_JOINED", 2)
    code, _ = opened(registry)
    registry.join(code, "A", "me"), registry.join(code, "B", "me")
    with pytest.raises(UserError, match="joined this class as 2 teams"):
        registry.join(code, "C", "me")
    assert registry.join(code, "C", "you") and registry.join(code, "D")


def test_unused_classes_are_forgotten_and_used_ones_are_not(registry, clock):
    (used, _), (unused, _) = opened(registry), opened(registry)
    clock.now = challenge.IDLE_SECONDS - 1
    registry.look(used)
    clock.now = challenge.IDLE_SECONDS + 1
    registry.look(used)
    with pytest.raises(UserError, match="no class with this code"):
        registry.look(unused)


def test_the_teacher_removes_a_team_and_closes_the_class(registry):
    code, key = opened(registry)
    token = registry.join(code, "Rude")
    registry.remove(code, key, "Rude")
    with pytest.raises(UserError, match="join again"):
        registry.mine(code, token)
    with pytest.raises(UserError):
        registry.close(code, "guess")
    registry.close(code, key)
    with pytest.raises(UserError):
        registry.look(code)
    assert not registry.is_teacher(code, key)


@pytest.mark.parametrize("name", ["", "   ", "\u200b\x00", "x" * 25])
def test_bad_names_are_refused(name):
    with pytest.raises(UserError):
        clean_name(name)


def test_names_are_cleaned_and_codes_read_in_any_form():
    assert clean_name("  The\n<b>Reds</b>\x07 ") == "The <b>Reds</b>"
    assert normal_code("abcd-efgh ") == "ABCDEFGH"
    assert shown_code("ABCDEFGH") == "ABCD-EFGH"


def test_codes_and_keys_cannot_be_guessed_from_one_another():
    registry = Registry()
    seen = [opened(registry) for _ in range(80)]
    assert len({c for c, _ in seen}) == len({k for _, k in seen}) == 80
    assert len({ch for c, _ in seen for ch in c}) > 25  # the whole alphabet is used


def test_many_teams_at_once(registry):
    code, _ = opened(registry)
    errors = []

    def play(i):
        try:
            token = registry.join(code, f"team {i}")
            for k in range(20):
                registry.submit(code, token, entry(1 / (i + k + 1)))
                registry.best(code, CARD)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=play, args=(i,)) for i in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert sum(n for *_, n in registry.best(code, CARD)) == 240
