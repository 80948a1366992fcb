// The page of one operation: what it does, a form for its request, and the answer.
import { answerView, outcomeOf } from "./answer.js";
import { BodyEditor } from "./body.js";
import { copyButton, el, inline, prose } from "./dom.js";
import { curlOf, jsonOf, send, toHex, urlOf } from "./request.js";
import { kindOf, limitsOf, propertyTable, typesOf } from "./schema.js";

export class OperationPage {
  /**
   * options: cookie() names the session's cookie if there is a session; navigate(href, draft) shows another operation;
   * sent(method, answer) is told of each answer.
   */
  constructor(api, op, options) {
    Object.assign(this, { api, options });
    this.operation = op;
    this.heading = el("h1", { tabindex: "-1" }, op.summary);
    this.outcome = el("p", { class: "outcome", role: "status", tabindex: "-1" }, "Not sent yet.");
    this.answer = el("div", { class: "answer" });
    this.element = el("article");
  }

  /** Shows the form with these values for parameters and, if there is one, a draft: type, body, headers. */
  fill(values, draft) {
    this.values = { ...values, ...draft?.headers };
    const declared = this.operation.parameters;
    const unheardOf = Object.keys(this.values).filter((name) => !declared.some((p) => p.name === name))
      .map((name) => ({ name, in: name in values ? "query" : "header" }));
    this.op = { ...this.operation, parameters: [...declared, ...unheardOf] };
    this.body = this.op.body && new BodyEditor(this.op.body, this.op.method === "PATCH");
    if (draft) this.body?.write(draft.type, draft.body);
    this.form = this.buildForm();
    this.command = el("pre", { class: "curl", tabindex: "0", role: "region", "aria-label": "curl command" });
    this.secrets = el("p", { class: "hint" });
    this.element.replaceChildren(
      this.buildHead(),
      this.form,
      el("details", {}, el("summary", {}, "The same with curl"),
        this.command, this.secrets, copyButton(() => this.command.textContent, this.command)),
      el("section", { "aria-label": "Answer" }, this.outcome, this.answer),
      this.buildReference());
    this.showCommand();
  }

  buildHead() {
    const { op } = this;
    const open = op.security.length === 0 || op.security.some((way) => Object.keys(way).length === 0);
    const ways = op.security.map((way) => Object.keys(way).join(" and ")).filter(Boolean).join(" or ");
    return el("header", {},
      this.heading,
      el("p", {}, el("span", { class: "method " + op.method.toLowerCase() }, op.method), " ", el("code", {}, op.path)),
      op.deprecated && el("p", { class: "hint" }, "Deprecated."),
      op.description && prose(op.description),
      el("p", { class: "hint" }, open ? "For anyone." : `Needs a ${ways}.`));
  }

  buildForm() {
    const { op } = this;
    const places = [["path", "Path"], ["query", "Query"], ["header", "Headers"]];
    const accept = el("div", { class: "field" }, el("label", { for: "accept" }, "Accept"),
      el("select", { id: "accept", name: "accept" }, op.accepts.map((type) => el("option", {}, type))));
    return el("form", { onsubmit: (event) => this.submit(event), oninput: () => this.showCommand(), autocomplete: "off" },
      places.map(([place, title]) => {
        const fields = op.parameters.filter((p) => p.in === place).map((p) => this.buildField(p));
        return fields.length > 0 && el("fieldset", {}, el("legend", {}, title), el("div", { class: "fields" }, fields));
      }),
      this.body?.element,
      op.accepts.length > 0 && accept,
      el("p", { class: "actions" },
        el("button", { class: "send " + op.method.toLowerCase(), value: op.method }, `Send ${op.method}`),
        op.method === "GET" && el("button", { class: "quiet", value: "HEAD" }, "HEAD"),
        el("button", { class: "quiet", value: "OPTIONS" }, "OPTIONS")));
  }

