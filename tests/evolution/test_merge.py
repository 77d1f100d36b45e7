"""Planning a merge, and choosing by the score."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import Conflict, InvalidValue
from ramet.evolution.merge import Plan, choose, merge, plan
from ramet.method.world import SizeAndCompute
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import Store
from ramet.store.versions.history import Versions
from tests.store.examples import a_path, make_system

STATES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(("1", "2", "3")))


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ({}, {}, {"a": "1"}, Plan({"a": "1"}, ())),
        ({}, {"a": "1"}, {}, Plan({}, ())),
        ({"a": "1"}, {"a": "1"}, {"a": "2"}, Plan({"a": "2"}, ())),
        ({"a": "1"}, {"a": "2"}, {"a": "1"}, Plan({}, ())),
        ({"a": "1"}, {"a": "1"}, {}, Plan({"a": None}, ())),
        ({"a": "1"}, {}, {"a": "1"}, Plan({}, ())),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}, Plan({}, ())),
        ({"a": "1"}, {"a": "2"}, {"a": "3"}, Plan({}, ("a",))),
        ({"a": "1"}, {"a": "2"}, {}, Plan({}, ("a",))),
        ({"a": "1"}, {}, {"a": "2"}, Plan({}, ("a",))),
        ({}, {"a": "1"}, {"a": "2"}, Plan({}, ("a",))),
        ({"a": "1"}, {}, {}, Plan({}, ())),
    ],
)
def test_what_one_side_changed_is_taken_and_what_both_did_is_disputed(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str], expected: Plan
) -> None:
    assert plan([base], ours, theirs) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("1", "2", Plan({}, ("a",))),  # each side kept another one's
        ("1", "3", Plan({"a": "3"}, ())),  # only theirs went on
        ("3", "1", Plan({}, ())),
        ("3", "4", Plan({}, ("a",))),
    ],
)
def test_after_a_crosswise_merge_news_are_what_neither_base_has(ours: str, theirs: str, expected: Plan) -> None:
    assert plan([{"a": "1"}, {"a": "2"}], {"a": ours}, {"a": theirs}) == expected


@given(STATES, STATES, STATES)
def test_the_two_sides_of_a_plan_mirror_each_other(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    there, back = plan([base], ours, theirs), plan([base], theirs, ours)
    assert there.conflicts == back.conflicts

    def merged(mine: dict[str, str], planned: Plan) -> dict[str, str]:
        result: dict[str, str | None] = {**mine, **planned.taken}
        return {task: path for task, path in result.items() if path and task not in planned.conflicts}

    assert merged(ours, there) == merged(theirs, back)
    assert plan([base], ours, ours) == Plan({}, ())
    assert plan([base], base, theirs).conflicts == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (0.5, 0.6, "theirs"),
        (0.6, 0.5, "ours"),
        (0.5, 0.5, "ours"),
        (None, 0.1, "theirs"),
        (0.1, None, "ours"),
        (math.nan, 0.1, "theirs"),
        (0.1, math.nan, "ours"),
        (math.nan, math.nan, "ours"),
        (None, math.nan, "theirs"),
    ],
)
def test_the_better_score_wins_and_ours_a_tie(ours: float | None, theirs: float | None, expected: str) -> None:
    assert choose(ours, theirs) == expected


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_system(tmp_path_factory.mktemp("merge") / "colony", ("digits", "beans"))


def publish(catalog: Catalog, task: str, quality: float, *digests: str, branch: str = "main", agent: str = "") -> str:
    path = a_path(
        task,
        digests or (f"{quality:064}",),
        hyperparameters={"layers": 2, "data.image_size": 32},
        metrics={"quality": quality, "test_quality": 1 - quality},
        agent=agent,
    )
    catalog.versions.publish([path], message=f"{task} {quality}", method="m/1", branch=branch)
    return path.id


def parted(catalog: Catalog) -> dict[str, str]:
    """Both sides changed digits, theirs to what is better; theirs alone changed beans."""
    catalog.versions.branch("other")
    return {
        "ours": publish(catalog, "digits", 0.25),
        "theirs": publish(catalog, "digits", 0.5, branch="other"),
        "beans": publish(catalog, "beans", 0.75, branch="other"),
    }


def test_without_a_policy_conflicts_are_named_and_nothing_is_done(store: Store) -> None:
    parted(store.catalog)
    head = store.catalog.versions.head()
    with pytest.raises(Conflict, match=r"both changed digits; .*--policy best, theirs or ours") as error:
        merge(store.catalog, "other", branch="main")
    assert error.value.tasks == ("digits",)
    with pytest.raises(InvalidValue, match="no policy is called 'mine'"):
        merge(store.catalog, "other", branch="main", policy="mine")  # type: ignore[arg-type]
    assert store.catalog.versions.head() == head


@pytest.mark.parametrize(("policy", "taken"), [("ours", "ours"), ("theirs", "theirs"), ("best", "theirs")])
def test_a_policy_settles_what_is_disputed(store: Store, policy: str, taken: str) -> None:
    ids = parted(store.catalog)
    heads = store.catalog.versions.head().id, store.catalog.versions.head("other").id
    merged = merge(store.catalog, "other", branch="main", policy=policy)  # type: ignore[arg-type]
    assert (merged.how, merged.taken) == ("merge", ("beans",))
    (choice,) = merged.choices
    assert (choice.task, choice.ours, choice.theirs, choice.taken) == ("digits", ids["ours"], ids["theirs"], taken)
    now = store.catalog.versions.published()
    assert {task: path.id for task, path in now.items()} == {"digits": ids[taken], "beans": ids["beans"]}
    head = store.catalog.versions.head()
    assert (head.id, head.parents) == (merged.commit, heads)
    assert store.catalog.versions.head("other").id == heads[1]
    assert merge(store.catalog, "other", branch="main").how == "nothing"


def test_a_branch_without_news_moves_forward(store: Store) -> None:
    store.catalog.versions.branch("other")
    publish(store.catalog, "digits", 0.5, branch="other")
    merged = merge(store.catalog, "other", branch="main")
    assert (merged.how, merged.taken, merged.commit) == (
        "forward",
        ("digits",),
        store.catalog.versions.head("other").id,
    )
    assert store.catalog.versions.head() == store.catalog.versions.head("other")
    assert store.catalog.versions.published() == store.catalog.versions.published("other")


def test_a_path_that_was_taken_out_on_one_side_is_disputed_and_the_path_is_best(store: Store) -> None:
    publish(store.catalog, "digits", 0.25)
    store.catalog.versions.branch("other")
    store.catalog.versions.remove("digits")
    kept = publish(store.catalog, "digits", 0.5, branch="other")
    (choice,) = merge(store.catalog, "other", branch="main", policy="best").choices
    assert (choice.ours, choice.theirs, choice.taken, choice.our_score) == (None, kept, "theirs", None)
    assert store.catalog.versions.published()["digits"].id == kept


def test_the_score_is_that_of_the_merged_system(store: Store) -> None:
    """Alone theirs is cheaper; merged with what theirs alone published, ours shares a component and is the better."""
    catalog, shared, alone = store.catalog, "a" * 64, "b" * 64
    method = {"score": SizeAndCompute(factor=0.5, params=10).model_dump()}
    agent = catalog.agents.start("digits", method=method, label="m", seed=0, cycles=1, samples=1)
    catalog.versions.branch("other")
    ours = publish(catalog, "digits", 0.5, shared, agent=agent.id)
    publish(catalog, "digits", 0.55, alone, branch="other", agent=agent.id)
    publish(catalog, "beans", 0.5, shared, branch="other")
    (choice,) = merge(catalog, "other", branch="main", policy="best").choices
    assert choice.taken == "ours"
    assert choice.our_score == pytest.approx(0.5 * 0.5**0.5)
    assert choice.their_score == pytest.approx(0.55 * 0.5)
    assert catalog.versions.published()["digits"].id == ours


def test_a_merge_is_planned_anew_where_a_branch_moved_meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between planning and committing, ours moves, then theirs: the result has both."""
    catalog = store.catalog
    ids = parted(catalog)
    other = Catalog(store.folder / "catalog.sqlite")
    meanwhile = [("other", 0.8), ("main", 0.9)]
    real = Versions.merge

    def overtaken(self: Versions, *args: object, **kwargs: object) -> object:
        if meanwhile:
            branch, quality = meanwhile.pop()
            ids[branch] = publish(other, "digits", quality, branch=branch)
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Versions, "merge", overtaken)
    (choice,) = merge(catalog, "other", branch="main", policy="best").choices
    assert (choice.ours, choice.theirs) == (ids["main"], ids["other"])
    assert catalog.versions.head().parents[1] == catalog.versions.head("other").id
    assert {t: p.id for t, p in catalog.versions.published().items()} == {"digits": ids["main"], "beans": ids["beans"]}
