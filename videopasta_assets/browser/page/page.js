"use strict";
// Texts of models, videos and people reach the page through textContent alone: they are never parsed as HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const LIVE = DATA.live || null;
const ROW_PIXELS = 64;
const SPARE_ROWS = 8;
const TYPING_MS = 60;

const byId = (id) => document.getElementById(id);
let matching = [];
let current = -1;
let drawnFrom = -1;
let drawnTo = -1;

function element(tag, options, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) made.append(child);
  }
  return made;
}

const words = (name) => String(name).replaceAll("_", " ");
const number = (value) => value.toLocaleString("en");
const seconds = (value) => `${value.toFixed(2)} s`;
