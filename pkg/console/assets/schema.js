// JSON Schema, told to people: what a value is, what it may be, and an example of it.
import { el, inline } from "./dom.js";

const words = {
  string: "text", integer: "whole number", number: "number", boolean: "true or false", array: "list", object: "object", null: "null",
};
const formats = {
  "date-time": "time", date: "date", uuid: "UUID", email: "e-mail", uri: "URL", "uri-reference": "URL",
};

export const typesOf = (schema = {}) => [schema.type ?? []].flat();

/** What kind of value the schema wants: "whole number", "list of UUIDs". */
export function kindOf(schema = {}) {
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(kindOf).join(" or ");
  const kinds = typesOf(schema).map((type) => {
    if (type === "array" && schema.items) return `list of ${kindOf(schema.items)}s`;
    return (type === "string" && formats[schema.format]) || words[type];
  });
  return kinds.join(" or ") || "any value";
}

/** The limits that the schema sets, each in a few words. */
export function limitsOf(schema = {}) {
  const most = schema.maximum < Number.MAX_SAFE_INTEGER ? schema.maximum : undefined; // more is no limit, only what JSON can hold
  const limits = [
    range(schema.minimum, most),
    range(schema.minLength, schema.maxLength, "characters"),
    range(schema.minItems, schema.maxItems, "entries"),
    schema.enum && "one of: " + schema.enum.join(", "),
    schema.pattern && "like " + schema.pattern,
    schema.default !== undefined && "else " + JSON.stringify(schema.default),
  ].filter(Boolean);
  return schema.items ? [...limits, ...limitsOf(schema.items).map((limit) => "each " + limit)] : limits;
}

function range(least, most, unit = "") {
  const space = unit && " " + unit;
  if (least !== undefined && most !== undefined) return `${least} to ${most}${space}`;
  if (least !== undefined) return `at least ${least}${space}`;
  return most !== undefined && `at most ${most}${space}`;
}

/**
 * A value to start from. An object gets what it requires and what is harmless to say (text, numbers, defaults);
 * a patch gets one field, as it says only what changes. What is read-only is left out.
 */
export function exampleOf(schema = {}, { name = "", patch = false, depth = 0 } = {}) {
  const given = [schema.examples?.[0], schema.example, schema.default, schema.const, schema.enum?.[0]].find((v) => v !== undefined);
  if (given !== undefined) return given;
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (choice) return exampleOf(choice, { name, depth });
  switch (typesOf(schema).find((type) => type !== "null")) {
    case "object":
      return depth > 4 ? {} : exampleObject(schema, patch, depth + 1);
    case "array":
      return schema.minItems > 0 && depth < 5 ? [exampleOf(schema.items, { name, depth: depth + 1 })] : [];
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return false;
    case "string":
      return exampleText(schema, name);
    default:
      return null;
  }
}

function exampleObject(schema, patch, depth) {
  const required = schema.required ?? [];
  const writable = Object.entries(schema.properties ?? {}).filter(([, property]) => !property.readOnly);
  writable.sort(([a], [b]) => required.includes(b) - required.includes(a)); // the required ones first
  const said = patch
    ? [writable.find(([, property]) => property.examples) ?? writable[0]].filter(Boolean)
    : writable.filter(([name, property]) => required.includes(name) || harmless(property));
  return Object.fromEntries(said.map(([name, property]) => [name, exampleOf(property, { name, depth })]));
}

// Text is harmless, unless it has to be of some form; null means something.
const harmless = (schema) => schema.default !== undefined ||
  (typesOf(schema).length === 1 && ["string", "boolean", "number"].includes(typesOf(schema)[0]) && !schema.format && !schema.enum);

function exampleText(schema, name) {
  const hour = new Date(Math.ceil(Date.now() / 3600e3) * 3600e3).toISOString();
  switch (schema.format) {
    case "date-time": return hour.replace(".000", "");
    case "date": return hour.slice(0, 10);
    case "uuid": return "00000000-0000-0000-0000-000000000000";
    case "email": return "someone@example.org";
    case "uri": return location.origin + "/";
    default: return schema.minLength > 0 ? name || "text" : "";
  }
}

/** A table of an object's properties; undefined if the schema is of something else. */
export function propertyTable(schema = {}) {
  if (!schema.properties) return undefined;
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties).map(([name, property]) => el("tr", {},
    el("th", { scope: "row" }, el("code", {}, name), required.includes(name) && el("small", {}, " required")),
    el("td", {}, [kindOf(property), ...limitsOf(property), property.readOnly && "read-only"].filter(Boolean).join(", "),
      property.description && el("p", {}, inline(property.description)))));
  return el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Field"), el("th", { scope: "col" }, "Value"))),
    el("tbody", {}, rows));
}
