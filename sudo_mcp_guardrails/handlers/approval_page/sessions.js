// The sessions that would carry it out: whose role, in which account, and the policy of each part, as STS gets it.
import { get } from "./api.js";
import { add, announce, card, code, el, facts, list, note } from "./dom.js";

export function sessionsCard(id) {
  const body = el("div", { "aria-busy": "true" }, el("p", { class: "soft" }, "The policies are being made…"));
  const parts = el("div", {});
  const range = el("p", { class: "soft", id: "parts" });
  const more = el("button", { type: "button" }, "Show more parts");
  let offset = 0;
  const load = async (first) => {
    more.disabled = true;
    try {
      const found = await get(`approvals/${id}/sessions?${new URLSearchParams({ offset: String(offset) })}`);
      if (first) add(head(body, found), found.sessions.length > 0 ? [parts, range, el("div", { class: "row tools" }, more)] : []);
      add(parts, found.sessions.map((one) => part(one, found)));
      if (!first && found.why) add(parts, [note("bad", found.why)]);
      offset += found.sessions.length;
      range.textContent = found.next === null ? `${offset} ${offset === 1 ? "part" : "parts"}, which is all.` : `Parts 1 to ${offset}; there are more.`;
      more.hidden = found.next === null;
      // Where the last press was, the focus stays: on the button, or on what came in its place.
      if (!first) { announce(range.textContent); (more.hidden ? parts.lastElementChild?.querySelector("summary") : more)?.focus(); }
    } catch (error) { add(first ? head(body, {}) : parts, [note("bad", error.message)]); if (!first) announce(error.message); }
    more.disabled = false;
  };
  more.addEventListener("click", () => load(false));
  load(true);
  return card("Sessions that carry it out", el("p", { class: "soft" }, "The broker alone assumes the agent's apply role, once for "
    + "each part, and hands its policy to STS: the session can do what both the role and this policy allow, and nothing else."), body);
}

function head(body, found) {
  body.removeAttribute("aria-busy");
  body.replaceChildren();
  return add(body, [found.why && note("bad", el("p", {}, el("strong", {}, "It cannot be carried out as it is: "), found.why)),
    found.role && facts([["Account", found.account], ["Region", found.region], ["Role", code(found.role)]])]);
}

function part(one, found) {
  const changes = one.changes.length + one.moreChanges;
  return el("details", { open: one.number === 1 && found.next === null && found.sessions.length === 1 },
    el("summary", {}, `Part ${one.number}: ${changes} ${changes === 1 ? "change" : "changes"}, ${one.characters} of ${found.limit} characters`
      + `${one.hidden ? ", with hidden values" : ""}`),
    el("pre", { class: "policy" }, one.policy),
    el("details", {}, el("summary", {}, `Changes of part ${one.number}`), list(one.changes), one.moreChanges > 0 && el("p", {}, `and ${one.moreChanges} more`)));
}
