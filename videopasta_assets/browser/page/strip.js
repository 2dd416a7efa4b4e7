/* A film strip under its title, with the times over its frames. */
function strip(video, role, title) {
  const made = video[role];
  const some = made.shown.length < made.frames ? `${made.shown.length} of ${made.frames} frames` : `${made.frames} frames`;
  const box = element("div", { class: "strip" });
  box.style.width = `${made.width}px`;
  const lose = (why) => { box.classList.add("lost"); box.replaceChildren(`no picture: ${why}`); };
  if (made.src) {
    const times = element("ol", {}, made.shown.map(([index, time]) =>
      element("li", { title: `frame ${index}` }, element("span", {}, seconds(time)))));
    times.style.gridTemplateColumns = `repeat(${made.columns}, 1fr)`;
    const picture = element("img", {
      src: made.src, width: made.width, height: made.height, decoding: "async",
      alt: `${made.shown.length} frames of ${video.path}, ${role}`,
      onerror: () => lose("the video cannot be read, or the picture's file is not where the page is"),
    });
    picture.style.aspectRatio = `${made.width} / ${made.height}`;
    box.append(picture, times);
  } else {
    lose(made.lost || "pictures were left out");
  }
  return [element("h3", {}, `${title} · ${some}`), box];
}

function provenance(lines) {
  return element("details", {}, element("summary", {}, "Provenance"),
    element("table", {}, element("tbody", {}, lines.filter(([, cells]) => cells.length).map(([name, cells]) =>
      element("tr", {}, element("th", {}, name), element("td", {}, element("code", {}, cells.join("  ·  "))))))));
}
