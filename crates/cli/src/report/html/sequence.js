"use strict";
// A cell's evidence as a sequence diagram: a list, of which each item says in words where it goes, and for the eye is drawn between
// the nodes' lanes. The style has classes for so many lanes; with more, it is a list alone.
const sequence = (cell, word, make) => {
  const MOST = 8;
  const [STOPPED, DECIDING, SAID] = [1, 2, 4];
  const lanes = cell.lanes.map(word);
  const many = lanes.length > MOST ? "many" : `lanes-${lanes.length}`;
  const heads = make("div", undefined, `heads ${many}`);
  // Each item names its nodes.
  heads.setAttribute("aria-hidden", "true");
  lanes.forEach((lane, i) => heads.append(make("span", lane, `at-${i}`)));
  const list = make("ol", undefined, `sequence ${many}`);
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", "What happened, in order");
  for (const [ms, from, to, is, about, text] of cell.evidence) {
    const kinds = from === to ? ["note", `at-${from}`] : ["arrow", `from-${from}`, `to-${to}`, from < to ? "right" : "left"];
    if (is & STOPPED) kinds.push("stopped");
    if (is & DECIDING) kinds.push("deciding");
    if (is & SAID) kinds.push("said");
    const item = make("li", undefined, kinds.join(" "));
    item.append(make("span", `${ms.toFixed(3)} ms `, "time"));
    const what = make("span", undefined, "what");
    const where = from === to ? lanes[from] : `${lanes[from]} → ${lanes[to]}`;
    what.append(make("span", `${where}: `, "where"), make("span", `${word(about)}: `, "source"));
    if (is & DECIDING) what.append(make("span", "This decided it: ", "hidden"));
    what.append(word(text));
    const line = make("span", undefined, "line");
    line.setAttribute("aria-hidden", "true");
    item.append(what, line);
    list.append(item);
  }
  return [heads, list];
};
