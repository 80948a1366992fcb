// Bodies on the page: JSON as coloured text with links in it, anything else as text or as bytes.
import { el } from "./dom.js";

/** JSON as nodes. hrefOf(value, path) says where a value leads, if anywhere; path is the keys on the way to it. */
export function jsonTree(value, hrefOf, path = []) {
  const indent = "  ".repeat(path.length);
  if (Array.isArray(value)) {
    return wrap("[", "]", indent, value.map((entry, i) => jsonTree(entry, hrefOf, [...path, i])));
  }
  if (typeof value === "object" && value !== null) {
    return wrap("{", "}", indent, Object.entries(value).map(([key, entry]) =>
      [el("span", { class: "key" }, JSON.stringify(key)), ": ", jsonTree(entry, hrefOf, [...path, key])]));
  }
  const text = el("span", { class: value === null ? "null" : typeof value }, JSON.stringify(value));
  const href = hrefOf(value, path);
  return href ? el("a", { href }, text) : text;
}

function wrap(open, close, indent, entries) {
  if (entries.length === 0) return open + close;
  return [open, entries.map((entry, i) => ["\n" + indent + "  ", entry, i < entries.length - 1 && ","]), "\n" + indent + close];
}

const shown = 4096;

/** Bytes in rows of sixteen: where, what, and as text. */
export function hexDump(bytes) {
  const rows = [];
  for (let at = 0; at < Math.min(bytes.length, shown); at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    rows.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(48)} ${text}`);
  }
  if (bytes.length > shown) rows.push(`… and ${bytes.length - shown} bytes more`);
  return rows.join("\n");
}
