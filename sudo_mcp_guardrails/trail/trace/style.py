"""The style sheet of the HTML timeline: light and dark, on a screen and on paper; nothing is told by colour alone."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1d21; --dim: #545b64; --paper: #fff; --soft: #f3f5f7; --line: #c9ced6;
  --accent: #0b5cad; --bad: #a8071a; --warn: #7a4b00; --good: #17603a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --dim: #a9b1bb; --paper: #14171a; --soft: #1e2226;
  --line: #3c434b; --accent: #7ab7ff; --bad: #ff9c9c; --warn: #ffc66d; --good: #8fd9a8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
h1, code, .title, dd { overflow-wrap: anywhere; }
code, time, .facts dd, .title { font-family: ui-monospace, monospace; font-size: .92em; }
dl { margin: 0; } dt { color: var(--dim); } dd { margin: 0; }
.summary { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem;
  padding: 1rem; background: var(--soft); border-radius: .5rem; margin-top: 1rem; }
.summary dt, .facts, .kind, .legend { font-size: .85rem; }
.tree, .tree ol { list-style: none; margin: 0; padding: 0; }
.tree ol { margin-left: .45rem; padding-left: 1.3rem; border-left: 2px solid var(--line); }
.tree li { padding: .35rem 0; position: relative; }
.tree ol > li::before { content: ""; position: absolute; left: -1.3rem; top: 1.1rem; width: .9rem;
  border-top: 2px solid var(--line); }
.head { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: baseline; }
.kind { color: var(--dim); min-width: 5.2rem; }
.title { font-weight: 600; }
time { color: var(--dim); white-space: nowrap; }
.mark { font-size: .8rem; padding: 0 .45rem; border: 1px solid currentcolor; border-radius: 1rem; white-space: nowrap; }
.bad { color: var(--bad); } .warn { color: var(--warn); } .asked { color: var(--accent); }
.reason { margin: 0; color: var(--warn); font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0 1rem; color: var(--dim); }
.facts div { display: flex; gap: .35rem; } .facts dd { color: var(--ink); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; color: var(--dim); padding-bottom: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
thead { display: table-header-group; } td a { color: var(--accent); }
.since { color: var(--dim); white-space: nowrap; text-align: right; }
.scroll { overflow-x: auto; } .legend { color: var(--dim); margin-top: 2rem; }
li:target > .head { outline: 3px solid var(--accent); outline-offset: 3px; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } .scroll { overflow: visible; }
  li > .head, tr { break-inside: avoid; } :root { --ink: #000; --paper: #fff; --soft: #fff; --dim: #333; --line: #888;
  --bad: #a8071a; --warn: #5c3900; --accent: #00418a; } .summary { border: 1px solid var(--line); }
  td a { color: inherit; text-decoration: none; } }
"""
