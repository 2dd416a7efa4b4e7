/* Judging, with the local server alone. */
function sayView(attempt) {
  if (!attempt.text || !queryOf(attempt).chosen) {
    return element("p", {}, "There is nothing to judge: a text is missing.");
  }
  const button = (decision, label, kind) =>
    element("button", { type: "button", class: kind, onclick: () => decide(decision) }, label);
  return element("div", {},
    element("textarea", { id: "comment", maxlength: LIVE.most_comment_characters, "aria-label": "Comment",
      placeholder: "Comment (optional)" }),
    element("div", { class: "say" }, button("accepted", "Accept", "accept"), button("rejected", "Reject", "reject"),
      button("commented", "Only comment"), decisionOn(attempt) ? button("withdrawn", "Withdraw") : null,
      element("small", {}, `as ${LIVE.author}`)),
    element("p", { id: "trouble", class: "trouble", role: "alert" }));
}

/* Verdicts are sent one after another, so that the last click is the last row. */
let sent = Promise.resolve();

function decide(decision) {
  const box = byId("comment");
  if (!LIVE || current < 0 || !box) return;
  const attempt = attempts[matching[current]];
  const comment = box.value;
  sent = sent.then(() => send(attempt, decision, comment));
}

async function send(attempt, decision, comment) {
  const isShown = () => current >= 0 && attempts[matching[current]] === attempt;
  try {
    const answer = await fetch("verdicts", {
      method: "POST",
      keepalive: true,
      headers: { "Content-Type": "application/json", "X-Videopasta-Token": LIVE.token },
      body: JSON.stringify({
        shard: attempt.shard, adversary_id: attempt.id, decision, comment,
        aligned_version: queryOf(attempt).version, adversary_version: attempt.version,
      }),
    });
    const reply = await answer.json();
    if (!answer.ok) throw new Error(reply.error || `the server answered ${answer.status}`);
    attempt.opinions.push(reply);
    haystacks[placeOf.get(attempt.id)] += `\n${reply.comment || ""}\n${reply.author}`.toLowerCase();
    fillFilter("person");
    if (!isShown()) {
      drawnFrom = -1;
      drawRows();
      return;
    }
    const left = byId("detail").scrollTop;
    show(current);
    byId("detail").scrollTop = left;
  } catch (error) {
    const why = error instanceof TypeError ? "the server does not answer. Is `videopasta browse` still running?" : error.message;
    if (!isShown()) open(attempt.id);
    byId("trouble").textContent = `Not saved: ${why}`;
  }
}
