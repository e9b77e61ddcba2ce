// What somebody lent and what was lent to him. Lending takes a proof of its own, in a terminal; ending one takes none.
import { get, post } from "./api.js";
import { announce, card, code, el, note, view, when } from "./dom.js";

export async function showDelegations() {
  const [lent, borrowed] = await Promise.all([get("delegations/lent"), get("delegations")]);
  const problem = el("div", {});
  const end = async (id) => {
    problem.replaceChildren();
    try {
      await post(`delegations/${id}/end`, {});
      await showDelegations();
      announce("The delegation is ended.");
    } catch (error) {
      problem.append(note("bad", error.message));
      announce(error.message);
    }
  };
  view("Delegations", problem,
    card("Lent by you", table(lent.delegations, "To", (one) => one.delegate, end)),
    card("Lent to you", table(borrowed.delegations, "From", (one) => one.delegator, end)),
    el("p", { class: "soft" }, "To lend your groups: ", code("mcp-guardrails approvals delegate"), "."));
}

function table(found, whose, name, end) {
  if (found.length === 0) return el("p", {}, "Nothing.");
  const row = (one) => el("tr", {}, el("th", { scope: "row" }, name(one)), el("td", {}, one.groups.join(", ") || "all groups"),
    el("td", {}, when(one.starts)), el("td", {}, when(one.ends)), el("td", {}, one.reason),
    el("td", {}, el("button", { type: "button", "aria-label": `End the delegation ${whose.toLowerCase()} ${name(one)}`, onclick: () => end(one.id) }, "End")));
  return el("div", { class: "scroll", role: "region", "aria-label": `Delegations ${whose.toLowerCase()}`, tabindex: "0" }, el("table", {},
    el("thead", {}, el("tr", {}, [whose, "Groups", "From", "Until", "Why", "End"].map((each) => el("th", { scope: "col" }, each)))),
    el("tbody", {}, found.map(row))));
}
