/* The list of entries and its filters; what an entry is, `KIND` says. The text filter looks at all that a person reads. */
const entries = KIND.entries;
const FILTERS = KIND.filters;
const placeOf = new Map(entries.map((entry, place) => [entry.id, place]));
const haystacks = entries.map((entry) => KIND.texts(entry).filter(Boolean).join("\n").toLowerCase());

function fillFilter(name) {
  const counts = new Map();
  for (const entry of entries) {
    const value = FILTERS[name](entry);
    counts.set(value, (counts.get(value) || 0) + 1);
  }
  const options = [element("option", { value: "" }, "all")];
  for (const value of [...counts.keys()].sort()) {
    options.push(element("option", { value }, `${words(value)} (${number(counts.get(value))})`));
  }
  const apart = KIND.apart[name];
  const extra = apart ? entries.filter(apart.holds).length : 0;
  if (extra) options.push(element("option", { value: apart.value }, `${apart.label} (${number(extra)})`));
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
  for (let place = 0; place < entries.length; place += 1) {
    const entry = entries[place];
    const passes = wanted.every(([name, value]) => {
      const apart = KIND.apart[name];
      return apart && value === apart.value ? apart.holds(entry) : FILTERS[name](entry) === value;
    });
    if (passes && sought.every((word) => haystacks[place].includes(word))) matching.push(place);
  }
  byId("spacer").style.height = `${matching.length * ROW_PIXELS}px`;
  drawnFrom = -1;
  say();
  const again = kept === null ? -1 : matching.indexOf(kept);
  show(again >= 0 ? again : (matching.length ? 0 : -1));
}

function say() {
  byId("shown").textContent =
    `Showing ${number(matching.length)} of ${number(entries.length)} ${KIND.noun}${KIND.said()}`;
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
  rows.replaceChildren(...matching.slice(from, to).map((place, offset) => listRow(entries[place], from + offset)));
}

function listRow(entry, place) {
  return element("li", { "aria-current": place === current ? "true" : null, onclick: () => show(place) },
    element("div", { class: "head" }, KIND.chips(entry), element("span", { class: "where" }, KIND.where(entry))),
    element("div", { class: "words" }, KIND.title(entry)));
}

function show(place) {
  current = place;
  const detail = byId("detail");
  drawnFrom = -1;
  if (place < 0) {
    drawRows();
    detail.replaceChildren(element("p", { class: "empty" }, entries.length ? KIND.missing : KIND.empty));
    return;
  }
  const list = byId("list");
  const top = place * ROW_PIXELS;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW_PIXELS > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PIXELS - list.clientHeight;
  drawRows();
  const entry = entries[matching[place]];
  detail.replaceChildren(...KIND.view(entry, place));
  detail.scrollTop = 0;
  history.replaceState(null, "", `#${encodeURIComponent(entry.id)}`);
}

const move = (step) => { if (matching.length) show(Math.min(matching.length - 1, Math.max(0, current + step))); };

/* Go to an entry, past the filters if they hide it. */
function open(id) {
  const place = placeOf.get(id);
  if (place === undefined) return false;
  if (!matching.includes(place)) { byId("filters").reset(); applyFilters(false); }
  show(matching.indexOf(place));
  return true;
}

/* Where the entry is among those that match, and the way to its neighbours. */
function steps(place) {
  return element("span", { class: "steps" },
    element("span", { class: "place" }, `${number(place + 1)} / ${number(matching.length)}`),
    element("button", { type: "button", title: "Previous (k)", "aria-label": "Previous", onclick: () => move(-1) }, "←"),
    element("button", { type: "button", title: "Next (j)", "aria-label": "Next", onclick: () => move(1) }, "→"));
}
