// One approval: what changes, how dangerous it is and why, what nobody can bind, who decides, and what happened so far.
import { ApiError, get, post } from "./api.js";
import { changesCard } from "./changes.js";
import { announce, badge, card, code, dialog, el, facts, list, note, view, when } from "./dom.js";
import { RISKS, STATES } from "./list.js";
import { prove } from "./prove.js";
import { sessionsCard } from "./sessions.js";

const VERBS = { approve: "Approve", refuse: "Refuse" };
const PROOFS = { webauthn: "your key, with your finger, face or PIN", jwt: "a new sign-in, for just this decision", mfa: "a second factor" };
const DONE = { approve: "Your approval is recorded.", refuse: "Your refusal is recorded." };

export async function showApproval(id) {
  const found = await get(`approvals/${id}`);
  const { request, status, plan, you } = found;
  const who = request.requester;
  view(request.ticket ? `${request.ticket}: ${who.agent}` : who.agent,
    el("p", { class: "row" }, badge(request.risk, RISKS[request.risk]), badge(status.state, STATES[status.state]),
      el("span", { class: "soft" }, `${request.environment}${plan.target ? `, ${plan.target}` : ""}`)),
    banner(found),
    el("div", { class: "two" }, riskCard(found), decideCard(found, id)),
    changesCard(found, id),
    el("div", { class: "two" }, askedCard(found), limitsCard(found)),
    sessionsCard(id),
    historyCard(found),
    proofCard(found));
  if (status.state === "expired") { announce("This link has expired."); document.title = "Expired – Approvals"; }
}

// What was stated before the way to the identity provider is posted after it; the token names it by its nonce.
export async function finishDecision(pending) {
  await send(pending.id, pending.body, null);
}

function banner({ status, request }) {
  if (status.state === "expired") {
    return note("bad", el("p", {}, el("strong", {}, "This link has expired."), " It ended ", when(request.expires),
      ". Nothing can be decided here any more; the agent has to ask anew."));
  }
  const kind = { approved: "good", executed: "good", executing: "good", refused: "bad", failed: "bad", withdrawn: "warn" }[status.state];
  const about = status.because ? `It is ${status.state}: ${status.because}.` : `It is ${status.state}.`;
  return kind && note(kind, about, status.breakGlass && "Somebody approved alone, by break-glass. It is audited.",
    status.rule && `No person was asked: ${status.rule}.`);
}

function riskCard({ request }) {
  const shown = request.reasons.slice(0, 8);
  const rest = request.reasons.slice(8);
  return card("Risk, and why", el("p", {}, badge(request.risk, RISKS[request.risk]), " worst reason first"),
    el("ol", { class: "reasons" }, shown.map((one) => el("li", {}, one))),
    rest.length > 0 && el("details", {}, el("summary", {}, `${rest.length} more reasons`),
      el("ol", { class: "reasons" }, rest.map((one) => el("li", {}, one)))));
}

function decideCard(found, id) {
  const { status, you, request } = found;
  const open = !status.final && status.state !== "executing";
  const left = status.secondsLeft;
  const buttons = [];
  if (open && you.mayDecide) {
    if (status.state === "pending") buttons.push(act("approve", "good", found, id));
    buttons.push(act("refuse", "bad", found, id));
  }
  if (open && you.requester) {
    buttons.push(el("button", { type: "button", onclick: () => withdraw(id) }, "Withdraw…"));
  }
  const proof = you.factors.length === 0 && el("p", {}, "You can prove nothing here yet: ",
    el("a", { href: "#/keys" }, "enrol a key"), ".");
  return card("Decision",
    status.final && el("p", {}, `Nothing is decided here any more: it is ${status.state}.`),
    status.missing.length > 0 && [el("p", { class: "soft" }, "What is missing"), list(status.missing)],
    facts([
      ["Approved by", status.approvers.join(", ")],
      ["May decide now", open ? status.deciding.join(", ") || "nobody" : ""],
      ["Time left", open ? `${duration(left)}, until ${request.expires.replace("T", " ").replace("Z", " UTC")}` : ""],
      ["Can be carried out", status.opens ? when(status.opens) : ""],
    ]),
    open && !you.mayDecide && !you.requester && note("", "You are in no group that may decide this now."),
    open && you.requester && note("", "You asked for this, or answer for the agent: others decide."),
    open && you.mayDecide && proof,
    buttons.length > 0 && el("div", { class: "row act" }, buttons),
    status.uncounted.length > 0 && el("details", {}, el("summary", {}, `${status.uncounted.length} on record that did not count`),
      list(status.uncounted.map((one) => `${one.who || one.kind}: ${one.reason}`))));
}

