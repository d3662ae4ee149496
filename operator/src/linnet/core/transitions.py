"""Which phase may follow which. Everything that knows this lives here.

`docs/architecture.md` draws its picture from this table; a move that is not in it is an error.
"""

from linnet.api.status import Phase

TRANSITIONS: dict[Phase, dict[Phase, str]] = {
    Phase.PENDING: {
        Phase.IDLE: "adopted",
    },
    Phase.IDLE: {
        Phase.STARTING: "new template",
        Phase.PENDING: "target or route unusable",
    },
    Phase.STARTING: {
        Phase.PROGRESSING: "canary ready",
        Phase.ROLLING_BACK: "canary fails, superseded or asked for",
    },
    Phase.PROGRESSING: {
        Phase.PROMOTING: "last step passed",
        Phase.ROLLING_BACK: "breach, superseded or asked for",
    },
    Phase.PROMOTING: {
        Phase.RETURNING: "stable rolled out",
        Phase.ROLLING_BACK: "superseded or asked for before that",
    },
    Phase.RETURNING: {
        Phase.PROMOTED: "canary drained",
    },
    Phase.ROLLING_BACK: {
        Phase.ROLLED_BACK: "canary drained",
        Phase.IDLE: "superseded or reverted",
    },
    Phase.PROMOTED: {
        Phase.STARTING: "new template",
        Phase.PENDING: "target or route unusable",
    },
    Phase.ROLLED_BACK: {
        Phase.STARTING: "new template, or another try",
        Phase.IDLE: "template put back",
        Phase.PENDING: "target or route unusable",
    },
}

RESTING = frozenset({Phase.PENDING, Phase.IDLE, Phase.PROMOTED, Phase.ROLLED_BACK})
"""Phases in which stable serves everything and nothing is under way."""


class IllegalTransition(Exception):
    """A phase was asked to follow one that it may not follow."""


def check(before: Phase, after: Phase) -> None:
    """Let a move pass that the table knows; staying is always allowed.

    Raises:
        IllegalTransition: the table doesn't know the move.
    """
    if after is not before and after not in TRANSITIONS[before]:
        raise IllegalTransition(f"{before} can't be followed by {after}")
