// Where one is: routes by the part of the URL behind the #, so that a link in a notice leads to its approval.
import { ApiError } from "./api.js";
import * as auth from "./auth.js";
import { add, announce, el, note, view } from "./dom.js";
import { finishDecision, showApproval } from "./approval.js";
import { showDelegations } from "./delegations.js";
import { showKeys } from "./keys.js";
import { showList } from "./list.js";
import { showTrust } from "./trust.js";

const ROUTES = [
  [/^#\/approvals(?:\/(all))?$/, (all) => showList(all ? "all" : "open")],
  [/^#\/approvals\/([A-Za-z0-9][A-Za-z0-9_-]{7,63})$/, showApproval],
  [/^#\/keys$/, showKeys],
  [/^#\/delegations$/, showDelegations],
  [/^#\/trust\/([a-z0-9][a-z0-9-]{0,62})$/, showTrust],
];

function signIn(...problem) {
  document.getElementById("nav").hidden = true;
  document.getElementById("who").textContent = "";
  view("Sign in", problem,
    el("p", {}, "You see what agents ask for, and decide about it, under your own name."),
    el("button", { class: "main", type: "button", onclick: () => auth.begin().catch(problemOf) }, "Sign in"));
}

function problemOf(error) {
  if (error instanceof ApiError && error.status === 401) { signIn(note("warn", error.message)); return; }
  const text = error instanceof Error ? error.message : String(error);
  const expired = error instanceof ApiError && error.status === 410;
  view(expired ? "This link has expired" : "This did not work", note("bad", text), el("p", {},
    el("a", { href: "#/approvals" }, "Back to what is to be decided")));
  announce(text);
}

async function route() {
  if (!auth.signedIn()) { signIn(); return; }
  const nav = document.getElementById("nav");
  nav.hidden = false;
  for (const link of nav.querySelectorAll("a")) {
    if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.getElementById("who").textContent = auth.name();
  for (const [pattern, show] of ROUTES) {
    const found = pattern.exec(location.hash || "#/approvals");
    if (found) {
      try { await show(found[1]); } catch (error) { problemOf(error); }
      return;
    }
  }
  view("Not here", note("warn", "There is no such page."));
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", route);
window.addEventListener("pageshow", (event) => { if (event.persisted) route(); });

try {
  await auth.load();
  const pending = await auth.finish();
  await route();
  if (pending && auth.signedIn()) await finishDecision(pending).catch(problemOf);
} catch (error) {
  signIn(note("bad", error.message));
}
