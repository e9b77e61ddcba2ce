// What changes: a table for each resource, some at a time, so that 10,000 of them stay usable.
import { get } from "./api.js";
import { announce, badge, card, code, el, note } from "./dom.js";

const KINDS = { delete: "bad", replace: "bad", create: "good", update: "", call: "warn", import: "" };
const SIGNS = { added: "+ ", removed: "− ", changed: "" };

export function changesCard(found, id) {
  const body = el("div", {});
  const range = el("p", { class: "soft", id: "range" });
  const find = el("input", { type: "search", id: "find", autocomplete: "off" });
  const operations = Object.entries(found.plan.operations);
  const operation = el("select", { id: "operation" }, el("option", { value: "" }, "all"),
    operations.map(([name, count]) => el("option", { value: name }, `${name} (${count})`)));
  const before = el("button", { type: "button" }, "Previous");
  const after = el("button", { type: "button" }, "Next");
  let page = found.changes;
  const starts = [0];
  const draw = () => {
    body.replaceChildren(...page.items.map((change) => changeOf(change, id)));
    const last = page.offset + page.items.length;
    range.textContent = page.total === 0 ? "No change is like this." : `${page.offset + 1} to ${last} of ${page.total}`;
    before.disabled = starts.length < 2;
    after.disabled = page.next === null;
  };
  const load = async (offset) => {
    const asked = new URLSearchParams({ offset: String(offset), find: find.value, operation: operation.value });
    try {
      page = await get(`approvals/${id}/changes?${asked}`);
      draw();
      announce(`Changes ${range.textContent}`);
    } catch (error) { body.replaceChildren(note("bad", error.message)); announce(error.message); }
  };
  const again = () => { starts.splice(0, starts.length, 0); load(0); };
  let timer;
  find.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(again, 300); });
  operation.addEventListener("change", again);
  before.addEventListener("click", () => { starts.pop(); load(starts.at(-1)); });
  after.addEventListener("click", () => { starts.push(page.next); load(page.next); });
  draw();
  const summary = operations.map(([name, count]) => [badge(`${count} × ${name}`, KINDS[name]), " "]);
  return card("What changes", el("p", {}, summary),
    el("div", { class: "row tools" }, el("label", { for: "find" }, "Find"), find, el("label", { for: "operation" }, "Operation"), operation),
    range, body, found.changes.next !== null && el("div", { class: "row tools" }, before, after));
}

function changeOf(change, id) {
  const made = el("article", { class: "change", "aria-label": `${change.operation} ${change.type} ${change.id}` });
  const fill = (one) => made.replaceChildren(
    el("div", { class: "row" }, badge(one.operation, KINDS[one.operation]), el("h3", {}, one.id), el("span", { class: "soft" }, one.type),
      one.physicalId && code(one.physicalId)),
    ...[one.dependent.length > 0 && el("p", { class: "soft" }, `Others need it: ${one.dependent.slice(0, 20).join(", ")}`),
      one.rows.length > 0 ? table(one) : el("p", { class: "soft" }, one.known ? "No property differs." : "Its values are not known."),
      one.more > 0 && el("p", {}, `${one.more} more properties. `, el("button", { type: "button", onclick: async () => {
        fill(await get(`approvals/${id}/changes?${new URLSearchParams({ id: one.id })}`));
      } }, "Show all")),
      one.options && el("details", {}, el("summary", {}, "Options"), code(one.options)),
    ].filter(Boolean));
  fill(change);
  return made;
}

function table(change) {
  // What is made has no before, and what is deleted no after: a column without anything only takes the eye off the other.
  const sides = [["Before", "before", "old"], ["After", "after", "new"]]
    .filter(([, side]) => change.rows.some((row) => row[side] !== null));
  const cell = (row, [label, side, kind]) => row[side] === null
    ? el("td", { class: "value none" }, el("span", { class: "unseen" }, `${label}: nothing`))
    : el("td", { class: `value ${kind}`, "data-label": label }, row[side], row.hidden && el("span", { class: "soft" }, " (hidden)"));
  return el("table", { class: "diff" },
    el("caption", { class: "unseen" }, `Properties of ${change.id} that change`),
    el("thead", {}, el("tr", {}, ["Property", ...sides.map(([label]) => label)].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, change.rows.map((row) => el("tr", {},
      el("th", { scope: "row" }, el("span", { class: "mono" }, SIGNS[row.what], row.path.join(".") || "(whole)"),
        el("span", { class: "unseen" }, ` ${row.what}`), row.cut > 0 && el("span", { class: "soft" }, ` ${row.cut} characters are left out`)),
      sides.map((side) => cell(row, side))))));
}
