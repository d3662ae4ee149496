"""The rules that decide, in words, by the reason that a decision carries; and who asked for it."""

import re

from linnet.api.status import DecisionKind, HistoryEntry

BY_REASON = {
    "Adopted": "the Deployment, its Service and what splits traffic can be used as they are",
    "RolledOutElsewhere": "stable runs the new template: somebody rolled it out past Linnet",
    "ConfigFollowed": "what stable's pods read is taken as it is, where nothing else is known",
    "CanaryReady": "the canary's pods are ready, and the route knows of them without traffic",
    "StepPassed": (
        "the weight was seen for the step's hold, and each check has minSamples measurements in a "
        "row within its advance limit, taken at that weight"
    ),
    "LastStepPassed": "the same, of the step with 100 %",
    "Promoted": "stable runs the new version, traffic is back on it, and the canary has drained",
    "StableRolledOut": "every pod of stable runs the version that was promoted, and is ready",
    "Suspended": "spec.suspend freezes the steps; rollback stays armed",
    "WaitingForRoute": "a step's clock starts when the route reports the weight as accepted",
    "WaitingForApproval": "a step with approvals waits for as many people as it asks for",
    "WaitingForCapacity": "the pods for the next weight are ready before its traffic comes",
    "NotMeasured": "a step is passed only by measurements taken at its weight",
    "NoEvidence": "no evidence is never success: at least one check must have given a value",
    "NotCompared": "a step is passed only once the versions were compared at its weight",
    "Hold": "a value between the advance limit and the rollback limit holds the release",
    "Breach": "a value beyond its rollback limit, not yet often enough in a row to roll back",
    "NoData": "a check without a value holds the release, unless its noData says otherwise",
    "Error": "a query that fails holds the release: it proves nothing against the version",
    "SharedIncident": "what stable suffers from, too, is no fault of the version: hold",
    "Invalid": "traffic that isn't split as asked for can't be compared: hold",
    "CanaryMissing": "a canary with traffic that disappears ends the release at once",
    "CanaryFailing": "pods that crash-loop or can't start end the release at once",
    "CanaryDown": "a canary with traffic and no ready pod ends the release at once",
    "CanaryNotReady": "the canary's pods have canary.readyDeadline to become ready",
    "QuotaExceeded": "pods that a quota refuses until canary.readyDeadline end the release",
    "PodsRefused": "pods that the API server refuses until canary.readyDeadline end the release",
    "HoldDeadlineExceeded": "a step may be held for analysis.holdDeadline",
    "PromotionStuck": "stable has promotion.progressDeadline to take the new version over",
    "TemplateChanged": "another template in mid-release: traffic returns, and it starts anew",
    "ConfigChanged": "other tracked config in mid-release: traffic returns, and it starts anew",
    "TemplateReverted": "the template that stable runs was put back: there is nothing to release",
    "ConfigReverted": "the config that stable reads was put back: there is nothing to release",
    "Requested": "a person asked for it",
    "ExperimentBegun": "users are divided, and the route tells the application of the experiment",
    "ExperimentSucceeded": "a rule of the experiment, which is named, has the result Success",
    "ExperimentFailed": "a rule of the experiment, or a person, has the result Failure",
    "ExperimentInvalid": "users who were not drawn as planned can't be compared: no figure counts",
    "ExperimentRunning": "an experiment holds its step for as long as it runs",
    "WaitingForDecision": "an experiment that ended without an answer takes a person's",
    "AlertFired": "an alert that began in this release, and that by the rules for alerts ends it",
    "Frozen": "an alert freezes the steps until it is resolved; rollback stays armed",
}
BY_KIND = {
    DecisionKind.STARTED: "the template, or tracked config, differs from what stable runs",
    DecisionKind.REQUESTED: "a person asked for it",
    DecisionKind.REFUSED: "what a person asked for can't be done now: nothing has moved",
    DecisionKind.STALLED: "something that a release needs can't be used: nothing moves",
    DecisionKind.HELD: "a step's time is up and something keeps the release from going on",
}
BREACHED, WORSE = "Breached", "Worse"


def rule(entry: HistoryEntry) -> str:
    """The rule that a decision was made by."""
    if entry.decision is DecisionKind.STARTED:
        return BY_KIND[entry.decision]
    if entry.reason in BY_REASON:
        return BY_REASON[entry.reason]
    if entry.reason.endswith(BREACHED):
        return "a check beyond its rollback limit as many times in a row as it takes rolls back"
    if entry.reason.endswith(WORSE):
        return "evidence beyond the release's budget of false rollbacks rolls back"
    return BY_KIND.get(entry.decision, "")


PERSON = (
    r"was asked for by (.+?)(?:: |; |$)|^\S+ by (.+?) was refused|^(.+?) approved \d+ %"
    r"|^Experiment \S+ was (?:stopped|decided as a \w+) by (.+?)(?:: |$)"
)
"""Who asked, in a message. Names have colons: system:serviceaccount:shop:jane."""


def asked_by(entry: HistoryEntry) -> str:
    """Who asked for it: what a request says of itself, an alert, or the policy."""
    if entry.reason == "AlertFired":
        return "an alert"
    if entry.reason != "Requested" and entry.decision not in ("Requested", "Refused"):
        return "the policy"
    found = re.search(PERSON, entry.message)
    who = next((part for part in found.groups() if part), "") if found else ""
    return who or "somebody who didn't say their name"