  buildField(parameter) {
    const { name, required, schema = {}, description } = parameter;
    const key = keyOf(parameter);
    const kind = [kindOf(schema), typesOf(schema).includes("array") && "separated by commas", ...limitsOf(schema)].filter(Boolean).join(", ");
    const example = [parameter.example, schema.examples?.[0], schema.example].find((value) => value !== undefined);
    const choices = schema.enum ?? (typesOf(schema).includes("boolean") ? ["true", "false"] : undefined);
    const value = this.values[name] ?? (required ? String(schema.default ?? "") : "");
    // Without its path there is no request; whatever else is missing, the service shall say so.
    const common = { id: key, name: key, required: required && parameter.in === "path", "aria-describedby": key + "-hint" };
    const control = choices
      ? el("select", common, (required ? [] : [""]).concat(choices).map((choice) =>
        el("option", { value: choice, selected: String(choice) === value }, String(choice) || "not said")))
      : el("input", { ...common, value, placeholder: example === undefined ? undefined : "such as " + example,
        inputmode: typesOf(schema).includes("integer") ? "numeric" : undefined, autocapitalize: "off", spellcheck: "false" });
    return el("div", { class: "field" },
      el("label", { for: key }, name, required && el("small", {}, " required")),
      control,
      el("div", { class: "hint", id: key + "-hint" },
        description && el("p", {}, inline(description)), kind !== "text" && el("p", { class: "kind" }, kind)));
  }

  /** What may come back, as the document has it. */
  buildReference() {
    return el("details", { class: "reference" }, el("summary", {}, "Possible answers"),
      el("dl", {}, this.op.responses.map((response) => [
        el("dt", {}, response.status),
        el("dd", {}, inline(response.description),
          response.status.startsWith("2") && propertyTable(Object.values(response.content ?? {})[0]?.schema))])));
  }

  valueOf(parameter) {
    return this.form.elements[keyOf(parameter)].value.trim();
  }

  /** The request as the form says it. */
  request(method) {
    const { op, body } = this;
    const headers = op.parameters.filter((p) => p.in === "header" && this.valueOf(p) !== "").map((p) => [p.name, this.valueOf(p)]);
    if (op.accepts.length > 0) headers.unshift(["Accept", this.form.elements.accept.value]);
    const request = { method, url: urlOf(op, (p) => this.valueOf(p)), headers };
    if (!body || method !== op.method) return request;
    return { ...request, headers: [...headers, ["Content-Type", body.type]], body: body.content };
  }

  showCommand() {
    const command = curlOf(this.request(this.op.method), this.options.cookie());
    this.command.textContent = command;
    this.secrets.textContent = command.includes("$TOKEN") ? "TOKEN is your token in base64."
      : command.includes("$SESSION") ? "SESSION is the value of the session's cookie, which pages cannot read." : "";
  }

  async submit(event) {
    event.preventDefault();
    await this.send(event.submitter?.value || this.op.method);
    this.outcome.scrollIntoView();
  }

  /** For whoever came by a link: sends at once, and what was asked for is what is looked at. */
  async follow() {
    await this.send(this.op.method);
    this.outcome.focus({ preventScroll: true });
    this.outcome.scrollIntoView();
  }

  async send(method) {
    const { api, op } = this;
    const asked = Object.fromEntries(op.parameters.filter((p) => p.in !== "header")
      .map((p) => [p.name, this.valueOf(p)]).filter(([, value]) => value !== ""));
    const turn = this.turn = Symbol(method);
    const late = () => this.turn !== turn || !this.element.isConnected; // somebody went on meanwhile
    this.answer.setAttribute("aria-busy", "true");
    try {
      const answer = await send(this.request(method));
      this.options.sent(method, answer);
      if (late()) return;
      this.outcome.replaceChildren(...outcomeOf(answer));
      this.answer.replaceChildren(...answerView(api, op, asked, answer, () => this.edit(asked, answer)));
      if (method === "GET" && answer.ok) history.replaceState(null, "", api.href(op, asked));
    } catch (error) {
      if (late()) return;
      this.outcome.replaceChildren(el("strong", { class: "bad" }, "No answer"), " · " + error.message);
      this.answer.replaceChildren();
    }
    this.answer.removeAttribute("aria-busy");
  }

  /** Opens the PUT of the same place with what was read, to be written only over what was read. */
  edit(values, answer) {
    const json = jsonOf(answer);
    const body = json === undefined ? toHex(answer.bytes) : JSON.stringify(json, null, 2);
    const put = this.api.at("PUT", this.op.path);
    this.options.navigate(this.api.href(put, values), { type: answer.type, body, headers: { "If-Match": answer.headers.get("ETag") } });
  }
}

const keyOf = (parameter) => `${parameter.in}-${parameter.name}`;
