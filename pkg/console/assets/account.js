// Who one is: a session's cookie, which the page never sees, or a token, which it keeps for this tab.
import { problemView } from "./answer.js";
import { el } from "./dom.js";
import { jsonOf, send, token } from "./request.js";

/** The operations behind logging in and out, where this service has them. */
export function sessionOf(api) {
  const login = api.named("createSession");
  return { login, logout: login && api.at("DELETE", login.path + "/current") };
}

/** The name of the session's cookie, as the document has it. */
export const cookieOf = (api) => Object.values(api.schemes).find((scheme) => scheme.type === "apiKey" && scheme.in === "cookie");

/** The section about it. refresh() asks the service again who one is, and shows this anew. */
export function accountView(api, index, refresh) {
  const { login, logout } = sessionOf(api);
  const anonymous = !index.caller && !token.get();
  return el("section", { "aria-labelledby": "account" },
    el("h2", { id: "account", tabindex: "-1" }, "Who you are"),
    el("p", { role: "status" }, stateOf(index)),
    anonymous && (login ? loginForm(login, refresh) : elsewhere(api, index)),
    index.caller && !token.get() && (logout ? logoutButton(logout, refresh) : elsewhere(api, index)),
    tokenForm(refresh));
}

function stateOf(index) {
  if (index.caller === undefined) return token.get() ? "Requests carry your token." : "This service does not say who you are.";
  if (token.get() && !index.caller) return "Requests carry a token that this service does not take.";
  if (!index.caller) return "You are not logged in.";
  return ["You are ", el("code", {}, index.caller), token.get() ? ", by your token." : "."];
}

// The document says in words whose session it takes; the name of a service in them is a link.
function elsewhere(api, index) {
  const words = (cookieOf(api)?.description ?? "").split(/\b/);
  const name = Object.keys(index.services).find((service) => service !== index.service && words.includes(service));
  if (!name) return undefined;
  return el("p", {}, el("a", { class: "button", href: index.services[name] + "/docs#account" },
    index.caller ? `Log out at ${name}` : `Log in at ${name}`), " A session counts at every service.");
}

function loginForm(op, refresh) {
  const [{ schema }] = Object.values(op.body.content);
  const failure = el("div", { role: "alert" });
  const fields = Object.keys(schema.properties).sort((a, b) => schema.required.indexOf(a) - schema.required.indexOf(b));
  const submit = async (event) => {
    event.preventDefault();
    const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
    const answer = await trySend({ method: op.method, url: op.path, body, headers: [["Content-Type", "application/json"]] }, failure);
    if (answer?.ok) await refresh("account");
  };
  return el("form", { onsubmit: submit }, fields.map((name) => {
    const secret = /password|secret/.test(name);
    return el("div", { class: "field" }, el("label", { for: "login-" + name }, name),
      el("input", { id: "login-" + name, name, required: true, type: secret ? "password" : "text", autocapitalize: "off",
        autocomplete: secret ? "current-password" : name, spellcheck: "false" }));
  }), failure, el("p", { class: "actions" }, el("button", { class: "send" }, op.summary)));
}

function logoutButton(op, refresh) {
  const failure = el("div", { role: "alert" });
  const logout = async () => {
    const answer = await trySend({ method: op.method, url: op.path, headers: [] }, failure);
    if (answer) await refresh("account");
  };
  return el("div", {}, el("button", { type: "button", onclick: logout }, op.summary), failure);
}

async function trySend(request, failure) {
  try {
    const answer = await send(request);
    const problem = answer.ok ? undefined : jsonOf(answer);
    failure.replaceChildren(...(answer.ok ? [] : [problem ? problemView(problem) : `${answer.status} ${answer.reason}`]));
    return answer;
  } catch (error) {
    failure.replaceChildren("No answer: " + error.message);
    return undefined;
  }
}

function tokenForm(refresh) {
  if (token.get()) {
    const forget = () => { token.forget(); refresh("account"); };
    return el("p", {}, el("button", { type: "button", onclick: forget }, "Forget the token"));
  }
  const submit = (event) => {
    event.preventDefault();
    token.set(new FormData(event.target).get("credentials"));
    refresh("account");
  };
  return el("details", {}, el("summary", {}, "Use a service's token"),
    el("form", { onsubmit: submit },
      el("div", { class: "field" }, el("label", { for: "credentials" }, "client:password"),
        el("input", { id: "credentials", name: "credentials", type: "password", required: true, pattern: ".+:.*", autocomplete: "off",
          "aria-describedby": "credentials-hint" }),
        el("p", { class: "hint", id: "credentials-hint" }, "Sent as a bearer token with every request, and kept in this tab only.")),
      el("p", { class: "actions" }, el("button", {}, "Use it"))));
}