const act = (verdict, kind, found, id) =>
  el("button", { type: "button", class: kind, onclick: () => decide(verdict, found, id) }, `${VERBS[verdict]}…`);

async function decide(verdict, shown, id) {
  let fresh;
  try {
    // A token is good for one decision, for five minutes: a new one for this click, about the same thing.
    fresh = await get(`approvals/${id}`);
    if (fresh.approvalDigest !== shown.approvalDigest || fresh.planDigest !== shown.planDigest) {
      throw new ApiError(409, "It is not what you were shown any more: load the page again.");
    }
    if (!fresh.token) { await showApproval(id); return; }
  } catch (error) { await fail(id, error); return; }
  const lent = await get("delegations").then((found) => found.delegations, () => []);
  const stated = await dialog(`${VERBS[verdict]} this?`, (close) => {
    const comment = el("textarea", { id: "comment", maxlength: "2000" });
    const alone = el("input", { type: "checkbox", id: "alone" });
    const instead = el("select", { id: "instead" }, el("option", { value: "" }, "yourself"),
      lent.map((one) => el("option", { value: one.id }, `${one.delegator}, until ${one.until}`)));
    const offerAlone = verdict === "approve" && fresh.you.mayBreakGlass;
    const factor = fresh.you.factors[0];
    const proof = el("select", { id: "proof" }, fresh.you.factors.map((one) => el("option", { value: one }, PROOFS[one])));
    return [
      facts([["Plan", code(fresh.planDigest)], ["Approval", code(fresh.approvalDigest)], ["Risk", fresh.request.risk]]),
      el("div", {}, el("label", { for: "comment" }, "Comment"), comment),
      lent.length > 0 && el("div", {}, el("label", { for: "instead" }, "Decide for"), instead),
      offerAlone && el("label", { class: "in-line" }, alone,
        "Break-glass: approve alone, now. The comment must say why; everybody is told, and it is audited."),
      fresh.you.factors.length > 1 && el("div", {}, el("label", { for: "proof" }, "Prove it is you by"), proof),
      fresh.you.factors.length < 2 && el("p", { class: "soft" }, factor ? `Next, you prove it is you by ${PROOFS[factor]}.`
        : "You can prove nothing here yet."),
      el("div", { class: "row" },
        el("button", { type: "button", class: verdict === "approve" ? "good" : "bad", disabled: !factor,
          onclick: () => close({ comment: comment.value, breakGlass: alone.checked, onBehalfOf: instead.value, proof: proof.value }) }, VERBS[verdict]),
        el("button", { type: "button", onclick: () => close(null) }, "Cancel")),
    ];
  });
  if (!stated) return;
  const body = {
    verdict, comment: stated.comment, breakGlass: stated.breakGlass, onBehalfOf: stated.onBehalfOf, token: fresh.token,
    approvalDigest: fresh.approvalDigest, planDigest: fresh.planDigest,
  };
  try {
    const asked = await post(`approvals/${id}/challenge`, body);
    const assertion = await prove(asked, stated.proof, { id, body });
    if (assertion) await send(id, body, assertion);
  } catch (error) { await fail(id, error); }
}

async function send(id, body, assertion) {
  try {
    await post(`approvals/${id}/decision`, assertion ? { ...body, assertion } : body);
  } catch (error) { await fail(id, error); return; }
  await showApproval(id);
  document.querySelector("h1").after(note("good", DONE[body.verdict]));
  announce(DONE[body.verdict]);
}

async function fail(id, error) {
  if (error instanceof ApiError && error.status === 401) throw error;
  const text = error.name === "NotAllowedError" ? "The key proved nothing: it was cancelled, or took too long." : error.message;
  await showApproval(id);
  document.querySelector("h1").after(note("bad", el("p", {}, el("strong", {}, "Your decision does not count. "), text)));
  announce(`Your decision does not count. ${text}`);
}

