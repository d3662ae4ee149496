// The standard load on recochat, by k6: warm-up, steady and spike over five endpoints, open loop
// (requests come at their rate, however slow answers are), and beside it requests that must be
// refused. Environment: BASE_URL (several, with commas: each is asked in turn), RATE (requests a
// second when steady), DURATION (of each part), WARMUP (of the first one, if another), SPIKE (how
// many times RATE; 0: no spike), SUMMARY (a file for the figures as JSON).
import http from "k6/http";
import exec from "k6/execution";
import { Counter, Rate } from "k6/metrics";

const BASES = (__ENV.BASE_URL || "http://localhost:8080").split(",").map((u) => u.replace(/\/$/, ""));
const RATE = Number(__ENV.RATE || 100);
const SPIKE = Math.round(RATE * Number(__ENV.SPIKE || 3));
const SECONDS = seconds(__ENV.DURATION || "60s");
const WARMUP = seconds(__ENV.WARMUP || `${SECONDS}s`);
const PARTS = SPIKE ? ["warmup", "steady", "spike"] : ["warmup", "steady"];

// Milliseconds. What the service promises; a run that misses one of them fails.
const BASELINE = {
  recommendations: { p95: 100, p99: 250 },
  similar: { p95: 100, p99: 250 },
  item: { p95: 100, p99: 250 },
  chat: { p95: 200, p99: 500 },
  session: { p95: 200, p99: 500 },
};

function seconds(duration) {
  return parseInt(duration) * (duration.endsWith("m") ? 60 : 1);
}

const failures = new Rate("failures");
const answered = new Counter("answered");

function arriving(exec, rate, length, start) {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate,
    duration: `${length}s`,
    startTime: `${start}s`,
    preAllocatedVUs: Math.max(20, Math.ceil(rate / 4)),
    maxVUs: Math.max(50, 2 * rate),
    gracefulStop: "10s",
  };
}

const limits = { failures: ["rate<0.005"], "failures{part:guard}": ["rate<0.005"] };
for (const [endpoint, { p95, p99 }] of Object.entries(BASELINE)) {
  limits[`http_req_duration{endpoint:${endpoint},part:steady}`] = [`p(95)<${p95}`, `p(99)<${p99}`];
  limits[`failures{endpoint:${endpoint}}`] = ["rate<0.005"];
}
for (const part of PARTS) {
  // Figures of their own in the summary. The promise of the whole service holds in the spike too.
  limits[`http_req_duration{part:${part}}`] = ["p(95)<1000", "avg<500"];
  limits[`answered{part:${part}}`] = ["count>0"];
}

export const options = {
  // What nobody reads isn't made: on a small machine the generator is half of the load.
  discardResponseBodies: true,
  systemTags: [],
  summaryTrendStats: ["avg", "med", "p(95)", "p(99)", "max"],
  thresholds: limits,
  scenarios: {
    warmup: {
      executor: "ramping-arrival-rate",
      exec: "mixed",
      startRate: 1,
      stages: [{ target: RATE, duration: `${WARMUP}s` }],
      preAllocatedVUs: Math.max(20, Math.ceil(RATE / 4)),
      maxVUs: Math.max(50, 2 * RATE),
      gracefulStop: "10s",
    },
    steady: arriving("mixed", RATE, SECONDS, WARMUP),
    ...(SPIKE ? { spike: arriving("mixed", SPIKE, SECONDS, WARMUP + SECONDS) } : {}),
    guard: arriving("guard", Math.max(1, Math.round(RATE / 50)),
      WARMUP + (PARTS.length - 1) * SECONDS, 0),
  },
};

const JSON_HEADERS = { "Content-Type": "application/json" };
const INTERESTS = ["jazz", "hiking", "opera", "cooking", "chess", "gardening"];
const SAYINGS = ["I like jazz and hiking", "suggest something", "another one", "why?", "thanks"];

function pick(list, n) {
  return list[n % list.length];
}

function base() {
  return BASES[exec.scenario.iterationInTest % BASES.length];
}

function item(n) {
  return `item-${String(n % 48).padStart(2, "0")}`;
}

function note(answer, endpoint, part, expected) {
  const ok = expected.includes(answer.status);
  const tags = { endpoint, part };
  failures.add(!ok, tags);
  answered.add(1, tags);
}

function post(path, body, endpoint, part, expected = [200]) {
  const params = { headers: JSON_HEADERS, tags: { endpoint, part, name: endpoint } };
  note(http.post(base() + path, JSON.stringify(body), params), endpoint, part, expected);
}

function get(path, endpoint, part, expected = [200]) {
  note(http.get(base() + path, { tags: { endpoint, part, name: endpoint } }), endpoint, part, expected);
}

export function mixed() {
  const part = exec.scenario.name;
  const n = exec.scenario.iterationInTest;
  const user = `user-${String(n % 240).padStart(3, "0")}`;
  const session = `load-${exec.vu.idInTest}`;
  const draw = n % 20;
  if (draw < 6) {
    post("/api/v2/recommendations", { user_id: user, interests: [pick(INTERESTS, n)] },
      "recommendations", part);
  } else if (draw < 10) {
    // Somebody new, of whom the service can't have kept an answer.
    post("/api/v2/recommendations", { user_id: `guest-${n}`, history: [item(n), item(7 * n + 1)] },
      "recommendations", part);
  } else if (draw < 16) {
    post("/api/v2/chat", { message: pick(SAYINGS, n), session_id: session, user_id: user },
      "chat", part);
  } else if (draw < 18) {
    get(`/api/v2/items/${item(n)}/similar`, "similar", part);
  } else if (draw < 19) {
    get(`/api/v2/items/${item(n)}`, "item", part);
  } else {
    // A virtual user that has said nothing yet has no session.
    get(`/api/v2/session/${session}`, "session", part, [200, 404]);
  }
}

export function guard() {
  const n = exec.scenario.iterationInTest;
  if (n % 3 === 0) {
    post("/api/v2/recommendations", { user_id: "" }, "guard", "guard", [422]);
  } else if (n % 3 === 1) {
    post("/api/v2/chat", { message: "x".repeat(70000) }, "guard", "guard", [413]);
  } else {
    get("/api/v2/items/nothing", "guard", "guard", [404]);
  }
}

export function handleSummary(data) {
  const lines = [];
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [limit, { ok }] of Object.entries(metric.thresholds || {})) {
      lines.push(`${ok ? "pass" : "FAIL"}  ${name}  ${limit}`);
    }
  }
  const written = { stdout: `${lines.sort().join("\n")}\n` };
  if (__ENV.SUMMARY) written[__ENV.SUMMARY] = JSON.stringify(data);
  return written;
}
