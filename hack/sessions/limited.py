"""A service behind a limit of its rate, as `linnet probe` meets it: computed, not asked."""

from math import ceil

from linnet.cli.probe.answers import Answer
from linnet.cli.probe.send import Plan, Sent

PASS, EVERY_S = 200, 10.0
"""So many requests pass in each window of so many seconds."""


async def send(plan: Plan) -> Sent:
    """In place of `linnet.cli.probe.send.send`."""
    seconds = [number / plan.rate for number in range(plan.requests)]
    passed: dict[int, int] = {}
    answers = []
    for number, at in enumerate(seconds):
        window = int(at / EVERY_S)
        passed[window] = passed.get(window, 0) + 1
        took = 0.006 + 0.04 * (number * 37 % 101 / 100) ** 6
        if passed[window] <= PASS:
            answers.append(Answer(200, took))
        else:
            wait = ceil((window + 1) * EVERY_S - at)
            answers.append(Answer(429, took / 3, retry_after=float(wait)))
    return Sent(tuple(answers), plan.requests / plan.rate)
