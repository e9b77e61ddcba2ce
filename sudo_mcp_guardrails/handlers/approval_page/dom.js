// Elements from data. Text is always text: nothing here, and nothing in this page, reads markup from a string.

const ATTRIBUTES = new Set(["class", "id", "scope", "role", "tabindex", "type", "name", "for", "maxlength", "rows",
  "disabled", "hidden", "colspan", "datetime", "value", "autocomplete", "open", "lang", "checked", "placeholder"]);

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "href") {
      // Links lead within this page alone; where a plan says otherwise, it is text.
      if (!String(value).startsWith("#/")) throw new Error("a link that leaves the page");
      made.setAttribute("href", value);
    } else if (ATTRIBUTES.has(key) || key.startsWith("aria-") || key.startsWith("data-")) {
      made.setAttribute(key, value === true ? "" : String(value));
    } else throw new Error(`attribute ${key} is not set here`);
  }
  add(made, children);
  return made;
}

export function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

export const card = (title, ...children) => {
  const id = `h-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return el("section", { class: "card", "aria-labelledby": id }, el("h2", { id }, title), children);
};
export const note = (kind, ...children) => el("div", { class: `note ${kind}` }, children.map((one) =>
  one instanceof Node ? one : el("p", {}, one)));
export const badge = (text, kind = "") => el("span", { class: `badge ${kind}` }, text);
export const list = (items, attributes = {}) => el("ul", attributes, items.map((item) => el("li", {}, item)));
export const facts = (pairs) => el("dl", {}, pairs.filter(([, value]) => value !== "" && value !== null
  && value !== undefined).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
export const code = (text) => el("code", {}, text);
export const when = (text) => el("time", { datetime: text }, text.replace("T", " ").replace("Z", " UTC"));

export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

// A new view: the title and the focus go with it, so that a screen reader says where one is.
export function view(title, ...children) {
  const main = document.getElementById("main");
  document.title = `${title} – Approvals`;
  const heading = el("h1", { tabindex: "-1" }, title);
  main.replaceChildren();
  add(main, [heading, children]);
  heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

export function dialog(title, build) {
  return new Promise((resolve) => {
    const id = "dialog-title";
    const made = el("dialog", { "aria-labelledby": id, class: "gap" }, el("h2", { id }, title));
    let result = null;
    const close = (value) => { result = value; made.close(); };
    add(made, [build(close)]);
    made.addEventListener("close", () => { made.remove(); resolve(result); });
    document.body.append(made);
    made.showModal();
  });
}
