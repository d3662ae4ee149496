"""The experiment of a release's steps."""

from linnet.api.experiment import Experiment
from linnet.api.spec import CanaryReleaseSpec


def asked_for(spec: CanaryReleaseSpec) -> Experiment | None:
    """The experiment that a step asks for, at that step's weight; None if none does."""
    for step in spec.steps:
        if step.experiment is not None:
            return step.experiment.at(step.weight)
    return None