async function withdraw(id) {
  const stated = await dialog("Withdraw the request?", (close) => {
    const reason = el("textarea", { id: "reason", maxlength: "2000" });
    return [el("p", {}, "It ends at once; the agent has to ask anew."),
      el("div", {}, el("label", { for: "reason" }, "Reason"), reason),
      el("div", { class: "row" }, el("button", { type: "button", class: "bad", onclick: () => close({ reason: reason.value }) }, "Withdraw"),
        el("button", { type: "button", onclick: () => close(null) }, "Cancel"))];
  });
  if (!stated) return;
  try {
    await post(`approvals/${id}/withdraw`, stated);
    await showApproval(id);
    announce("The request is withdrawn.");
  } catch (error) { await fail(id, error); }
}

function askedCard({ request, plan }) {
  const who = request.requester;
  return card("Who asks, for what", facts([
    ["Agent", el("a", { href: `#/trust/${who.agent}` }, who.agent)], ["Run", code(who.run)], ["Person", who.person],
    ["Owner", who.owner], ["Ticket", request.ticket], ["Environment", request.environment],
    ["Account", request.account], ["Region", request.region], ["Services", request.services.join(", ")],
    ["Plan", plan.form], ["Target", plan.target], ["Carried out", plan.artifact && code(plan.artifact)],
    ["Asked", when(request.created)], ["Ends", when(request.expires)],
  ]), Object.keys(plan.parameters).length > 0 && el("details", {}, el("summary", {}, "Parameters"),
    facts(Object.entries(plan.parameters).map(([name, value]) => [name, code(value)]))));
}

function limitsCard({ limits, plan }) {
  return card("What IAM cannot bind", el("p", { class: "soft" }, "The policies below hold it to the rest. Here the "
    + "digest is the only wall: the plan is read again and compared before it is carried out."), list(limits),
    plan.unknown.length > 0 && [el("h3", {}, "Not known"), list(plan.unknown.map(([where, why]) => `${where ? `${where}: ` : ""}${why}`)),
      plan.moreUnknown > 0 && el("p", {}, `and ${plan.moreUnknown} more`)],
    plan.pins.length > 0 && [el("h3", {}, "Content from outside, at one version"),
      list(plan.pins.map(([kind, name, version]) => `${kind} ${name} at ${version}`))]);
}

function historyCard({ history }) {
  const head = ["", "When", "Who", "What", "Why", "Proof"];
  return card("What happened so far", el("div", { class: "scroll", role: "region", "aria-label": "Records", tabindex: "0" },
    el("table", { class: "list" }, el("thead", {}, el("tr", {}, head.map((name, place) => place ? el("th", { scope: "col" }, name)
      : el("td", {})))),
    el("tbody", {}, history.map((one) => el("tr", {}, el("th", { scope: "row" }, String(one.number)), el("td", {}, when(one.when)),
      el("td", {}, one.who), el("td", {}, short(`${one.kind}; ${one.what}`)), el("td", {}, short(one.why)), el("td", {}, short(one.proof))))))));
}

function short(text) {
  const plain = text.replaceAll(/[0-9a-f]{64}/g, (digest) => `${digest.slice(0, 12)}…`);
  if (plain.length <= 240) return plain;
  return el("details", {}, el("summary", {}, `${plain.slice(0, 120)}…`), plain);
}

function proofCard({ proof, approvalDigest, planDigest }) {
  return card("Proof", el("p", {}, "Each record above is signed and names the one before it; the chain was verified, and the "
    + "plan's digest computed anew from what was stored, when this page was loaded."), facts([
    ["Approval digest", code(approvalDigest)], ["Plan digest", code(planDigest)],
    ["Computed anew", proof.planDigest === planDigest ? "the same" : "another one"], ["Records", proof.records],
    ["Last record", code(proof.head)], ["Stored plan", code(`${proof.bundle.key} version ${proof.bundle.version}`)],
    ["Scan", proof.scan],
  ]));
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${seconds} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
