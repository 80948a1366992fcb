// The page: who serves it, what that service can do, and the part of it that the address names.
import { accountView, cookieOf } from "./account.js";
import { el, prose } from "./dom.js";
import { API } from "./openapi.js";
import { OperationPage } from "./operation.js";
import { token } from "./request.js";

const main = document.getElementById("main");
const wide = matchMedia("(min-width: 60rem)");
let api, index, page;

async function start() {
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  try {
    [api, index] = await Promise.all([load("/openapi.json").then((document) => new API(document)), load("/")]);
  } catch (error) {
    main.replaceChildren(el("h1", {}, "This service does not answer"), el("p", {}, error.message));
    return;
  }
  showServices();
  showOperations();
  showIdentity();
  addEventListener("hashchange", () => route(true));
  await route(false);
}

async function load(path) {
  const headers = { Accept: "application/json" };
  if (token.get()) headers.Authorization = "Bearer " + token.get();
  const response = await fetch(path, { headers });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.json();
}

/** Shows what the address names: "#getThing?id=7" is an operation with its parameters, "#account" or nothing the overview. */
async function route(moved) {
  const [id, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
  const op = api.named(id);
  document.title = (op ? op.summary : api.info.title) + ": " + index.service;
  for (const link of document.querySelectorAll("#operations a")) {
    if (link.hash === "#" + id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelector("#operations details").open = wide.matches || !op;
  if (!op) return showOverview(id === "account" ? "account" : moved && "overview");
  await showOperation(op, Object.fromEntries(new URLSearchParams(query)), history.state, moved);
}

async function showOperation(op, values, draft, moved) {
  const follows = page?.operation === op && main.contains(page.element);
  if (!follows) page = new OperationPage(api, op, { navigate, sent, cookie: () => index.caller && cookieOf(api)?.name });
  page.fill(values, draft);
  if (!follows) main.replaceChildren(page.element);
  const given = op.method === "GET" && op.parameters.every((p) => !p.required || p.name in values);
  const asked = given && Object.keys(values).length > 0;
  if (!follows && moved) {
    scrollTo(0, 0);
    page.heading.focus({ preventScroll: true });
  }
  if (!asked) return;
  await page.follow();
}

/** Goes to another operation with a draft of its request, which stays with that place in the history. */
function navigate(href, draft) {
  history.pushState(draft, "", href);
  route(true);
}

// Who one is may change with what was changed, and shows in what is refused.
function sent(method, answer) {
  if (!["GET", "HEAD", "OPTIONS"].includes(method) || answer.status === 401) refresh();
}

async function refresh(focus) {
  index = await load("/").catch(() => index); // no answer: what was known stays
  showIdentity();
  if (focus) showOverview(focus);
}

function showIdentity() {
  const who = document.getElementById("who");
  who.hidden = false;
  who.textContent = token.get() ? "Token" : index.caller ? "Logged in" : "Log in";
  who.title = index.caller ?? "";
}

function showOverview(focus) {
  page = undefined;
  const [lead, ...more] = prose(api.info.description ?? "");
  const title = el("h1", { id: "overview", tabindex: "-1" }, api.info.title);
  main.replaceChildren(el("article", {},
    title,
    el("div", { class: "lead" }, lead),
    el("p", { class: "hint" }, "Choose an operation, fill in what it takes, send it. Everything here is also there for programs: ",
      el("a", { href: "/openapi.json" }, "openapi.json"), ", ", el("a", { href: "/openapi.yaml" }, "openapi.yaml"), "."),
    accountView(api, index, refresh),
    more.length > 0 && el("section", { class: "prose" }, el("h2", {}, "About this API"), more)));
  if (focus) document.getElementById(focus).focus();
}

function showServices() {
  document.getElementById("services").replaceChildren(...Object.keys(index.services).sort().map((name) => {
    const here = name === index.service;
    return el("li", {}, el("a", { href: here ? "#" : index.services[name] + "/docs", "aria-current": here && "page" }, name));
  }));
}

function showOperations() {
  const groups = Object.entries(Object.groupBy(api.operations, (op) => op.group)).map(([name, operations]) =>
    el("section", {}, el("h2", {}, name), api.groups[name] && el("p", { class: "hint" }, api.groups[name]), el("ul", { role: "list" }, operations.map((op) =>
      el("li", {}, el("a", { href: "#" + op.id, title: op.path },
        el("span", { class: "method " + op.method.toLowerCase() }, op.method), " ", el("span", {}, op.summary)))))));
  const found = el("p", { class: "hint", role: "status" });
  const filter = (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/);
    const matches = (link) => words.every((word) => `${link.textContent} ${link.title} ${link.hash}`.toLowerCase().includes(word));
    let count = 0;
    for (const group of groups) {
      for (const item of group.querySelectorAll("li")) count += (item.hidden = !matches(item.firstChild)) ? 0 : 1;
      group.hidden = !group.querySelector("li:not([hidden])");
    }
    found.textContent = count === api.operations.length ? "" : `${count} of ${api.operations.length}`;
  };
  const details = el("details", { open: true }, el("summary", {}, "Operations"),
    el("div", { class: "field" }, el("label", { for: "filter" }, "Filter operations"),
      el("input", { id: "filter", type: "search", oninput: filter, autocomplete: "off" }), found),
    groups);
  wide.addEventListener("change", () => { details.open = true; });
  document.getElementById("operations").replaceChildren(details);
}

start();
