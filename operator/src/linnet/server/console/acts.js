// What somebody may ask of a release now: for each the verb that it takes, and when it makes sense.

import { undecided } from "./experiment.js";

const UNDER_WAY = ["Starting", "Progressing", "Promoting"];

const ahead = ({ spec, status }) => spec.steps.filter((step) => step.weight > status.weight.wanted);
const moves = (one) => one.status.phase === "Progressing" && !one.spec.suspend && !undecided(one);
const decided = (result) => ({ status }) => ({ result, revision: status.experiment.revision });

function mayApprove({ spec, status }, user) {
  const weight = status.weight?.wanted;
  const step = spec.steps.find((each) => each.weight === weight);
  if (status.phase !== "Progressing" || !step?.approvals) return false;
  return !(status.approvals ?? []).some((given) =>
    given.by === user && given.weight === weight && given.revision === status.canaryRevision &&
    !(given.at < status.stepSince));
}

// why: whether a reason has to be given. It has where the canary may get more traffic by it.
export const ACTS = [
  {
    id: "approve", verb: "approve", why: true, kind: "main",
    when: mayApprove,
    label: () => "Approve",
    title: ({ name, status }) => `Approve ${name} at ${status.weight.wanted}\u00a0%?`,
    text: ({ status }) => `You approve version ${status.canaryRevision} in this step, in your name. `
      + "What the step asks for else, it asks for still.",
    body: ({ status }) => ({ revision: status.canaryRevision }),
  },
  {
    id: "next", verb: "promote", why: true,
    when: (one) => moves(one) && ahead(one).length > 0,
    label: (one) => `Go on to ${ahead(one)[0].weight}\u00a0%`,
    title: (one) => `Have ${one.name} go on to ${ahead(one)[0].weight}\u00a0%?`,
    text: () => "Now, without waiting for the hold or for evidence.",
    path: "canary/enable",
    body: (one) => ({ trafficPercentage: ahead(one)[0].weight }),
  },
  {
    id: "promote", verb: "promote", why: true,
    when: moves,
    label: () => "Promote",
    title: ({ name }) => `Promote ${name} now?`,
    text: () => "Past all steps that are left, without waiting for evidence. A step that asks for "
      + "approvals waits for them.",
    body: () => ({ full: true }),
  },
  {
    id: "stop", verb: "decide", why: true,
    when: (one) => undecided(one) && one.status.experiment.result === "Running",
    label: () => "Stop the experiment",
    title: ({ name }) => `Stop the experiment of ${name}?`,
    text: () => "It ends now, without a result. The release then waits for a person to decide.",
    path: "experiments/stop",
  },
  {
    id: "success", verb: "decide", why: true,
    when: undecided,
    label: () => "Decide: success",
    title: ({ name }) => `Call the experiment of ${name} a success?`,
    text: () => "The release goes on, whatever the rules of the experiment say.",
    path: "experiments/decide",
    body: decided("Success"),
  },
  {
    id: "failure", verb: "decide", why: true, kind: "danger",
    when: undecided,
    label: () => "Decide: failure",
    title: ({ name }) => `Call the experiment of ${name} a failure?`,
    text: ({ status }) => `All traffic returns to stable ${status.stableRevision}, at once.`,
    path: "experiments/decide",
    body: decided("Failure"),
  },
  {
    id: "pause", verb: "patch", why: false,
    when: ({ spec }) => !spec.suspend,
    label: () => "Pause",
    title: ({ name }) => `Pause ${name}?`,
    text: () => "No step is taken until it is resumed. It still rolls back where a limit is broken.",
  },
  {
    id: "resume", verb: "patch", why: true,
    when: ({ spec }) => spec.suspend,
    label: () => "Resume",
    title: ({ name }) => `Resume ${name}?`,
    text: () => "It goes on by its steps.",
  },
  {
    id: "retry", verb: "promote", why: true,
    when: ({ status }) => status.phase === "RolledBack" && Boolean(status.failedRevision),
    label: () => "Try again",
    title: ({ name }) => `Release ${name} again?`,
    text: ({ status }) => `Version ${status.failedRevision} was rolled back. It starts again from `
      + "the first step.",
  },
  {
    id: "rollback", verb: "rollback", why: false, kind: "danger",
    when: ({ status }) => UNDER_WAY.includes(status.phase),
    label: () => "Roll back",
    title: ({ name }) => `Roll back ${name}?`,
    text: ({ status }) => `All traffic returns to stable ${status.stableRevision}, at once.`,
  },
];
