/* Filters: each is a function of an attempt; the text filter looks at everything a person reads. */
const FILTERS = {
  verdict: verdictOf,
  mode: (attempt) => attempt.mode,
  category: (attempt) => queryOf(attempt).category,
  strategy: (attempt) => attempt.strategy,
  person: personOf,
  oracle: (attempt) => (attempt.seen_by_oracle ? (attempt.good_pair ? "good_pair" : "not_good") : "not_judged"),
};

const haystacks = attempts.map((attempt) => {
  const query = queryOf(attempt);
  const video = videoOf(attempt);
  const parts = [query.text, query.chosen, attempt.text, attempt.reason, attempt.error, video && video.path, attempt.id];
  for (const opinion of attempt.opinions) parts.push(opinion.comment, opinion.author);
  return parts.filter(Boolean).join("\n").toLowerCase();
});

function fillFilter(name) {
  const counts = new Map();
  for (const attempt of attempts) {
    const value = FILTERS[name](attempt);
    counts.set(value, (counts.get(value) || 0) + 1);
  }
  const options = [element("option", { value: "" }, "all")];
  for (const value of [...counts.keys()].sort()) {
    options.push(element("option", { value }, `${words(value)} (${number(counts.get(value))})`));
  }
  const extra = name === "person" ? attempts.filter(disagrees).length : 0;
  if (extra) options.push(element("option", { value: "disagrees" }, `disagrees with the verifier (${number(extra)})`));
  const select = byId(name);
  const before = select.value;
  select.replaceChildren(...options);
  select.value = before;
  if (select.value !== before) select.value = "";
}

function applyFilters(keep) {
  const wanted = Object.keys(FILTERS).map((name) => [name, byId(name).value]).filter(([, value]) => value !== "");
  const sought = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = current >= 0 && keep ? matching[current] : null;
  matching = [];
  for (let place = 0; place < attempts.length; place += 1) {
    const attempt = attempts[place];
    const passes = wanted.every(([name, value]) =>
      value === "disagrees" ? disagrees(attempt) : FILTERS[name](attempt) === value);
    if (passes && sought.every((word) => haystacks[place].includes(word))) matching.push(place);
  }
  byId("spacer").style.height = `${matching.length * ROW_PIXELS}px`;
  drawnFrom = -1;
  say();
  const again = kept === null ? -1 : matching.indexOf(kept);
  show(again >= 0 ? again : (matching.length ? 0 : -1));
}

function say() {
  const lake = DATA.attempts_in_lake > attempts.length
    ? `, drawn from ${number(DATA.attempts_in_lake)} in the lake${DATA.pairs_only ? " (slots with a pair only)" : ""}` : "";
  byId("shown").textContent =
    `Showing ${number(matching.length)} of ${number(attempts.length)} attempts${lake}`;
}

/* The list: only rows in sight are in the document. */
function drawRows() {
  const list = byId("list");
  const from = Math.max(0, Math.floor(list.scrollTop / ROW_PIXELS) - SPARE_ROWS);
  const to = Math.min(matching.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW_PIXELS) + SPARE_ROWS);
  if (from === drawnFrom && to === drawnTo) return;
  [drawnFrom, drawnTo] = [from, to];
  const rows = byId("rows");
  rows.style.transform = `translateY(${from * ROW_PIXELS}px)`;
  rows.replaceChildren(...matching.slice(from, to).map((place, offset) => listRow(attempts[place], from + offset)));
}

function listRow(attempt, place) {
  const query = queryOf(attempt);
  return element("li", { "aria-current": place === current ? "true" : null, onclick: () => show(place) },
    element("div", { class: "head" }, verdictChip(attempt), personChip(attempt),
      element("span", { class: "where" },
        `${words(attempt.mode)} · ${words(attempt.strategy)} · attempt ${attempt.attempt}`)),
    element("div", { class: "words" }, query.text || "no question"));
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

function show(place) {
  current = place;
  const detail = byId("detail");
  drawnFrom = -1;
  if (place < 0) {
    drawRows();
    const why = attempts.length ? "No attempt matches these filters."
      : "The lake holds no attempts yet: run `videopasta run` first.";
    detail.replaceChildren(element("p", { class: "empty" }, why));
    return;
  }
  const list = byId("list");
  const top = place * ROW_PIXELS;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW_PIXELS > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PIXELS - list.clientHeight;
  drawRows();
  const attempt = attempts[matching[place]];
  detail.replaceChildren(...pairView(attempt, place));
  detail.scrollTop = 0;
  history.replaceState(null, "", `#${attempt.id}`);
}

const move = (step) => { if (matching.length) show(Math.min(matching.length - 1, Math.max(0, current + step))); };

/* Go to an attempt, past the filters if they hide it. */
function open(id) {
  const place = placeOf.get(id);
  if (place === undefined) return false;
  if (!matching.includes(place)) { byId("filters").reset(); applyFilters(false); }
  show(matching.indexOf(place));
  return true;
}
