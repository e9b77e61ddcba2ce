// What is to be decided.
import { get } from "./api.js";
import { badge, el, note, view, when } from "./dom.js";

export const RISKS = { R0: "", R1: "", R2: "warn", R3: "bad", R4: "bad" };
export const STATES = { pending: "warn", approved: "good", executing: "good", executed: "good", refused: "bad", failed: "bad" };

export async function showList(state) {
  const found = await get(`approvals?state=${state}`);
  const all = state === "all";
  const rows = found.approvals.map((one) => el("tr", {},
    el("th", { scope: "row" }, el("a", { href: `#/approvals/${one.approval}` }, one.summary || one.approval)),
    el("td", {}, one.risk ? badge(one.risk, RISKS[one.risk]) : "–"),
    el("td", {}, badge(one.state, STATES[one.state])),
    el("td", {}, one.agent),
    el("td", {}, one.environment),
    el("td", {}, when(one.created)),
    el("td", {}, one.expires ? when(one.expires) : "–")));
  const head = ["Request", "Risk", "State", "Agent", "Environment", "Asked", "Ends"];
  view(all ? "All requests" : "To decide",
    found.approvals.length === 0 && note("", all ? "Nobody has asked for anything yet." : "Nothing is open."),
    rows.length > 0 && el("div", { class: "card scroll", role: "region", "aria-label": "Requests", tabindex: "0" },
      el("table", { class: "list" }, el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, rows))),
    found.more && el("p", { class: "soft" }, "There are more than are listed here."));
}
