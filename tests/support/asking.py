"""What people ask of a release, as they write it."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.world import World


def ask(world: "World", action: str, **more: Any) -> str:
    """Jane asks for something; returns the request's id, another one each time."""
    number = json.loads(world.request)["id"] if world.request else "r0"
    name = f"r{int(number[1:]) + 1}"
    asked = {"id": name, "action": action, "by": "jane", "at": world.now.isoformat(), **more}
    world.request = json.dumps(asked)
    return name


def action_of(text: str) -> str:
    """What is asked for; '' if nothing is."""
    return str(json.loads(text)["action"]) if text else ""


def id_of(text: str) -> str:
    """The id of what is asked for; '' if nothing is."""
    return str(json.loads(text)["id"]) if text else ""
