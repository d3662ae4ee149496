"""What training makes of data: recovered preferences, cold starts, and how that is judged."""

from __future__ import annotations

import numpy as np
import pytest

from recochat.recommender.catalog import Item
from recochat.recommender.evaluation import ENSEMBLE, SINGLE, evaluate
from recochat.recommender.generator import Population, World, generate
from recochat.recommender.holdout import Case, Holdout, hits, ndcg, top
from recochat.recommender.interactions import Dataset, Interactions, gram
from recochat.recommender.model import Weights
from recochat.recommender.ranking import Query, Recommender
from recochat.recommender.training import TrainingOptions, train

SMALL = Population(users=400, items=80, likes=20)
UNTUNED = TrainingOptions(tune=False)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(7, SMALL)


def items(count: int) -> tuple[Item, ...]:
    return tuple(Item(f"i{n}", f"Item {n}", "topic", ()) for n in range(count))


def test_the_same_data_gives_the_same_model_in_any_order(world: World) -> None:
    likes = world.dataset.interactions
    shuffled = np.random.default_rng(1).permutation(len(likes))
    again = Dataset(
        world.dataset.items,
        Interactions.ordered(*(c[shuffled] for c in (likes.users, likes.items, likes.times))),
        world.dataset.user_ids,
        world.dataset.personas,
        world.dataset.user_personas,
    )
    first, second = train(world.dataset, UNTUNED), train(again, UNTUNED)
    assert np.array_equal(first.neighbour_weights, second.neighbour_weights)
    assert np.array_equal(first.history_items, second.history_items)
    assert np.array_equal(first.affinity, second.affinity)


def test_a_pair_liked_twice_counts_once_at_its_first_time() -> None:
    likes = Interactions.ordered([0, 0, 1], [2, 2, 2], [9.0, 3.0, 5.0])
    assert likes.users.tolist() == [0, 1]
    assert likes.times.tolist() == [3.0, 5.0]


def test_pairs_are_counted_the_same_in_any_blocks(world: World) -> None:
    likes, users = world.dataset.interactions, len(world.dataset.user_ids)
    whole = gram(likes, users, 80)
    assert np.array_equal(whole, gram(likes, users, 80, block=7))
    assert np.array_equal(np.diag(whole), np.bincount(likes.items, minlength=80))


@pytest.mark.thorough
def test_the_ensemble_beats_every_single_signal_where_the_truth_is_known() -> None:
    found = generate(1)
    result = evaluate(found.dataset, oracle=lambda case: found.preference[case.user])
    whole = result.scores[ENSEMBLE]
    assert whole.top2.low > 0.45
    for name in (*SINGLE, "popularity"):
        assert result.scores[name].behind["ndcg"].low > 0, name
        assert whole.top2.mean > result.scores[name].top2.mean, name
    # The truth ranks best, and even it misses what people like by chance.
    assert whole.ndcg.high < result.scores["oracle"].ndcg.low < 1


@pytest.mark.thorough
def test_personas_are_recovered_from_what_people_like(world: World) -> None:
    recommender = Recommender(train(world.dataset, UNTUNED))
    personas = world.dataset.persona_of()
    right = 0
    for case in Holdout.of(world.dataset, 0.2).cases:
        liked = tuple(world.dataset.items[i].item_id for i in case.history)
        inferred = recommender.signals(Query(history=liked))[2]
        stated = [
            recommender.signals(Query(history=liked, persona=p))[2]
            for p in recommender.model.personas
        ]
        nearest = int(np.argmin([np.abs(inferred - each).sum() for each in stated]))
        right += nearest == personas[case.user]
    assert right / 400 > 0.6  # chance: 0.25


def test_the_holdout_shows_a_model_nothing_of_the_future(world: World) -> None:
    holdout = Holdout.of(world.dataset, 0.2)
    likes = world.dataset.interactions
    moment = likes.moment(0.8)
    assert holdout.past.interactions.times.max() < moment
    when = {(u, i): t for u, i, t in zip(likes.users, likes.items, likes.times, strict=True)}
    for case in holdout.cases:
        first_target = min(when[case.user, item] for item in case.targets)
        assert first_target >= moment
        assert all(when[case.user, item] <= first_target for item in case.history)


