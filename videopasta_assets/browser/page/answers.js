/* Answers: one entry is one benchmark item with what the base and the tuned model replied to it. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const CHANGES = { broken: "bad", fixed: "good", both_right: "", both_wrong: "", left_out: "doubt" };
const SIDES = [["base", "Base model"], ["tuned", "Tuned model"]];
const seenBy = (item) => (item.video === null ? null : DATA.videos[item.video]);

const changeChip = (item) => element("span", { class: `chip ${CHANGES[item.change]}` }, words(item.change));

function answerChip(answer) {
  if (!answer || answer.error) return element("span", { class: "chip doubt" }, "no answer");
  if (!answer.correct && !answer.parsed) return element("span", { class: "chip bad" }, "wrong: could not be read");
  return element("span", { class: `chip ${answer.correct ? "good" : "bad"}` }, answer.correct ? "right" : "wrong");
}

const KIND = {
  entries: DATA.items,
  filters: {
    change: (item) => item.change,
    benchmark: (item) => item.benchmark,
    mode: (item) => item.mode || "none",
    category: (item) => item.category || "none",
    kind: (item) => item.kind,
    replies: (item) => (SIDES.every(([side]) => !item[side] || item[side].parsed || item[side].error) ? "read" : "not_read"),
  },
  apart: { change: { value: "changed", label: "fixed or broken",
    holds: (item) => item.change === "fixed" || item.change === "broken" } },
  nothing: { mode: "none", category: "none", kind: "question", replies: "read" },
  texts: (item) => [item.question, ...(item.options || []), item.reference, item.item, ...(item.facets || []),
    ...SIDES.flatMap(([side]) => (item[side] ? [item[side].reply, item[side].error] : [])),
    seenBy(item) && seenBy(item).path],
  chips: (item) => [changeChip(item)],
  where: (item) => [item.benchmark, item.mode, item.category].filter(Boolean).map(words).join(" · "),
  title: (item) => item.question || "no question",
  view: (item, place) => itemView(item, place),
  said: () => (DATA.items_in_lake > DATA.items.length
    ? `, of ${number(DATA.items_in_lake)} in the lake: those that changed first` : ""),
  noun: "items",
  missing: "No item matches these filters.",
  empty: "There are no answers of both models yet: run `videopasta run` first.",
  made: `experiment ${DATA.experiment}`,
  keys: {},
};

function itemView(item, place) {
  const video = seenBy(item);
  const texts = marked(...SIDES.map(([side]) => (item[side] && item[side].reply) || ""));
  return [
    element("div", { class: "bar" }, changeChip(item), element("span", { class: "chip" }, item.benchmark),
      [item.mode, item.category, ...(item.facets || [])].filter(Boolean).map((name) =>
        element("span", { class: "chip" }, words(name))),
      steps(place)),
    element("h2", { class: "question" }, item.question || "no question"),
    ...(video ? strip(video, "dense", "Frames that both models see")
      : [element("p", { class: "empty" }, `No picture: ${item.unseen}`)]),
    item.options && item.options.length ? optionsView(item) : null,
    item.reference ? element("p", {}, element("strong", {}, "Right answer: "), item.reference) : null,
    element("section", { class: "answers" }, SIDES.map(([side, name], number) => answerView(item[side], name, texts[number]))),
    itemProvenance(item, video),
  ].flat().filter(Boolean);
}

function optionsView(item) {
  const chose = (side) => item[side] && item[side].predicted === null ? false : item[side] && item[side].predicted;
  return element("ol", { class: "options" }, item.options.map((option, place) =>
    element("li", { class: place === item.answer_index ? "right" : null },
      element("span", { class: "letter" }, LETTERS[place] || `${place + 1}`), element("span", {}, option),
      element("span", {}, place === item.answer_index ? element("span", { class: "chip good" }, "right answer") : null,
        SIDES.filter(([side]) => chose(side) === place).map(([side]) =>
          element("span", { class: `chip ${place === item.answer_index ? "good" : "bad"}` }, side))))));
}

function answerView(answer, name, text) {
  const right = Boolean(answer && answer.correct);
  const why = answer ? answer.error : "not asked";
  return element("div", { class: `answer ${right ? "chosen" : "rejected"}` },
    element("h3", {}, name, " ", answerChip(answer)),
    element("div", { class: "text" }, why ? `no answer: ${why}` : text),
    answer && answer.judgement ? element("p", { class: "flags" }, `Judge: ${answer.judgement}`) : null,
    answer && answer.margin !== null && answer.margin !== undefined ? element("p", { class: "flags" },
      `right option's log-probability less the best other's: ${answer.margin.toFixed(2)}`) : null);
}

function itemProvenance(item, video) {
  const cost = (side) => (item[side] && item[side].prompt_tokens !== null
    ? [`${item[side].prompt_tokens} + ${item[side].completion_tokens} tokens`, `version ${item[side].version}`] : []);
  const lines = [
    ["item", [item.item, item.benchmark, `form ${item.form}`, item.group ? `group ${item.group}` : ""].filter(Boolean)],
    ["base model", [DATA.base_model, ...cost("base")]],
    ["tuned model", [DATA.adapter ? `adapter ${DATA.adapter}` : "", ...cost("tuned")].filter(Boolean)],
    ["video", video ? [video.path, video.video, `${seconds(video.duration)}, ${video.total_frames} frames`] : []],
    ["frame plan", video ? [video.dense.plan] : []],
  ];
  return provenance(lines);
}
