// What came back: status, headers, body, and what one can do next.
import { el } from "./dom.js";
import { hexDump, jsonTree } from "./json.js";
import { isReadable, jsonOf } from "./request.js";

/** One line: "200 OK · 5 of 12 · 8 ms · 340 bytes · application/json". */
export function outcomeOf(answer) {
  const json = jsonOf(answer);
  const grade = answer.status >= 400 ? "bad" : answer.status >= 300 ? "so-so" : "good";
  const facts = [isList(json) && `${json.results.length} of ${json.count}`, `${Math.max(1, Math.round(answer.milliseconds))} ms`, `${answer.bytes.length} bytes`, answer.type].filter(Boolean);
  return [el("strong", { class: grade }, `${answer.status} ${answer.reason}`.trim()), " · " + facts.join(" · ")];
}

/** Everything below that line. edit() is called by whoever wants to change what was read. */
export function answerView(api, op, values, answer, edit) {
  const json = jsonOf(answer);
  return [
    actions(api, op, values, answer, json, edit),
    json && answer.type === "application/problem+json" && problemView(json),
    bodyView(api, op, values, answer, json),
    headerView(api, answer.headers),
  ].filter(Boolean);
}

function actions(api, op, values, answer, json, edit) {
  const read = api.at("GET", op.path);
  const links = isList(json) ? [pageLink(api, "Previous page", json.previous), pageLink(api, "Next page", json.next)] : [];
  if (answer.ok && answer.bytes.length > 0 && answer.headers.has("ETag") && api.at("PUT", op.path)) {
    links.push(el("button", { type: "button", onclick: edit }, "Edit with this tag"));
  }
  if (answer.status === 401) links.push(el("a", { class: "button", href: "#account" }, "Log in"));
  if (answer.status === 412 && read) {
    links.push(el("a", { class: "button", href: api.href(read, values) }, "Read the current one"));
  }
  return links.length > 0 && el("p", { class: "actions" }, links);
}

const isList = (json) => Array.isArray(json?.results);

function pageLink(api, text, address) {
  const href = typeof address === "string" ? api.hrefOf(address) : undefined;
  return el("a", { class: "button", role: "link", href, "aria-disabled": href ? undefined : "true" }, text);
}

/** RFC 9457 problem details, field by field. */
export function problemView(problem) {
  const fields = problem.errors ?? [];
  return el("div", { class: "problem" },
    el("p", {}, el("strong", {}, problem.title), " ", problem.detail),
    fields.length > 0 && el("dl", {}, fields.map((error) => [el("dt", {}, el("code", {}, error.field)), el("dd", {}, error.detail)])));
}

function headerView(api, headers) {
  const rows = [...headers].map(([name, value]) => {
    const href = name === "location" || name === "content-location" ? api.hrefOf(value) : undefined;
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, href ? el("a", { href }, value) : value));
  });
  return el("details", { open: true }, el("summary", {}, "Headers"), el("table", { class: "headers" }, el("tbody", {}, rows)));
}

function bodyView(api, op, values, answer, json) {
  if (answer.bytes.length === 0) return el("p", { class: "hint" }, "No body.");
  if (json !== undefined) return block("Body", "json", jsonTree(json, linker(api, op, values, json)));
  if (isReadable(answer.type)) return block("Body", "text", new TextDecoder().decode(answer.bytes));
  return block(`Body: ${answer.bytes.length} bytes`, "hex", hexDump(answer.bytes));
}

// A block scrolls by itself, so the keyboard has to reach it.
const block = (label, kind, content) => el("pre", { class: kind, tabindex: "0", role: "region", "aria-label": label },
  el("code", {}, content));

/** Addresses lead where they say. In a list, what names an entry leads to that entry. */
function linker(api, op, values, json) {
  const entry = isList(json) && op.method === "GET" ? api.entryOf(op) : undefined;
  const name = entry?.names.at(-1);
  return (value, path) => {
    if (entry && path.length === 3 && path[0] === "results" && path[2] === (name in json.results[path[1]] ? name : "id")) {
      const above = Object.fromEntries(op.names.map((n) => [n, values[n]]));
      return api.href(entry, { ...above, [name]: value });
    }
    return typeof value === "string" ? api.hrefOf(value) : undefined;
  };
}
