"""What becomes of a promotion that is to end: stable is made whole on a verified version.

That is so where the template changes, or where somebody asks for a rollback.

Two versions are verified: the one that was promoted, which the canary serves, and the one that
stable ran before. Pods of the changed template may have started before the rollout was held.
Traffic stays on the canary until all of stable's pods are of one verified version: the promoted one
where it has a ReplicaSet, or else the one before. Then the promotion, or the return to the version
before, ends as it always does, and the changed template is the next release.
"""

from datetime import timedelta

from linnet.api.status import DecisionKind, Phase, WeightStatus
from linnet.core import requests, tracking, watching
from linnet.core.actions import Action, HoldStable, SettleStable, SetWeight
from linnet.core.decision import Decision, Situation, Trouble, enter, missing_part, stay
from linnet.core.observed import StableObserved
from linnet.core.revision import template_part
from linnet.core.rollback import end, superseded


def settling(situation: Situation, stable: StableObserved, traffic: tuple[Action, ...]) -> Decision:
    """Hold what is being rolled out, make stable whole, and end the promotion.

    traffic: what keeps traffic on what works.
    """
    message = _why(situation)
    if not stable.paused:
        wake = time_to_promote(situation) or None
        return stay(situation, message, (*traffic, HoldStable()), wake)
    version = _verified(situation, stable)
    if version is None:
        lost = Trouble(
            "ChangedWhilePromoting",
            f"{message}, and stable has no ReplicaSet of a verified version: traffic "
            "stays on the canary. Put the template back to go on",
        )
        return stay(situation, lost.message, traffic, None, lost)
    if set(stable.serving) == {version} and stable.ready >= stable.replicas:
        return _settled(situation, version)
    left = time_to_promote(situation)
    message = (
        f"{message}: first all of its pods get to run {version} "
        f"({stable.ready} of {stable.replicas} available)"
    )
    content = tracking.content_for(situation, version)
    actions = (*traffic, *(content or (SettleStable(version),)))
    trouble = tracking.content_unwritten(situation)
    if not left:
        trouble = Trouble("PromotionStuck", f"{message}: traffic stays on what works")
    return stay(situation, message, actions, left or None, trouble)


def return_traffic(situation: Situation) -> Decision:
    """Stable runs the promoted version: traffic returns to it."""
    moved = enter(
        situation,
        Phase.RETURNING,
        DecisionKind.RETURNED,
        "StableRolledOut",
        "Stable runs the new version on all its pods; traffic returns to it",
        stable_revision=situation.status.canary_revision,
        weight=WeightStatus(wanted=0, seen=situation.status.weight.seen),
    )
    return Decision(moved, (SetWeight(0), HoldStable()))


def time_to_promote(situation: Situation) -> timedelta | None:
    """Time until the promotion takes longer than it may."""
    deadline, status = situation.spec.promotion.progress_deadline, situation.status
    return watching.time_left(status, status.phase_since, deadline, situation.now)


def _why(situation: Situation) -> str:
    asked = requests.rollback_asked(situation)
    released = situation.status.canary_revision
    what = asked.message if asked is not None else "The template changed"
    return f"{what} while stable took over {released}"


def _settled(situation: Situation, version: str) -> Decision:
    if tracking.is_released(situation, version):
        return return_traffic(situation)
    asked = requests.rollback_asked(situation)
    if asked is not None:
        return end(situation, DecisionKind.ROLLED_BACK, asked)
    ending = superseded(situation)
    if ending is None:
        missing = missing_part(situation)
        return stay(situation, missing.message, (), None, missing)
    return ending


def _verified(situation: Situation, stable: StableObserved) -> str | None:
    """The version that stable is to run; None where no verified one is to be had."""
    former = template_part(situation.status.stable_revision)
    new = {each for each in stable.versions if tracking.is_released(situation, each)}
    old = {each for each in stable.versions - new if template_part(each) == former}
    if tracking.content_lost(situation) is not None:
        new = set()
    # Back to the version before where that is asked for, and where the new one doesn't come up.
    asked = requests.rollback_asked(situation) is not None
    back = asked or stable.template_revision == former or not time_to_promote(situation)
    found = (old or new) if back else (new or old)

    def rank(version: str) -> tuple[bool, bool, str]:
        return version in stable.serving, version == situation.status.stable_revision, version

    return max(found, key=rank, default=None)
