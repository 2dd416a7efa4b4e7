/* The entry that the page's address names. */
function openLinked() {
  if (location.hash.length < 2) return;
  try { open(decodeURIComponent(location.hash.slice(1))); } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
}

let typing = 0;
byId("text").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => applyFilters(true), TYPING_MS);
});
for (const name of Object.keys(FILTERS)) {
  fillFilter(name);
  byId(name).addEventListener("change", () => applyFilters(true));
}
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(() => applyFilters(true)));
byId("list").addEventListener("scroll", drawRows, { passive: true });
window.addEventListener("resize", () => { drawnFrom = -1; drawRows(); });
window.addEventListener("hashchange", openLinked);

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  PageDown: () => move(10), PageUp: () => move(-10), Home: () => move(-Infinity), End: () => move(Infinity),
  "/": () => byId("text").focus(), ...KIND.keys,
};
document.addEventListener("keydown", (event) => {
  const typed = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typed) { typed.blur(); return; }
  if (typed || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

document.body.classList.toggle("is-live", Boolean(LIVE));
for (const name of Object.keys(FILTERS)) {
  byId(`${name}-label`).hidden = name in KIND.nothing && entries.every((one) => FILTERS[name](one) === KIND.nothing[name]);
}
byId("made").textContent = `${KIND.made}, as of ${DATA.made_at.replace("T", " ").slice(0, 16)} UTC`;
applyFilters(false);
openLinked();
document.body.dataset.ready = "true";
