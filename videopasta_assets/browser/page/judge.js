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

let sending = false;
async function decide(decision) {
  if (!LIVE || current < 0 || sending || !byId("comment")) return;
  const attempt = attempts[matching[current]];
  sending = true;
  try {
    const answer = await fetch("verdicts", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Videopasta-Token": LIVE.token },
      body: JSON.stringify({
        shard: attempt.shard, adversary_id: attempt.id, decision, comment: byId("comment").value,
        aligned_version: queryOf(attempt).version, adversary_version: attempt.version,
      }),
    });
    const reply = await answer.json();
    if (!answer.ok) throw new Error(reply.error || `the server answered ${answer.status}`);
    attempt.opinions.push(reply);
    haystacks[placeOf.get(attempt.id)] += `\n${reply.comment || ""}\n${reply.author}`.toLowerCase();
    fillFilter("person");
    const left = byId("detail").scrollTop;
    show(current);
    byId("detail").scrollTop = left;
  } catch (error) {
    const gone = error instanceof TypeError;
    const line = byId("trouble");
    if (line) line.textContent = gone ? "Not saved: the server does not answer. Is `videopasta browse` still running?"
      : `Not saved: ${error.message}`;
  } finally {
    sending = false;
  }
}
