"""The difference that a treatment makes: in the metric's own unit, or relative to control."""

from dataclasses import dataclass

import numpy as np

from linnet.stats.experiment.arms import Arm
from linnet.stats.state import Array, Numbers


@dataclass(frozen=True)
class Effect:
    """size: treatment against control. variance: of the size; inf where nothing is known."""

    size: Numbers
    variance: Numbers

    def z(self) -> Array:
        """How many standard errors the size is from 0; 0 where nothing is known."""
        told = np.isfinite(self.size) & np.isfinite(self.variance) & (np.asarray(self.variance) > 0)
        error = np.sqrt(np.where(told, self.variance, 1.0))
        return np.where(told, self.size / error, 0.0)


def absolute(control: Arm, treatment: Arm) -> Effect:
    """treatment - control."""
    return Effect(
        treatment.value - control.value, np.asarray(control.variance + treatment.variance)
    )


def relative(control: Arm, treatment: Arm) -> Effect:
    """treatment / control - 1, with the variance of the delta method.

    Unknown where control is not positive, and of little use where control is hardly more than its
    standard error.
    """
    c, t = np.asarray(control.value), np.asarray(treatment.value)
    known = np.isfinite(c) & (c > 0)
    base = np.where(known, c, 1.0)
    spread = treatment.variance / base**2 + t**2 * control.variance / base**4
    return Effect(np.where(known, t / base - 1, np.nan), np.where(known, spread, np.inf))
