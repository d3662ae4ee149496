"""What is remembered of a conversation when its turns are long gone.

A store keeps it as facts by name, so that two answers given at the same time both add to it:
``name``, ``persona``, ``like:<word>`` and ``seen:<item id>``, the last two with the number of the
turn that told them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from recochat.sessions.base import Change, Session

# About 2 KB of a session in all, however long it gets.
_INTERESTS: Final = 24
_SUGGESTED: Final = 60


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of the person. "" and (): nothing."""

    name: str = ""
    persona: str = ""
    interests: tuple[str, ...] = ()
    """Words of the catalogue that they said they like, in the order in which they did."""
    suggested: tuple[str, ...] = ()
    """Ids of items, in the order in which they were suggested."""

    def summary(self, turns_before: int) -> str:
        """In words, with the number of turns that are told no more. "" if there is nothing."""
        known = []
        if self.name:
            known.append(f"their name is {self.name}")
        if self.interests:
            known.append(f"they like {listed(self.interests)}")
        if self.persona:
            known.append(f"they seem to be one of the {self.persona}s")
        if self.suggested:
            known.append(f"{len(self.suggested)} items were suggested")
        if not known:
            return ""
        before = f"After {turns_before} earlier turns: " if turns_before else "So far: "
        return f"{before}{'; '.join(known)}."


def recall(facts: Mapping[str, str]) -> Memory:
    """What ``facts`` say. Facts of a name that isn't known are another version's, and ignored."""
    return Memory(
        facts.get("name", ""),
        facts.get("persona", ""),
        _in_order(facts, "like:"),
        _in_order(facts, "seen:"),
    )


def change(session: Session | None, memory: Memory, user_id: str) -> Change:
    """What makes a session that was ``session`` remember ``memory``."""
    facts = session.facts if session else {}
    turn = str(session.turn_count if session else 0)
    told = {"name": memory.name, "persona": memory.persona}
    for prefix, words, most in (
        ("like:", memory.interests, _INTERESTS),
        ("seen:", memory.suggested, _SUGGESTED),
    ):
        told |= {prefix + word: facts.get(prefix + word, turn) for word in words[-most:]}
    changed = {name: fact for name, fact in told.items() if fact and facts.get(name) != fact}
    gone = [name for name in facts if name.startswith(("like:", "seen:")) and name not in told]
    return Change(user_id, changed, gone)


def listed(words: Iterable[str]) -> str:
    """One or more words as a list in a sentence."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _in_order(facts: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    found = [(fact, name) for name, fact in facts.items() if name.startswith(prefix)]
    # By turn; within one in the order of the store, which is the order in which they were added.
    found.sort(key=lambda each: int(each[0]) if each[0].isdigit() else 0)
    return tuple(name.removeprefix(prefix) for _, name in found)
