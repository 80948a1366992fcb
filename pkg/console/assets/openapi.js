// An OpenAPI 3.1 document, read the way the page needs it.

const methods = ["get", "post", "put", "patch", "delete"];

/** What a service can do. Every $ref is resolved, so everybody else sees plain objects (which may have cycles). */
export class API {
  constructor(document) {
    link(document, document, new Set());
    this.info = document.info;
    this.schemes = document.components?.securitySchemes ?? {};
    this.groups = Object.fromEntries((document.tags ?? []).map((tag) => [tag.name, tag.description]));
    const base = (document.servers?.[0]?.url ?? "").replace(/\/$/, "");
    this.base = new URL(base || "/", location.origin).pathname.replace(/\/$/, "");
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      methods.filter((method) => item[method]).map((method) => operation(this.base + path, path, method, item, document)));
  }

  /** The operation with this operationId. */
  named(id) {
    return this.operations.find((op) => op.id === id);
  }

  /** The operation of this method at this path (a template, with the base). */
  at(method, path) {
    return this.operations.find((op) => op.method === method && op.path === path);
  }

  /** The operation that reads one entry of the list that op reads: /things → /things/{id}. */
  entryOf(op) {
    return this.operations.find((other) => other.method === "GET" && other.path.startsWith(op.path + "/{") &&
      other.path.lastIndexOf("/") === op.path.length);
  }

  /** Where the page shows an operation with these values for its parameters: "#getThing?id=7". */
  href(op, values = {}) {
    const query = new URLSearchParams(values).toString();
    return "#" + op.id + (query && "?" + query);
  }

  /** Where the page shows the GET of an address of this service; undefined for any other text. */
  hrefOf(text) {
    if (!text.startsWith("/") && !text.startsWith(location.origin + "/")) return undefined;
    const url = URL.parse(text, location.origin);
    if (url?.origin !== location.origin) return undefined;
    for (const op of this.operations.filter((op) => op.method === "GET").sort((a, b) => a.names.length - b.names.length)) {
      const found = op.pattern.exec(decoded(url.pathname));
      if (!found) continue;
      const values = op.names.map((name, i) => [name, found[i + 1]]);
      const query = [...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name).join(",")]);
      return this.href(op, Object.fromEntries([...values, ...query]));
    }
    return undefined;
  }
}

function operation(path, template, method, item, document) {
  const op = item[method];
  const responses = Object.entries(op.responses ?? {}).map(([status, response]) => ({ status, ...response }));
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
  const own = op.parameters ?? [];
  const shared = (item.parameters ?? []).filter((p) => !own.some((o) => o.in === p.in && o.name === p.name));
  const good = responses.filter((response) => response.status.startsWith("2"));
  return {
    id: op.operationId ?? method + template,
    method: method.toUpperCase(),
    path,
    names, // of the parameters in the path, in its order
    pattern: new RegExp("^" + path.split(/\{[^}]+\}/).map(escape).join("([^/]+)") + "/?$"),
    group: op.tags?.[0] ?? template.split("/")[1],
    summary: op.summary ?? op.operationId ?? template,
    description: op.description,
    deprecated: op.deprecated,
    parameters: [...shared, ...own],
    accepts: [...new Set(good.flatMap((response) => Object.keys(response.content ?? {})))],
    body: op.requestBody,
    responses,
    security: op.security ?? document.security ?? [],
  };
}

// Any text in an answer may look like an address: what cannot be decoded is none.
function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Puts what each $ref refers to into its place. */
function link(node, root, seen) {
  if (typeof node !== "object" || node === null || seen.has(node)) return;
  seen.add(node);
  for (const [key, child] of Object.entries(node)) {
    node[key] = follow(child, root);
    link(node[key], root, seen);
  }
}

function follow(node, root) {
  if (typeof node?.$ref !== "string") return node;
  const { $ref, ...beside } = node;
  const steps = $ref.replace(/^#\//, "").split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const target = follow(steps.reduce((place, step) => place?.[step], root) ?? {}, root);
  return Object.keys(beside).length > 0 ? { ...target, ...beside } : target;
}
