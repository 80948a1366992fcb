// Requests: built from what a person filled in, sent, and written as a curl command.

const tokenKey = "token"; // of this tab, and gone with it

/** The bearer token that requests carry, base64 of client:password; null if there is none. */
export const token = {
  get: () => sessionStorage.getItem(tokenKey),
  set: (credentials) => sessionStorage.setItem(tokenKey, btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))),
  forget: () => sessionStorage.removeItem(tokenKey),
};

/** The URL of an operation. valueOf(parameter) is text; that of a list is separated by commas. Empty is not said. */
export function urlOf(op, valueOf) {
  const path = op.parameters.filter((p) => p.in === "path").reduce((path, p) =>
    path.replace(`{${p.name}}`, encodeURIComponent(valueOf(p)) || `{${p.name}}`), op.path);
  const query = op.parameters.filter((p) => p.in === "query" && valueOf(p) !== "").flatMap((p) => {
    const list = [p.schema?.type].flat().includes("array");
    const values = (list ? valueOf(p).split(",").map((value) => value.trim()) : [valueOf(p)]).map(encodeURIComponent);
    return list && p.explode === false ? [p.name + "=" + values.join(",")] : values.map((value) => p.name + "=" + value);
  });
  return location.origin + path + (query.length > 0 ? "?" + query.join("&") : "");
}

/** Sends a request and reads the whole answer. Throws if there is none. */
export async function send({ method, url, headers, body }) {
  const began = performance.now();
  const response = await fetch(url, {
    method, body, headers: withToken(headers),
    cache: "no-store", // so that what is seen is what the service said: a 304, too
    signal: AbortSignal.timeout(30_000),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    reason: response.statusText || reasons[response.status] || "",
    ok: response.ok,
    headers: response.headers,
    type: (response.headers.get("Content-Type") ?? "").split(";")[0].trim(),
    bytes,
    milliseconds: performance.now() - began,
  };
}

const withToken = (headers) => (token.get() ? [...headers, ["Authorization", "Bearer " + token.get()]] : headers);

// HTTP/2 has no reason phrases.
const reasons = { 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 304: "Not Modified", 400: "Bad Request",
  401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 412: "Precondition Failed" };

/** Whether the media type is a kind of JSON. */
export const isJSON = (type) => /[/+]json$/.test(type);

/** Whether people can read and write the media type as it is. */
export const isReadable = (type) => isJSON(type) || /^text\/|[/+](yaml|xml|jwt|jose)$/.test(type);

/** JSON as a value; undefined if the answer is none. */
export function jsonOf({ type, bytes }) {
  if (!isJSON(type) || bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * The request as a curl command. Secrets stay out of it: $TOKEN stands for the token, $SESSION for the value of the
 * session's cookie, which no page can read.
 */
export function curlOf({ method, url, headers, body }, cookie) {
  const parts = ["curl -i" + ({ GET: "", HEAD: "I" }[method] ?? " -X " + method) + " " + quote(url)];
  parts.push(...headers.map(([name, value]) => "-H " + quote(`${name}: ${value}`)));
  if (token.get()) parts.push('-H "Authorization: Bearer $TOKEN"');
  else if (cookie) parts.push(`-b "${cookie}=$SESSION"`);
  if (body === undefined) return parts.join(" \\\n  ");
  if (typeof body === "string") return [...parts, "--data-binary " + quote(body)].join(" \\\n  ");
  const octal = [...body].map((byte) => "\\" + byte.toString(8).padStart(3, "0")).join("");
  return `printf '${octal}' |\n  ` + [...parts, "--data-binary @-"].join(" \\\n  ");
}

const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

/** Bytes as hexadecimal digits, and back: whatever is no digit only separates. */
export const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
export const fromHex = (text) => Uint8Array.from(text.replace(/[^0-9a-f]/gi, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
