"""What people said, as data to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recochat.events.base import Event
from recochat.events.export import learned
from recochat.recommender import files
from recochat.recommender.catalog import Item
from recochat.recommender.files import Form
from recochat.recommender.interactions import Dataset, Interactions

ITEMS = tuple(Item(name, name.upper(), "music", ("jazz",)) for name in ("a", "b", "c"))


@pytest.fixture
def before() -> Dataset:
    """Ada, a host, liked a at 10 and b at 20; nobody knows who Bob is."""
    likes = Interactions.ordered([0, 0, 1], [0, 1, 0], [10.0, 20.0, 30.0])
    return Dataset(ITEMS, likes, ("ada", "bob"), ("host",), np.array([0, -1]))


def said(name: str, user: str, item: str, at: float) -> Event:
    return Event(name, user, at, item)


def pairs(dataset: Dataset) -> list[tuple[str, str, float]]:
    likes = dataset.interactions
    columns = zip(likes.users.tolist(), likes.items.tolist(), likes.times.tolist(), strict=True)
    return [(dataset.user_ids[user], dataset.items[item].item_id, at) for user, item, at in columns]


def test_likes_are_added_and_new_people_are_known_from_then_on(before: Dataset) -> None:
    found = learned(before, [said("like", "eve", "c", 50), said("like", "bob", "b", 40)])
    assert pairs(found.dataset)[3:] == [("bob", "b", 40.0), ("eve", "c", 50.0)]
    assert (found.liked, found.disliked, found.unknown) == (2, 0, 0)
    assert found.dataset.user_ids == ("ada", "bob", "eve")
    assert found.dataset.persona_of().tolist() == [0, -1, -1]


def test_a_dislike_takes_a_like_away(before: Dataset) -> None:
    found = learned(before, [said("dislike", "ada", "a", 50), said("dislike", "new", "a", 50)])
    assert pairs(found.dataset) == [("ada", "b", 20.0), ("bob", "a", 30.0)]
    assert (found.liked, found.disliked) == (0, 2)
    assert found.dataset.user_ids == ("ada", "bob")


@pytest.mark.parametrize(("last", "kept"), [("like", True), ("dislike", False)])
def test_the_last_word_counts_whatever_the_order_of_events(
    before: Dataset, last: str, kept: bool
) -> None:
    first = "dislike" if kept else "like"
    found = learned(before, [said(last, "bob", "c", 60), said(first, "bob", "c", 50)])
    assert (("bob", "c", 60.0) in pairs(found.dataset)) is kept
    assert ("bob", "c", 50.0) not in pairs(found.dataset)


def test_a_like_said_again_stays_as_old_as_it_is(before: Dataset) -> None:
    found = learned(before, [said("like", "ada", "a", 99)])
    assert pairs(found.dataset) == pairs(before)


def test_other_events_count_if_they_are_named(before: Dataset) -> None:
    events = [said("completion", "bob", "c", 50), said("click", "bob", "b", 50)]
    assert pairs(learned(before, events).dataset) == pairs(before)
    found = learned(before, events, ("like", "completion"))
    assert pairs(found.dataset)[3:] == [("bob", "c", 50.0)]


def test_events_about_unknown_items_are_left_out(before: Dataset) -> None:
    found = learned(before, [said("like", "bob", "gone", 50)])
    assert pairs(found.dataset) == pairs(before)
    assert found.unknown == 1


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("likes", [3, 0])
def test_what_is_written_is_read_as_the_same(
    before: Dataset, tmp_path: Path, form: Form, likes: int
) -> None:
    moment = 99.0 if likes else 0.0
    files.write(before.before(moment), tmp_path, form)
    read = files.read(tmp_path)
    assert len(read.interactions) == likes
    assert pairs(read) == pairs(before.before(moment))
    assert read.items == before.items
    assert read.persona_of().tolist() == before.persona_of().tolist()
