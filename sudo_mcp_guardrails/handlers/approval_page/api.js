// Calls of the API. An answer that is no is an ApiError with the reason in words.
import { forget, token } from "./auth.js";

export class ApiError extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(`api/${path}`, {
      method, cache: "no-store", credentials: "omit",
      headers: { authorization: `Bearer ${token()}`, ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new ApiError(0, "The server could not be reached. Nothing is known of what became of it: load the page again.");
  }
  let found = {};
  try { found = await answer.json(); } catch { /* a gateway's own answer may be none of ours */ }
  if (answer.status === 401) { forget(); throw new ApiError(401, "You are not signed in any more."); }
  if (!answer.ok) throw new ApiError(answer.status, found.error ?? found.message ?? `The server answered ${answer.status}.`);
  return found;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