def test_a_holdout_of_many_takes_as_many_people_as_asked(world: World) -> None:
    assert len(Holdout.of(world.dataset, 0.2, limit=50).cases) == 50


def test_measures_are_what_their_definitions_say() -> None:
    cases = [Case(0, None, (0,), (1, 3)), Case(1, None, (), (2,))]
    scores = np.array([[9, 4, 3, 2], [4, 3, 2, 1]], np.float32)
    ranked = top(scores, cases, count=3)
    assert ranked.tolist() == [[1, 2, 3], [0, 1, 2]]
    assert hits(ranked, cases).tolist() == [[1, 0, 1], [0, 0, 1]]
    ideal = 1 + 1 / np.log2(3)
    assert ndcg(ranked, cases).tolist() == pytest.approx([1.5 / ideal, 0.5])


def test_a_new_item_is_shown_to_who_its_words_fit(world: World) -> None:
    tag = world.dataset.items[0].tags[0]
    new = Item("new", "Something new", "brand-new", (tag,))
    likes = world.dataset.interactions
    dataset = Dataset((*world.dataset.items, new), likes, world.dataset.user_ids)
    ranked = Recommender(train(dataset, UNTUNED)).rank(Query(interests=("Brand-New",)))
    [found] = [entry for entry in ranked if entry.item == new]
    assert 0 < found.collaborative < 0.4
    assert found.reason.startswith("Matches your interests: brand-new")


def test_the_latest_likes_count_most() -> None:
    # Two groups of items; who likes one of a group likes the whole group.
    rows = [(u, i) for u in range(40) for i in (range(4) if u % 2 else range(4, 8))]
    likes = Interactions.ordered([u for u, _ in rows], [i for _, i in rows], range(len(rows)))
    model = train(Dataset(items(8), likes, tuple(f"u{n}" for n in range(40))), UNTUNED)
    object.__setattr__(model.tuning, "half_life", 1.0)
    first = Recommender(model).rank(Query(history=("i0", "i1", "i4")))[0]
    assert first.item.item_id in {"i5", "i6", "i7"}
    assert first.reason == "People who liked “Item 4” liked this too"


def test_weights_have_to_be_shares() -> None:
    with pytest.raises(ValueError, match="sum up to 1"):
        Weights(0.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="sum up to 1"):
        Weights(1.2, -0.2, 0.0)


def test_weights_are_the_bounds_of_the_parts_of_a_score(world: World) -> None:
    recommender = Recommender(train(world.dataset, UNTUNED), Weights(0.1, 0.2, 0.7))
    best = recommender.rank(Query("user-00001", persona="host"))
    assert max(entry.persona for entry in best) <= 0.7 + 1e-5
    assert max(entry.collaborative for entry in best) <= 0.1 + 1e-5


def test_similar_items_share_words_or_people(world: World) -> None:
    recommender = Recommender(train(world.dataset, UNTUNED))
    found = recommender.similar("item-0003", 5)
    assert len(found) == 5
    assert "item-0003" not in {item.item_id for item, _ in found}
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)
    with pytest.raises(KeyError):
        recommender.similar("nothing")


def test_what_cannot_be_trained_on_is_refused() -> None:
    nothing = Interactions.ordered([], [], [])
    with pytest.raises(ValueError, match="no interactions"):
        train(Dataset(items(2), nothing, ()))
    one = Interactions.ordered([0], [0], [0.0])
    with pytest.raises(ValueError, match="the limit is 12000"):
        train(Dataset(items(12_001), one, ("u",)))


def test_a_few_likes_are_enough_to_train_on() -> None:
    few = Interactions.ordered([0, 0, 1], [0, 1, 1], [1.0, 2.0, 3.0])
    model = train(Dataset(items(3), few, ("a", "b")))
    assert [entry.item.item_id for entry in Recommender(model).rank(Query("a"))] == ["i2"]
