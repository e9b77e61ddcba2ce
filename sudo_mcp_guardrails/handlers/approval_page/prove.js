// Prove to be there: by a key, over the challenge of just this, or by a new sign-in whose nonce is the challenge.
import { begin } from "./auth.js";

const bytes = (text) => {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
};
export const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const ofHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

// Returns an assertion, or null where the page leaves to sign in: what waits is then posted when it comes back.
export async function prove(asked, factor, pending) {
  if (factor === "jwt") {
    await begin({ challenge: asked.challenge, pending });
    return null;
  }
  const found = await navigator.credentials.get({
    publicKey: {
      challenge: ofHex(asked.challenge), rpId: asked.relyingParty, userVerification: "required", timeout: 120000,
      allowCredentials: asked.allowCredentials.map((id) => ({ type: "public-key", id: bytes(id) })),
    },
  });
  return {
    rawId: text(found.rawId),
    response: {
      clientDataJSON: text(found.response.clientDataJSON),
      authenticatorData: text(found.response.authenticatorData),
      signature: text(found.response.signature),
    },
  };
}

export async function makeKey(offered) {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: ofHex(offered.challenge), rp: { id: offered.relyingParty, name: "Approvals" },
      user: { id: bytes(offered.user), name: offered.name, displayName: offered.name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }], attestation: "none", timeout: 120000,
      authenticatorSelection: { userVerification: "required", residentKey: "discouraged" },
      excludeCredentials: offered.keys.map((key) => ({ type: "public-key", id: bytes(key.id) })),
    },
  });
  return {
    clientDataJSON: text(made.response.clientDataJSON), authenticatorData: text(made.response.getAuthenticatorData()),
  };
}
