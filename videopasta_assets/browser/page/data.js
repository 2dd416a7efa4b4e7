"use strict";
// Texts of models, videos and people reach the page through textContent alone: they are never parsed as HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LIVE = DATA.live || null;
const ROW_PIXELS = 64;
const SPARE_ROWS = 8;
const TYPING_MS = 60;

const byId = (id) => document.getElementById(id);
const attempts = DATA.attempts;
const queryOf = (attempt) => DATA.queries[attempt.query];
const videoOf = (attempt) => DATA.videos[queryOf(attempt).video];
const placeOf = new Map(attempts.map((attempt, place) => [attempt.id, place]));
const slotOf = (attempt) => `${attempt.query} ${attempt.slot}`;
const slots = new Map();
for (const attempt of attempts) slots.set(slotOf(attempt), [...(slots.get(slotOf(attempt)) || []), attempt]);

let matching = [];
let current = -1;
let drawnFrom = -1;
let drawnTo = -1;

function element(tag, options, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

const words = (name) => String(name).replaceAll("_", " ");
const number = (value) => value.toLocaleString("en");
const seconds = (value) => `${value.toFixed(2)} s`;

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
