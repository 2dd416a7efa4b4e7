/* Attempts: one entry is one generated adversary, with its question and its aligned response. */
const attempts = DATA.attempts;
const queryOf = (attempt) => DATA.queries[attempt.query];
const videoOf = (attempt) => DATA.videos[queryOf(attempt).video];
const slotOf = (attempt) => `${attempt.query} ${attempt.slot}`;
const slots = new Map();
for (const attempt of attempts) slots.set(slotOf(attempt), [...(slots.get(slotOf(attempt)) || []), attempt]);

/* What a person said: the last decision on the texts as they are now, unless it was withdrawn. */
function isOnTheseTexts(attempt, opinion) {
  return opinion.adversary_version === attempt.version && opinion.aligned_version === queryOf(attempt).version;
}

function decisionOn(attempt) {
  let last = null;
  for (const opinion of attempt.opinions) {
    if (opinion.decision !== "commented" && isOnTheseTexts(attempt, opinion)) last = opinion;
  }
  return last && last.decision !== "withdrawn" ? last.decision : null;
}

const verdictOf = (attempt) => attempt.verdict || (attempt.error ? "no_text" : "no_verdict");

function personOf(attempt) {
  const decision = decisionOn(attempt);
  return decision === null ? "undecided" : decision;
}

function disagrees(attempt) {
  const decision = decisionOn(attempt);
  return decision !== null && Boolean(attempt.verdict) && (decision === "accepted") !== (attempt.verdict === "accepted");
}

function verdictChip(attempt) {
  const verdict = verdictOf(attempt);
  const kind = verdict === "accepted" ? "good" : attempt.verdict ? "bad" : "doubt";
  return element("span", { class: `chip ${kind}` }, words(verdict));
}

function personChip(attempt) {
  const decision = decisionOn(attempt);
  if (decision === null) return null;
  return element("span", { class: `chip ${decision === "accepted" ? "good" : "bad"}` }, `person: ${decision}`);
}

const KIND = {
  entries: attempts,
  filters: {
    verdict: verdictOf,
    mode: (attempt) => attempt.mode,
    category: (attempt) => queryOf(attempt).category,
    strategy: (attempt) => attempt.strategy,
    person: personOf,
    oracle: (attempt) => (attempt.seen_by_oracle ? (attempt.good_pair ? "good_pair" : "not_good") : "not_judged"),
  },
  apart: { person: { value: "disagrees", label: "disagrees with the verifier", holds: disagrees } },
  texts: (attempt) => {
    const query = queryOf(attempt);
    const video = videoOf(attempt);
    const parts = [query.text, query.chosen, attempt.text, attempt.reason, attempt.error, video && video.path, attempt.id];
    for (const opinion of attempt.opinions) parts.push(opinion.comment, opinion.author);
    return parts;
  },
  chips: (attempt) => [verdictChip(attempt), personChip(attempt)],
  where: (attempt) => `${words(attempt.mode)} · ${words(attempt.strategy)} · attempt ${attempt.attempt}`,
  title: (attempt) => queryOf(attempt).text || "no question",
  view: (attempt, place) => pairView(attempt, place),
  said: () => (DATA.attempts_in_lake > attempts.length
    ? `, drawn from ${number(DATA.attempts_in_lake)} in the lake${DATA.pairs_only ? " (slots with a pair only)" : ""}` : ""),
  nothing: { oracle: "not_judged" },
  noun: "attempts",
  missing: "No attempt matches these filters.",
  empty: "The lake holds no attempts yet: run `videopasta run` first.",
  made: `recipe ${DATA.recipe}`,
  keys: {
    a: () => decide("accepted"), r: () => decide("rejected"), w: () => decide("withdrawn"),
    c: () => { const box = byId("comment"); if (box) box.focus(); },
  },
};
