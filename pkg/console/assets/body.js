// The editor of a request's body.
import { el } from "./dom.js";
import { fromHex, isJSON, isReadable } from "./request.js";
import { exampleOf, kindOf, propertyTable } from "./schema.js";

/** Text is edited as it is; bytes that nobody can read, as hexadecimal digits. */
export class BodyEditor {
  /** body is the document's requestBody; a patch starts with less in it. */
  constructor(body, patch) {
    this.media = body.content;
    this.patch = patch;
    this.written = new Map(); // what was last there as text (true) and as bytes (false)
    const types = Object.keys(this.media);
    this.select = el("select", { id: "type", oninput: () => this.show(this.written.get(isReadable(this.type))) },
      types.map((type) => el("option", {}, type)));
    this.label = el("label", { for: "body" });
    this.text = el("textarea", { id: "body", spellcheck: "false", autocapitalize: "off", "aria-describedby": "body-note",
      oninput: () => this.check() });
    this.note = el("p", { class: "hint", id: "body-note", role: "status" });
    const { schema } = this.media[types[0]];
    this.element = el("fieldset", {}, el("legend", {}, "Body"),
      el("div", { class: "field" }, el("label", { for: "type" }, "Content-Type"), this.select),
      el("div", { class: "field" }, this.label, this.text, this.note),
      el("details", {}, el("summary", {}, "Fields"), propertyTable(schema) ?? kindOf(schema)));
    this.show();
  }

  /** Shows a body of this type, if the operation takes it. */
  write(type, text) {
    if (type in this.media) this.select.value = type;
    this.show(text);
  }

  show(text = isReadable(this.type) ? this.example() : "") {
    this.label.textContent = isJSON(this.type) ? "JSON" : isReadable(this.type) ? "Text" : "Bytes, in hexadecimal";
    this.text.value = text;
    this.text.rows = Math.min(20, Math.max(4, text.split("\n").length));
    this.check();
  }

  check() {
    this.written.set(isReadable(this.type), this.text.value);
    this.note.textContent = isReadable(this.type) ? "" : `${this.content.length} bytes`;
    if (!isJSON(this.type)) return;
    try {
      JSON.parse(this.text.value);
    } catch (error) {
      this.note.textContent = "Not JSON yet: " + error.message;
    }
  }

  /** The document's own example or one made from the schema. */
  example() {
    const { example, examples = {}, schema } = this.media[this.type];
    return JSON.stringify(example ?? Object.values(examples)[0]?.value ?? exampleOf(schema, { patch: this.patch }), null, 2);
  }

  get type() {
    return this.select.value;
  }

  /** What is sent: text or bytes. */
  get content() {
    return isReadable(this.type) ? this.text.value : fromHex(this.text.value);
  }
}
