"""What tracked config means to a release: which version is wanted, and what stable's pods read."""

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import DecisionKind
from linnet.core.actions import Action, ResumeStable, WriteConfig
from linnet.core.config import mounted
from linnet.core.decision import Situation, Trouble, hold_stable, remember
from linnet.core.observed import StableObserved
from linnet.core.revision import config_part, revision, template_part


def wanted(situation: Situation) -> str | None:
    """The version that people ask for; None where it can't be told."""
    stable, config = situation.observed.stable, situation.observed.config
    if stable is None:
        return None
    if not situation.spec.tracked_config:
        return stable.template_revision
    if config is None or config.problem is not None:
        return None
    return revision(stable.template_revision, config.source)


def served(situation: Situation) -> set[str]:
    """The versions that stable's pods run.

    Their content is that of what they read. What their ReplicaSet was promoted with is not asked:
    it was never promoted at adoption, and nobody rolls content out but the operator.
    """
    stable, config = situation.observed.stable, situation.observed.config
    serving = stable.serving if stable else {}
    return {revision(template_part(each), config.live if config else "") for each in serving}


def changed_part(before: str, after: str) -> str:
    """What makes two versions differ, as a reason begins: Template or Config."""
    return "Config" if template_part(before) == template_part(after) else "Template"


def guard(situation: Situation) -> tuple[Action, ...]:
    """Keep stable as it is: paused, and reading the content of its version."""
    return (*hold_stable(situation), *_put_back(situation))


def _put_back(situation: Situation) -> tuple[Action, ...]:
    config = situation.observed.config
    stable = config_part(situation.status.stable_revision)
    if config is None or config.problem is not None or not stable:
        return ()
    as_it_should_be = config.written and config.live == stable and config.copies.get(stable)
    return () if as_it_should_be or not config.has(stable) else (WriteConfig(stable),)


def first_write(situation: Situation) -> tuple[Action, ...]:
    """Before adoption: what the template names is made where it isn't there; pods wait for it."""
    stable, config = situation.observed.stable, situation.observed.config
    if stable is None or config is None or config.problem is not None or config.written:
        return ()
    if not_mounted(situation.spec, stable) is not None:
        return ()
    return (WriteConfig(config.live),)


def follow(situation: Situation) -> Situation:
    """Believe what stable's pods read where the content that they should read is nowhere.

    That is so when tracking begins or tracks something else, and after somebody has edited both
    what pods read and the copies. Where tracking has ended the version is the template alone.
    """
    status, config = situation.status, situation.observed.config
    template, known = template_part(status.stable_revision), config_part(status.stable_revision)
    if config is None:
        followed = status.model_copy(update={"stable_revision": template})
    elif config.has(known):
        return situation
    else:
        named = revision(template, config.live)
        followed = remember(
            situation,
            status.model_copy(update={"stable_revision": named}),
            DecisionKind.ADOPTED,
            "ConfigFollowed",
            f"Stable's pods read config {config.live}",
        )
    return Situation(situation.spec, followed, situation.observed, situation.now)


def ended(situation: Situation) -> bool:
    """Whether nothing is tracked any more, but the version still tells of something."""
    return situation.observed.config is None and bool(config_part(situation.status.stable_revision))


def has_copies(situation: Situation) -> bool:
    """Whether there may be copies of tracked config."""
    status = situation.status
    released = (status.stable_revision, status.canary_revision)
    return bool(situation.spec.tracked_config) or any(map(config_part, released))


def copy_missing(situation: Situation) -> bool:
    """Whether the content that the canary is to run with has no copy, or not a whole one."""
    wanted_config = config_part(situation.status.canary_revision)
    config = situation.observed.config
    return config is not None and not config.copies.get(wanted_config)


def leftover(situation: Situation) -> bool:
    """Whether there are copies of other content than stable's."""
    config, stable = situation.observed.config, config_part(situation.status.stable_revision)
    return config is not None and bool(config.copies.keys() - {stable})


def take_over(situation: Situation) -> tuple[Action, ...]:
    """The next step of stable towards the canary's version.

    First what its pods read is written, and only once that is seen its pods start: a kubelet
    that learns of both at once could start them with the old content.
    """
    stable, released = situation.observed.stable, situation.status.canary_revision
    if not _reads(situation, config_part(released)):
        return (WriteConfig(config_part(released)),)
    held = stable is not None and (stable.paused or not is_released(situation, asked(stable)))
    return (ResumeStable(released),) if held else ()


def content_for(situation: Situation, version: str) -> tuple[Action, ...]:
    """In a promotion: have stable's pods read what belongs to a verified version of them."""
    if not is_released(situation, version):
        return _put_back(situation)
    released = config_part(situation.status.canary_revision)
    return () if _reads(situation, released) else (WriteConfig(released),)


def taken_over(situation: Situation) -> bool:
    """Whether all of stable's pods run the canary's version, and read its content."""
    stable, released = situation.observed.stable, situation.status.canary_revision
    if stable is None or not stable.rolled_out or not _reads(situation, config_part(released)):
        return False
    return all(is_released(situation, each) for each in stable.serving)


def content_lost(situation: Situation) -> Trouble | None:
    """In a promotion: the content that was verified is nowhere."""
    config, released = situation.observed.config, config_part(situation.status.canary_revision)
    if config is None or not released or config.has(released):
        return None
    if config.problem is not None:
        return Trouble(*config.problem)
    return Trouble(
        "ConfigChangedWhilePromoting",
        f"The copies of config {released}, or spec.trackedConfig, changed while stable took over: "
        "traffic stays on the canary. Put them back to go on",
    )


def content_unwritten(situation: Situation) -> Trouble | None:
    """In a promotion: why what pods read isn't written. A source that is gone is no reason."""
    config, released = situation.observed.config, config_part(situation.status.canary_revision)
    if config is None or config.problem is None or _reads(situation, released):
        return None
    return Trouble(*config.problem)


def asked(stable: StableObserved) -> str:
    """What Kubernetes would roll out: the template, with the config that it is annotated with."""
    return revision(stable.template_revision, stable.config)


def not_mounted(spec: CanaryReleaseSpec, stable: StableObserved | None) -> tuple[str, str] | None:
    """What is tracked but not named by the template, as (reason, message with the remedy)."""
    for number, each in enumerate(spec.tracked_config):
        if stable is not None and mounted(each) not in stable.reads:
            return (
                "ConfigNotMounted",
                f"spec.trackedConfig[{number}].mountedAs: the template of Deployment "
                f"{spec.target_ref.name} does not read {mounted(each)}: name it there instead of "
                f"{each.name}, or remove the entry",
            )
    return None


def _reads(situation: Situation, config: str) -> bool:
    """Whether stable's pods read this content from now on, if it is known what they read."""
    found = situation.observed.config
    return found is None or not config or (found.written and found.live == config)


def is_released(situation: Situation, found: str) -> bool:
    """In a promotion: whether a version of the Deployment is the one released.

    Where tracking has begun or ended in mid-release, the template alone tells.
    """
    released = situation.status.canary_revision
    if situation.spec.tracked_config and config_part(released):
        return found == released
    return template_part(found) == template_part(released)
