// Sign in by OpenID Connect: authorization code with PKCE. Tokens live in memory alone; what survives the way to the
// identity provider and back is the verifier, and the decision that is to be proved, which is worth nothing elsewhere.

const PLACE = "approvals-sign-in";
let settings = null;
let session = null;

const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const claimsOf = (token) => {
  const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
};

export const signedIn = () => session !== null && session.ends > Date.now();
export const token = () => session?.token ?? "";
export const name = () => {
  const claims = session?.claims ?? {};
  return claims.email ?? claims.preferred_username ?? claims["cognito:username"] ?? claims.sub ?? "";
};
export function forget() { session = null; }

export async function load() {
  const answer = await fetch("config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error("The page's settings could not be read.");
  settings = await answer.json();
  if (!settings.authorizeUrl || !settings.tokenUrl) {
    const found = await fetch(`${settings.issuer}/.well-known/openid-configuration`, { credentials: "omit" });
    if (!found.ok) throw new Error("The identity provider could not be asked.");
    const discovered = await found.json();
    if (discovered.issuer !== settings.issuer) throw new Error("The identity provider calls itself by another name.");
    settings.authorizeUrl ||= discovered.authorization_endpoint;
    settings.tokenUrl ||= discovered.token_endpoint;
  }
}

// Go to the identity provider; with a challenge, to sign in anew for just this decision.
export async function begin({ challenge = "", pending = null } = {}) {
  const verifier = random();
  const state = random();
  const nonce = challenge || random();
  const kept = { state, verifier, nonce, pending, hash: location.hash, at: Date.now() };
  sessionStorage.setItem(PLACE, JSON.stringify(kept));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const asked = new URLSearchParams({
    response_type: "code", client_id: settings.clientId, redirect_uri: settings.redirectUri, scope: "openid", state,
    nonce, code_challenge: base64url(hash), code_challenge_method: "S256",
  });
  if (challenge) { asked.set("max_age", "0"); asked.set("prompt", "login"); }
  location.assign(`${settings.authorizeUrl}?${asked}`);
}

// Come back from there; returns the decision that waited for it, or null.
export async function finish() {
  const given = new URLSearchParams(location.search);
  const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  sessionStorage.removeItem(PLACE);
  if (!given.has("state")) return null;
  history.replaceState(null, "", `${location.pathname}${kept?.hash ?? ""}`);
  if (!kept || given.get("state") !== kept.state) throw new Error("This sign-in began elsewhere, or is over.");
  if (given.has("iss") && given.get("iss") !== settings.issuer) throw new Error("Another identity provider answered.");
  if (given.has("error")) throw new Error(`The identity provider refused: ${given.get("error_description") ?? given.get("error")}`);
  const answer = await fetch(settings.tokenUrl, {
    method: "POST", credentials: "omit", headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "authorization_code", code: given.get("code"), redirect_uri: settings.redirectUri,
      client_id: settings.clientId, code_verifier: kept.verifier,
    }),
  });
  const tokens = await answer.json();
  if (!answer.ok || !tokens.id_token) throw new Error("The identity provider gave no token.");
  const claims = claimsOf(tokens.id_token);
  if (claims.nonce !== kept.nonce) throw new Error("The token is for another sign-in.");
  session = { token: tokens.id_token, claims, ends: claims.exp * 1000 };
  return kept.pending;
}
