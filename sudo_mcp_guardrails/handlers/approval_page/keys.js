// One's own keys.
import { get, post } from "./api.js";
import { announce, card, el, list, note, view, when } from "./dom.js";
import { makeKey } from "./prove.js";

export async function showKeys() {
  const found = await get("credentials");
  const label = el("input", { type: "text", id: "label", maxlength: "100", autocomplete: "off" });
  const codeField = el("input", { type: "text", id: "code", maxlength: "200", autocomplete: "off" });
  const problem = el("div", {});
  const enrol = async () => {
    problem.replaceChildren();
    try {
      const offered = await get("credentials");
      const made = await makeKey(offered);
      await post("credentials", { ...made, issued: offered.issued, label: label.value, code: codeField.value });
      await showKeys();
      announce("The key is enrolled.");
    } catch (error) {
      problem.append(note("bad", error.message));
      announce(error.message);
    }
  };
  view("Your keys",
    card("Enrolled keys", found.keys.length === 0 ? el("p", {}, "You have none yet.")
      : list(found.keys.map((key) => [key.label || "Key without a name", ", since ", when(key.created)]))),
    card("Enrol a key", !found.relyingParty ? el("p", {}, "No keys are taken here.") : el("div", { class: "gap" },
      el("p", {}, "A passkey or a security key that checks a finger, a face or a PIN proves each decision of yours."),
      el("div", {}, el("label", { for: "label" }, "Name of the key"), label),
      found.codeNeeded && el("div", {}, note("warn", `Your sign-in alone does not do: ${found.codeNeeded}.`),
        el("label", { for: "code" }, "Code of an administrator"), codeField),
      problem,
      el("button", { class: "main", type: "button", onclick: enrol }, "Enrol a key"))));
}
