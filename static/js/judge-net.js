// Talking to the server: every refusal and every silence has its own name.

export class Refused extends Error {
  constructor(status, said) {
    super(said.detail ?? `The server refused this (${status}).`);
    this.status = status;
    this.code = said.code ?? "";
  }
}
export class Unreachable extends Error {}
export class LoggedOut extends Error {}

const PATIENCE = 20_000; // ms

/** Make a random UUID, also where the page came over plain HTTP and the browser offers none. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  hex[6] = `4${hex[6][1]}`;
  hex[8] = `a${hex[8][1]}`;
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

export async function send(url, { method = "POST", body, keepalive = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      keepalive,
      redirect: "manual",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: method === "POST" ? JSON.stringify(body ?? {}) : undefined,
      signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Unreachable();
  }
  const isJson = response.headers.get("Content-Type")?.includes("json");
  if (response.type === "opaqueredirect" || response.status === 401) throw new LoggedOut();
  if (response.status === 403 && !isJson) throw new LoggedOut(); // the form's token is of another session
  if (response.status >= 500 || response.status === 408 || response.status === 429) throw new Unreachable();
  try {
    if (!response.ok) throw new Refused(response.status, isJson ? await response.json() : {});
    return isJson ? await response.json() : await response.text();
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Unreachable(); // cut off in the middle
  }
}
