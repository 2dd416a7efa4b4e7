/* Words that differ between two texts are marked: their longest common subsequence is left plain. */
const MOST_CELLS = 1000000;

function marked(left, right) {
  const tokens = [left, right].map((text) => text.match(/\S+|\s+/g) || []);
  const [x, y] = tokens.map((own) => own.filter((token) => token.trim()).map(plainWord));
  if (x.length * y.length > MOST_CELLS) return [[left], [right]];
  const width = y.length + 1;
  const lengths = new Uint16Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i -= 1) {
    for (let j = y.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = x[i] === y[j] ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const same = [new Set(), new Set()];
  for (let i = 0, j = 0; i < x.length && j < y.length;) {
    if (x[i] === y[j]) {
      same[0].add(i);
      same[1].add(j);
      i += 1;
      j += 1;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return tokens.map((own, side) => withMarks(own, same[side]));
}

/* A word without its case and the punctuation around it: "Left." is "left". */
function plainWord(token) {
  return token.toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "") || token;
}

/* Nodes of a text: neighbouring words that differ share one mark. */
function withMarks(tokens, same) {
  const made = [];
  let different = [];
  let blanks = [];
  let word = 0;
  const close = () => {
    if (different.length) made.push(element("mark", {}, different.join("")));
    made.push(...blanks);
    [different, blanks] = [[], []];
  };
  for (const token of tokens) {
    if (!token.trim()) blanks.push(token);
    else if (same.has(word++)) {
      close();
      made.push(token);
    } else {
      if (!different.length) close();
      different.push(...blanks, token);
      blanks = [];
    }
  }
  close();
  return made;
}
