"""Who hears of a decision, under which name, and in which words."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from linnet.api.notifications import Receiver, Subscription
from linnet.api.status import DecisionKind
from linnet.core.notifications import (
    Notification,
    identity,
    message,
    recipients,
    unknown,
    unsent,
)
from tests.support.builders import MINUTE, SECOND, START, make_entry

ROLLED_BACK = make_entry(
    DecisionKind.ROLLED_BACK,
    "ErrorRateBreached",
    message="errorRate: 7 % is above 1 %",
    step=1,
    revision="22a8d94629",
)
TOLD = Notification("u-1", "shops", "shop", "shop-web", ROLLED_BACK)


def receiver(name: str = "ops", **changes: Any) -> Receiver:
    return Receiver.model_validate({"name": name, "url": "https://hooks.test/1", **changes})


def asked(*names: str, on: Sequence[str] | None = None) -> tuple[Subscription, ...]:
    return tuple(Subscription.model_validate({"receiver": name, "on": on}) for name in names)


OPS = receiver()
CHAT = receiver("chat", on=["RolledBack", "Promoted"])
SHOP = receiver("shop", byDefault=False)
ALL = (OPS, CHAT, SHOP)


@pytest.mark.parametrize(
    ("subscriptions", "decision", "names"),
    [
        (None, "RolledBack", ("ops", "chat")),
        (None, "Advanced", ("ops",)),
        ((), "RolledBack", ()),
        (asked("shop"), "Advanced", ("shop",)),
        (asked("shop", on=["RolledBack"]), "Advanced", ()),
        (asked("chat"), "Advanced", ()),
        (asked("chat", on=["Advanced"]), "Advanced", ("chat",)),
        (asked("shop", "nobody", "ops"), "Advanced", ("ops", "shop")),
        ((*asked("shop", on=["Held"]), *asked("shop")), "Held", ("shop",)),
    ],
)
def test_who_hears_of_a_decision(
    subscriptions: tuple[Subscription, ...] | None, decision: str, names: tuple[str, ...]
) -> None:
    assert recipients(ALL, subscriptions, DecisionKind(decision)) == names


def test_receivers_that_there_are_not_are_named() -> None:
    assert unknown(ALL, asked("shop", "nobody", "nobody")) == ("nobody",)
    assert unknown(ALL, None) == ()


def test_a_decision_has_one_name_for_ever() -> None:
    """Receivers compare it over restarts and versions: it may not change."""
    assert TOLD.id == identity("u-1", ROLLED_BACK) == "59c447a122c77e90da0940eb21e4ce46"
    others = [
        make_entry(DecisionKind.ROLLED_BACK),
        ROLLED_BACK.model_copy(update={"at": START + SECOND}),
        ROLLED_BACK.model_copy(update={"decision": DecisionKind.HELD}),
    ]
    names = {identity("u-2", ROLLED_BACK), *(identity("u-1", other) for other in others)}
    assert len(names - {TOLD.id}) == 4


def test_what_is_later_than_the_last_one_told_is_unsent() -> None:
    history = tuple(
        make_entry(DecisionKind.ADVANCED, str(n), at=START + n * MINUTE) for n in range(4)
    )
    told = identity("u-1", history[1])
    assert unsent("u-1", history, told, START) == history[2:]
    assert unsent("u-1", history, told, START + 3 * MINUTE) == history[3:]
    assert unsent("u-1", history, identity("u-1", history[3]), START) == ()


def test_a_history_that_has_lost_the_last_one_told_is_later_as_a_whole() -> None:
    history = (make_entry(DecisionKind.STARTED), make_entry(DecisionKind.ADVANCED))
    assert unsent("u-1", history, "0" * 32, START) == history


def test_a_cloud_event() -> None:
    sent = message(OPS, TOLD)
    assert sent.media_type == "application/cloudevents+json"
    assert sent.body == {
        "specversion": "1.0",
        "id": TOLD.id,
        "source": "/apis/linnet.dev/v1alpha1/namespaces/shops/canaryreleases/shop",
        "type": "dev.linnet.release.rolledback",
        "subject": "shop",
        "time": "2030-01-01T12:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "namespace": "shops",
            "name": "shop",
            "target": "shop-web",
            "decision": "RolledBack",
            "reason": "ErrorRateBreached",
            "message": "errorRate: 7 % is above 1 %",
            "weight": 5,
            "step": 1,
            "revision": "22a8d94629",
            "text": "shops/shop RolledBack: errorRate: 7 % is above 1 %",
        },
    }


def test_a_slack_message() -> None:
    sent = message(receiver(format="Slack"), TOLD)
    assert sent.media_type == "application/json"
    text = "shops/shop RolledBack: errorRate: 7 % is above 1 %"
    assert sent.body == {
        "attachments": [
            {
                "fallback": text,
                "text": text,
                "color": "danger",
                "fields": [
                    {"title": "Reason", "value": "ErrorRateBreached", "short": True},
                    {"title": "Weight", "value": "5 %", "short": True},
                    {"title": "Version", "value": "22a8d94629", "short": True},
                ],
                "ts": 1893499200,
            }
        ]
    }


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_decision_can_be_told_in_every_format(kind: DecisionKind) -> None:
    told = replace(TOLD, entry=make_entry(kind))
    event = message(OPS, told).body
    assert event["type"] == f"dev.linnet.release.{kind.lower()}"
    [slack] = message(receiver(format="Slack"), told).body["attachments"]
    assert slack["color"]
    assert "Version" not in {each["title"] for each in slack["fields"]}
    assert json.loads(json.dumps(event)) == event


def test_a_template_has_its_own_markup_and_values_have_none() -> None:
    evil = ROLLED_BACK.model_copy(update={"message": "<!channel> a & b {name}"})
    told = replace(TOLD, entry=evil)
    chat = receiver(format="Slack", template="<!here> *{name}* at {weight} %: {message}")
    [slack] = message(chat, told).body["attachments"]
    assert slack["text"] == "<!here> *shop* at 5 %: &lt;!channel&gt; a &amp; b {name}"
    assert message(OPS, told).body["data"]["message"] == "<!channel> a & b {name}"


def test_a_value_that_is_missing_is_empty_in_a_text() -> None:
    told = replace(TOLD, entry=make_entry(DecisionKind.PROMOTED))
    data = message(receiver(template="step {step}|{revision}|"), told).body["data"]
    assert (data["text"], data["step"]) == ("step ||", None)
