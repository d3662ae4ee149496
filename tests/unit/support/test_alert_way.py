"""The way of an alert: its parts, what a log tells of it, and its picture."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from tests.support.alert_picture import picture
from tests.support.alert_way import PARTS, Way, notified_at

WAY = Way(
    failed=100.0,
    sampled=101.5,
    held=103.5,
    fired=105.0,
    notified=105.02,
    decided=105.05,
    last=105.25,
    following=105.26,
)
BEFORE, TOLD, RESOLVED = (
    'ts=2030-01-01T00:00:0{}Z caller=dispatch.go:515 level=debug component=dispatcher aggrGroup="'
    '{{}}/{{linnet_release=~\\".+\\",namespace=~\\".+\\"}}:{{linnet_release=\\"shop\\", '
    'namespace=\\"{}\\"}}" msg=flushing alerts=[LinnetCanaryErrors[d5a6c42][{}]]'.format(*each)
    for each in (("1.000", "other", "active"), ("2.500", "one", "active"), ("9", "one", "resolved"))
)


def test_the_parts_are_the_whole_way() -> None:
    assert list(WAY.parts) == [name for name, _ in PARTS]
    assert sum(WAY.parts.values()) == pytest.approx(WAY.last - WAY.failed)
    assert WAY.parts["decision"] == pytest.approx(0.03)
    assert WAY.from_webhook == pytest.approx(0.23)
    assert WAY.from_webhook_at_most == pytest.approx(0.24)
    assert WAY.from_first_bad_sample == pytest.approx(3.75)


def test_alertmanager_s_log_tells_when_it_notified_of_a_release() -> None:
    received = TOLD.replace("flushing", '"Received alert"')
    log = [received, BEFORE, RESOLVED.replace(":09", ":01"), TOLD]
    assert notified_at(log, "LinnetCanaryErrors", "one", "shop") % 60 == 2.5


@pytest.mark.parametrize("log", [[], [BEFORE], [RESOLVED], [TOLD.replace("shop", "cart")]])
def test_a_log_without_the_alert_is_refused(log: list[str]) -> None:
    with pytest.raises(AssertionError, match="didn't notify of LinnetCanaryErrors about one/shop"):
        notified_at(log, "LinnetCanaryErrors", "one", "shop")


def test_the_picture_has_a_row_for_each_rollback_and_every_part_by_name() -> None:
    slow = replace(WAY, last=WAY.last + 2)
    one, two = picture([WAY]), picture([WAY, slow])
    for drawn in (one, two):
        ElementTree.fromstring(drawn)  # noqa: S314 - our own
        assert all(f">{name}</text>" in drawn for name, _ in PARTS)
    assert two.count("<rect") - one.count("<rect") == len(PARTS) + 2
    assert ">median 230 ms, worst 230 ms</text>" in one
    assert ">median 1.2 s, worst 2.2 s</text>" in two
