// What an agent has earned, and why. Rulings are made with the API or the command line; here one reads.
import { get } from "./api.js";
import { badge, card, el, facts, list, note, view } from "./dom.js";

export async function showTrust(agent) {
  const found = await get(`trust/${agent}`);
  const row = (cell) => el("tr", {}, el("th", { scope: "row" }, `${cell.risk} in ${cell.environment || "any"}`),
    el("td", {}, badge(cell.tier)), el("td", {}, cell.explanation), el("td", {}, cell.eligible ? "nothing" : list(cell.missing)));
  const cells = found.cells.length ? found.cells : found.fresh;
  view(`Trust in ${agent}`,
    found.broken && note("bad", `The ledger is broken, so that everything goes to people: ${found.broken}`),
    found.openCriticals.length > 0 && note("bad", `Critical incidents that nobody closed: ${found.openCriticals.join(", ")}`),
    card("Standing", facts([["Fingerprint", found.fingerprint || "none was introduced"], ["Entries of the ledger", found.entries]])),
    card("Tiers", el("div", { class: "scroll", role: "region", "aria-label": "Tiers", tabindex: "0" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Work", "Tier", "Why", "Missing for more"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, cells.map(row))))),
    found.notes.length > 0 && card("Entries that did not count", list(found.notes.map((one) => `${one.number}: ${one.text}`))));
}
