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
window.addEventListener("hashchange", () => open(location.hash.slice(1)));

const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  PageDown: () => move(10), PageUp: () => move(-10), Home: () => move(-Infinity), End: () => move(Infinity),
  "/": () => byId("text").focus(), a: () => decide("accepted"), r: () => decide("rejected"),
  w: () => decide("withdrawn"), c: () => { const box = byId("comment"); if (box) box.focus(); },
};
document.addEventListener("keydown", (event) => {
  const typed = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && typed) { typed.blur(); return; }
  if (typed || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

document.body.classList.toggle("is-live", Boolean(LIVE));
byId("oracle-label").hidden = !attempts.some((attempt) => attempt.seen_by_oracle);
byId("made").textContent = `recipe ${DATA.recipe}, as of ${DATA.made_at.replace("T", " ").slice(0, 16)} UTC`;
applyFilters(false);
if (location.hash.length > 1) open(location.hash.slice(1));
document.body.dataset.ready = "true";
