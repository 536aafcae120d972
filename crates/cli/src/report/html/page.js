// What others wrote is only ever set as text: never as HTML, an attribute that does something, or a style.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const word = (index) => (index === null || index === undefined ? "" : data.words[index]);
  // How a cell ended, and what happened in it.
  const ended = (cell) => ({
    outcome: word(cell.outcome),
    cause: word(cell.cause),
    stopped: word(cell.stopped),
    passes: word(cell.passes),
    lanes: cell.lanes,
    evidence: cell.evidence,
    leftOut: cell.left_out ?? 0,
  });
  const cells = data.cells.map((cell) => {
    const axes = Object.fromEntries(data.axes.map((axis, i) => [axis, word(cell.axes[i])]));
    return {
      ...axes,
      name: data.axes.map((axis) => axes[axis]).join("::"),
      result: word(cell.result),
      shown: word(cell.shown),
      state: word(cell.state),
      symptom: word(cell.symptom),
      ...ended(cell),
      why: word(cell.why),
      requirement: word(cell.requirement),
      before: word(cell.before),
      since: word(cell.since),
      then: cell.then && ended(cell.then),
      notes: cell.notes.map(word),
      tag: (cell.tags ?? []).map(word),
      rules: data.texts[cell.rules],
      line: cell.line,
      matched: new Map(cell.matched ?? []),
      took: cell.ms,
    };
  });
  for (const cell of cells) {
    const all = [cell.name, cell.shown, cell.outcome, cell.cause, cell.why, cell.stopped, cell.passes];
    cell.text = all.concat(cell.notes).join("\n").toLowerCase();
  }

  const count = (list, key) => {
    const counts = new Map();
    for (const one of list) {
      for (const value of [one[key]].flat()) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  };
  const number = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
  const results = ["missed", "inconclusive", "reported", "met", "skipped", "not run"];
  const inOrder = (counts) => results.filter((result) => counts.has(result)).map((result) => [result, counts.get(result)]);
  const inCounts = (list) => inOrder(count(list, "result")).map(([result, n]) => `${n} ${result}`).join(", ");

  at("counts").textContent = `${number(cells.length, "cell")}: ${inCounts(cells)}`;
  at("against").hidden = !data.against;
  for (const key of ["result", "symptom", "cause", "tag", "since"]) {
    const found = count(cells, key);
    if (key === "tag") at("tags").hidden = found.size === 0;
    const counts = key === "result" ? inOrder(found) : [...found].sort((one, other) => other[1] - one[1]);
    for (const [value, n] of counts) {
      const option = make("option", `${value} (${n})`);
      option.value = value;
      at(key).append(option);
    }
  }

  const groups = (list, key) => {
    const groups = new Map();
    for (const one of list) {
      const of = key(one);
      if (!groups.has(of)) groups.set(of, []);
      groups.get(of).push(one);
    }
    return groups;
  };

  // What may be longer or wider than its place scrolls in a frame of its own, also by the keyboard.
  const framed = (name, ...inside) => {
    const scroll = make("div", undefined, "scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", name);
    scroll.append(...inside);
    return scroll;
  };

  const table = (list, scenario) => {
    const setups = data.setups.filter((setup) => list.some((cell) => cell.data === setup));
    const table = make("table");
    const head = make("tr");
    for (const name of ["rules", ...setups]) {
      const cell = make("th", name);
      cell.scope = "col";
      head.append(cell);
    }
    const thead = make("thead");
    thead.append(head);
    const body = make("tbody");
    const how = (cell) => [cell.protection, cell.family, cell.operation, cell.backend].join(" ");
    const peers = (cell) => `${cell.server} ← ${cell.client}`;
    const key = (cell) => [cell.ruleset, how(cell), peers(cell)].join("\n");
    for (const row of groups(list, key).values()) {
      const line = make("tr");
      const name = make("th");
      name.scope = "row";
      name.append(make("span", row[0].ruleset, "rules"), make("span", how(row[0]), "how"), make("span", peers(row[0]), "how"));
      line.append(name);
      for (const setup of setups) {
        const field = make("td");
        for (const cell of row.filter((cell) => cell.data === setup)) {
          const button = make("button", cell.shown, cell.state);
          button.type = "button";
          button.setAttribute("aria-haspopup", "dialog");
          if (cell.since === "otherwise") button.append(make("span", `was ${cell.before}`, "was"));
          button.append(make("span", `, ${cell.name}`, "hidden"));
          button.addEventListener("click", () => open(cell));
          field.append(button);
        }
        line.append(field);
      }
      body.append(line);
    }
    table.append(thead, body);
    return framed(`Table of ${scenario}`, table);
  };

  // The first table at once, each other one after the frame that shows the one before: thousands of cells take seconds.
  let drawn;
  const drawOneByOne = (waiting) => {
    drawn = waiting;
    const next = () => {
      if (drawn !== waiting) return;
      waiting.shift()?.();
      if (waiting.length > 0) requestAnimationFrame(() => setTimeout(next));
    };
    next();
  };

  const isDull = (cell) => (cell.state === "met" || cell.state === "skipped") && cell.since !== "otherwise";
  const show = () => {
    const [result, symptom, cause, tag, since] = ["result", "symptom", "cause", "tag", "since"].map((id) => at(id).value);
    const words = at("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const isFiltered = Boolean(result || symptom || cause || tag || since || words.length);
    const chosen = cells.filter(
      (cell) =>
        (!result || cell.result === result) &&
        (!symptom || cell.symptom === symptom) &&
        (!cause || cell.cause === cause) &&
        (!tag || cell.tag.includes(tag)) &&
        (!since || cell.since === since) &&
        words.every((word) => cell.text.includes(word)),
    );
    at("chosen").textContent = isFiltered ? `${chosen.length} of ${number(cells.length, "cell")} shown` : "all cells shown";
    const scenarios = document.createDocumentFragment();
    const waiting = [];
    for (const [name, list] of groups(chosen, (cell) => cell.scenario)) {
      const section = make("details", undefined, "scenario");
      const summary = make("summary", `${name} `);
      summary.append(make("span", inCounts(list)));
      section.append(summary);
      // Drawn when it is opened: most are not.
      const draw = () => {
        if (section.open && !section.querySelector("table")) section.append(table(list, name));
      };
      section.addEventListener("toggle", draw);
      const isOpen = isFiltered ? chosen.length <= 300 : list.some((cell) => !isDull(cell));
      if (isOpen) {
        waiting.push(() => {
          section.open = true;
          draw();
        });
      }
      scenarios.append(section);
    }
    at("scenarios").replaceChildren(scenarios);
    drawOneByOne(waiting);
  };

  // The rules as they were given, with the numbers of their lines, and the one that decided.
  const rules = (cell) => {
    const pre = make("pre", undefined, "text");
    cell.rules.text.split("\n").forEach((text, i) => {
      const number = cell.rules.first + i;
      const decided = number === cell.line;
      const line = make(decided ? "mark" : "span");
      line.append(make("span", `${number} `, "number"));
      if (cell.matched.size > 0) {
        const times = cell.matched.get(number);
        const count = make("span", times ? `${times}×` : "", "times");
        if (times) count.append(make("span", " matched: ", "hidden"));
        line.append(count);
      }
      if (decided) line.append(make("span", "This decided it: ", "hidden"));
      line.append(text, "\n");
      pre.append(line);
    });
    return framed(`Rules, ${cell.rules.name}`, pre);
  };

  const happened = (of, name) => {
    const shown = of.evidence.length > 0 ? [framed(name, ...sequence(of, word, make))] : [];
    if (of.leftOut > 0) shown.push(make("p", `and ${number(of.leftOut, "line")} more`));
    return shown;
  };

  // One of two runs.
  const side = (title, of) => {
    const section = make("section");
    const list = make("dl");
    const facts = [["Outcome", of.outcome], ["Cause", of.cause], ["Why", of.stopped], ["To pass", of.passes]];
    for (const [term, text] of facts) if (text) list.append(make("dt", term), make("dd", text));
    section.append(make("h4", title), list, ...happened(of, `Evidence, ${title.toLowerCase()}`));
    return section;
  };

  const open = (cell) => {
    at("name").textContent = cell.name;
    const facts = [
      ["Result", cell.result],
      ["Required", cell.requirement],
      ["Outcome", cell.outcome],
      ["Differs", cell.why],
      ["Cause", cell.cause],
      ["Before", cell.since === "otherwise" ? cell.before : cell.since],
      ["Why", cell.stopped],
      ["To pass", cell.passes],
      ...cell.notes.map((note) => ["Note", note]),
      ["Took", `${cell.took.toFixed(1)} ms`],
    ];
    at("facts").replaceChildren();
    for (const [term, text] of facts) {
      if (text) at("facts").append(make("dt", term), make("dd", text));
    }
    at("rules").replaceChildren();
    if (cell.rules) {
      at("rules").append(make("h3", `Rules, ${cell.rules.name}`));
      const counted = "3×: that rule matched three packets of this transfer, of those that were traced: what opens or ends a connection, ICMP, the control connection, and the first of the others; with copies that the lab sent again.";
      if (cell.matched.size > 0) at("rules").append(make("p", counted, "legend"));
      at("rules").append(rules(cell));
    }
    at("evidence").replaceChildren();
    if (cell.evidence.length > 0 || cell.then) {
      const legend = "Solid lines: what was said on the control connection. Dashed: packets. ✗: it was stopped there. Boxes: what was seen at one node. Times: when the lab heard of it, node by node.";
      at("evidence").append(make("h3", cell.then ? "What happened, before and now" : "What happened"), make("p", legend, "legend"));
      if (cell.then) {
        const sides = make("div", undefined, "sides");
        sides.append(side("Before", cell.then), side("Now", cell));
        at("evidence").append(sides);
      } else {
        at("evidence").append(...happened(cell, "Evidence"));
      }
    } else if (cell.outcome) {
      const why = "What happened step by step is not in this page: it has that of transfers that did not pass, while it does not become too long, and of all with --evidence all.";
      at("evidence").append(make("p", why, "legend"));
    }
    at("details").showModal();
    at("details").scrollTop = 0;
    const decided = at("rules").querySelector("mark");
    if (decided) {
      const scroll = at("rules").querySelector(".scroll");
      scroll.scrollTop = decided.offsetTop - scroll.clientHeight / 2;
    }
    at("name").focus();
  };

  at("close").addEventListener("click", () => at("details").close());
  at("details").addEventListener("click", (event) => {
    if (event.target === at("details")) at("details").close();
  });
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("change", show);
  at("filters").addEventListener("reset", () => setTimeout(show));
  let waits;
  at("text").addEventListener("input", () => {
    clearTimeout(waits);
    waits = setTimeout(show, 150);
  });
  show();
})();
