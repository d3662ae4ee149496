"""A decision as a notification: who hears of it, and in which words."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linnet.api.notifications import Format, Receiver, Subscription
from linnet.api.status import DecisionKind, HistoryEntry

TYPE = "dev.linnet.release."
_COLOURS = {
    DecisionKind.PROMOTED: "good",
    DecisionKind.ROLLED_BACK: "danger",
    DecisionKind.STALLED: "warning",
    DecisionKind.HELD: "warning",
    DecisionKind.REFUSED: "warning",
}


@dataclass(frozen=True)
class Notification:
    """One decision about one release. uid: the CanaryRelease's; target: its Deployment."""

    uid: str
    namespace: str
    name: str
    target: str
    entry: HistoryEntry

    @property
    def id(self) -> str:
        """The same for the same decision, whoever sends it and however often."""
        return identity(self.uid, self.entry)


@dataclass(frozen=True)
class Message:
    """What is sent: a JSON object and the media type that says what it is."""

    media_type: str
    body: dict[str, Any]


def identity(uid: str, entry: HistoryEntry) -> str:
    """A name for a decision, of 32 hexadecimal digits."""
    at = entry.at.isoformat(timespec="milliseconds")
    said = "\n".join((uid, at, entry.decision, entry.reason, entry.message))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def recipients(
    receivers: Sequence[Receiver], asked: Sequence[Subscription] | None, decision: DecisionKind
) -> tuple[str, ...]:
    """The names of those who hear of a decision, each once.

    asked: what the release says; None where it says nothing, so that the default holds.
    """
    if asked is None:
        return tuple(r.name for r in receivers if r.by_default and _wants(r.on, decision))
    kinds = {r.name: r.on for r in receivers}
    wanted = {
        each.receiver
        for each in asked
        if each.receiver in kinds
        and _wants(kinds[each.receiver] if each.on is None else each.on, decision)
    }
    return tuple(name for name in kinds if name in wanted)


def unknown(receivers: Sequence[Receiver], asked: Sequence[Subscription] | None) -> tuple[str, ...]:
    """The receivers that a release names and that there aren't."""
    names = {receiver.name for receiver in receivers}
    return tuple(sorted({each.receiver for each in asked or ()} - names))


def unsent(
    uid: str, history: Sequence[HistoryEntry], last: str, since: datetime
) -> tuple[HistoryEntry, ...]:
    """The decisions after the one of identity `last`, and not before `since`.

    A history that doesn't have that one any more has only later ones.
    """
    names = [identity(uid, entry) for entry in history]
    later = history[names.index(last) + 1 :] if last in names else history
    return tuple(entry for entry in later if entry.at >= since)


def message(receiver: Receiver, notification: Notification) -> Message:
    """What a receiver is sent."""
    if receiver.format is Format.SLACK:
        return Message("application/json", _slack(receiver.template, notification))
    return Message("application/cloudevents+json", _cloud_event(receiver.template, notification))


def _wants(kinds: Sequence[DecisionKind] | None, decision: DecisionKind) -> bool:
    return kinds is None or decision in kinds


def _fields(notification: Notification) -> dict[str, Any]:
    entry = notification.entry
    return {
        "namespace": notification.namespace,
        "name": notification.name,
        "target": notification.target,
        "decision": str(entry.decision),
        "reason": entry.reason,
        "message": entry.message,
        "weight": entry.weight,
        "step": entry.step,
        "revision": entry.revision,
    }


def _text(template: str, fields: dict[str, Any]) -> str:
    """The template with values for names; a value is never read as a template."""
    shown = {name: "" if value is None else str(value) for name, value in fields.items()}
    return re.sub(r"\{(\w+)\}", lambda found: shown[found[1]], template)


def _cloud_event(template: str, notification: Notification) -> dict[str, Any]:
    """By CloudEvents 1.0, the JSON format; the pair of source and id is unique."""
    fields = _fields(notification)
    place = f"namespaces/{notification.namespace}/canaryreleases/{notification.name}"
    return {
        "specversion": "1.0",
        "id": notification.id,
        "source": f"/apis/linnet.dev/v1alpha1/{place}",
        "type": TYPE + fields["decision"].lower(),
        "subject": notification.name,
        "time": notification.entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {**fields, "text": _text(template, fields)},
    }


def _slack(template: str, notification: Notification) -> dict[str, Any]:
    """One attachment, which also those understand that know no blocks.

    Three characters are markup to Slack, and nothing in a message may be: `<!channel>` in it would
    call everybody. The template is the administrator's, and may have markup.
    """
    fields = {
        name: _plain(value) if isinstance(value, str) else value
        for name, value in _fields(notification).items()
    }
    text = _text(template, fields)
    details = {
        "Reason": fields["reason"],
        "Weight": f"{fields['weight']} %",
        "Version": fields["revision"],
    }
    attachment = {
        "fallback": text,
        "text": text,
        "color": _COLOURS.get(notification.entry.decision, "#4a90d9"),
        "fields": [
            {"title": title, "value": value, "short": True}
            for title, value in details.items()
            if value
        ],
        "ts": int(notification.entry.at.timestamp()),
    }
    return {"attachments": [attachment]}


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
