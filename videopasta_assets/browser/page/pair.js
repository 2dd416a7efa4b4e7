/* One pair. */
function pairView(attempt, place) {
  const query = queryOf(attempt);
  const video = videoOf(attempt);
  const [chosen, rejected] = marked(query.chosen || "", attempt.text || "");
  return [
    element("div", { class: "bar" },
      verdictChip(attempt), personChip(attempt),
      element("span", { class: "chip", title: "Failure mode and strategy of the adversary" },
        `${words(attempt.mode)} · ${words(attempt.strategy)}`),
      element("span", { class: "chip", title: "Mode and category of the question" },
        `question: ${words(query.mode)} · ${words(query.category)}`),
      attempt.preference_set ? element("span", { class: "chip good" }, "in the preference set")
        : attempt.paired ? element("span", { class: "chip good" }, "verified pair") : null,
      steps(place)),
    element("h2", { class: "question" }, query.text || "no question"),
    ...(video ? [strip(video, "dense", "Dense frames: what the question, the chosen answer and training see"),
      strip(video, "sparse", "Sparse frames: all that the rejected answer was written from")]
      : [element("p", { class: "empty" }, "The video of this question is no longer in the lake.")]),
    element("section", { class: "answers" },
      element("div", { class: "answer chosen" }, element("h3", {}, "Chosen (aligned response)"),
        element("div", { class: "text" }, query.chosen ? chosen : "no aligned response")),
      element("div", { class: "answer rejected" }, element("h3", {}, "Rejected (adversary)"),
        element("div", { class: "text" }, attempt.text ? rejected : `no text: ${attempt.error || "empty reply"}`))),
    element("section", { class: "judges" },
      LIVE ? personView(attempt) : null, verifierView(attempt), checkView(query), oracleView(attempt),
      LIVE ? null : personView(attempt)),
    attemptsView(attempt),
    provenanceView(attempt, query, video),
  ].flat();
}

function flag(name, value, wanted) {
  if (value === null || value === undefined) return null;
  return element("span", {}, `${value === wanted ? "✓" : "✗"} ${value ? "" : "not "}${name}`);
}

function verifierView(attempt) {
  return element("div", { class: "judge" }, element("h3", {}, "Verifier: reads the texts alone"),
    element("p", {}, verdictChip(attempt), " ",
      attempt.verdict_error || attempt.reason || (attempt.error ? "there was nothing to judge" : "not judged yet")),
    element("div", { class: "flags" },
      flag("coherent", attempt.preferred_coherent, true), flag("a contradiction", attempt.is_contradiction, true),
      flag("a rephrase", attempt.is_rephrase, false), flag("of its mode", attempt.mode_specific, true)));
}

function checkView(query) {
  if (!query.check_method) return null;
  return element("div", { class: "judge" }, element("h3", {}, `Check of the chosen answer: ${words(query.check_method)}`),
    element("p", {}, element("span", { class: `chip ${query.check_passed ? "good" : "bad"}` },
      query.check_passed ? "passed" : "failed"), ` ${query.agreeing} of ${query.asked} agree with it`));
}

function oracleView(attempt) {
  if (!attempt.seen_by_oracle) return null;
  const share = (name, truth) => element("span", {}, `${name}: ${truth}`);
  return element("div", { class: "judge" }, element("h3", {}, "Oracle: knows the scene, only scores"),
    element("p", {}, element("span", { class: `chip ${attempt.good_pair ? "good" : "bad"}` },
      attempt.good_pair ? "good pair" : "not a good pair"),
    attempt.expected_verdict === attempt.verdict ? " agrees with the verdict"
      : ` by the texts it expected: ${words(attempt.expected_verdict)}`),
    element("div", { class: "flags" }, share("chosen", attempt.aligned_truth), share("rejected", attempt.adversary_truth),
      flag("answered rightly", attempt.aligned_right, true), flag("false in its mode", attempt.on_target, true)));
}

function personView(attempt) {
  const said = attempt.opinions.map((opinion) => element("div",
    { class: isOnTheseTexts(attempt, opinion) ? "said" : "said past" },
    element("strong", {}, opinion.decision), opinion.comment ? `: ${opinion.comment}` : "", element("br"),
    element("small", {}, `${opinion.author}, ${opinion.decided_at.replace("T", " ").slice(0, 16)} UTC`,
      isOnTheseTexts(attempt, opinion) ? "" : ", on other texts than these")));
  if (!LIVE && !said.length) return null;
  return element("div", { class: "judge" }, element("h3", {}, "People: the last decision wins"),
    said, LIVE ? sayView(attempt) : null);
}

function attemptsView(attempt) {
  const siblings = slots.get(slotOf(attempt));
  const rows = siblings.map((other) => element("tr", { class: other === attempt ? "here" : null },
    element("td", {}, other === attempt ? `${other.attempt}`
      : element("button", { type: "button", onclick: () => open(other.id) }, `${other.attempt}`)),
    element("td", {}, words(other.strategy)), element("td", {}, verdictChip(other), " ", personChip(other)),
    element("td", {}, other.text || other.error || ""), element("td", {}, other.reason || other.verdict_error || "")));
  return [element("h3", {}, `Attempts in this slot (${siblings.length})`),
    element("table", { class: "attempts" }, element("thead", {}, element("tr", {},
      ["attempt", "strategy", "verdict", "text", "reason"].map((name) => element("th", {}, name)))),
    element("tbody", {}, rows))];
}

function provenanceView(attempt, query, video) {
  const of = (row, names) => names.map((name) => row[name]).filter((value) => value !== null && value !== undefined);
  const tokens = attempt.prompt_tokens === null ? [] : [`${attempt.prompt_tokens} + ${attempt.completion_tokens} tokens`];
  const lines = [
    ["attempt", [attempt.id, `shard ${attempt.shard}`, `slot ${attempt.slot}`]],
    ["adversary", [...of(attempt, ["model"]), `prompt ${attempt.prompt}`, `seed ${attempt.seed}`, ...tokens,
      `ended: ${attempt.finish_reason}`]],
    ["verifier", attempt.verifier ? [attempt.verifier, `prompt ${attempt.verifier_prompt}`] : []],
    ["aligned response", query.chosen_model ? [query.chosen_model, `prompt ${query.chosen_prompt}`,
      `seed ${query.chosen_seed}`, `ended: ${query.chosen_finish}`] : []],
    ["question", [query.id, query.model, `prompt ${query.prompt}`, `seed ${query.seed}`]],
    ["video", video ? [video.path, video.id, `${video.width} x ${video.height}, ${video.codec}`,
      `${video.fps.toFixed(2)} fps, ${seconds(video.duration)}, ${video.total_frames} frames`] : []],
    ["frame plans", video ? [`dense ${video.dense.plan}`, `sparse ${video.sparse.plan}`] : []],
    ["data versions", [`aligned ${query.version}`, `adversary ${attempt.version}`, `provenance ${attempt.provenance}`]],
    ["preference set", of(attempt, ["preference_set"])],
    ["verifier's reply", of(attempt, ["reply"])],
  ];
  return provenance(lines);
}
