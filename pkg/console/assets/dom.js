// Elements, and nothing but elements: text stays text, so that no answer can become markup.

/**
 * Makes an element: el("a", { href: "#top", onclick: go }, "Up", icon).
 * An attribute that is null, undefined or false is left out; so is such a child.
 */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (absent(value)) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => !absent(child)));
  return element;
}

const absent = (value) => value === undefined || value === null || value === false;

/** Paragraphs of CommonMark as descriptions use it: `code` and **weight**. */
export function prose(text) {
  return text.trim().split(/\n\s*\n/).map((paragraph) => el("p", {}, inline(paragraph)));
}

/** One line of it. */
export const inline = (text) => text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
  if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
  return part.startsWith("**") ? el("strong", {}, part.slice(2, -2)) : part;
});

/** A button that copies what text() returns. Where a page may not do that, the element is selected instead. */
export function copyButton(text, element) {
  const done = el("span", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      done.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(element);
      done.textContent = "Selected: copy it with the keyboard.";
    }
  };
  return el("span", { class: "copy" }, el("button", { type: "button", class: "quiet", onclick: copy }, "Copy"), " ", done);
}
