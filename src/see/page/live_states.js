/*
 * live_states.js - the state machine of RFC 9293, 3.3.2, with the way that a connection has taken.
 *
 * The state it is in is lit, each edge that it took is drawn strong, numbered in order, and says why. Edges that the
 * picture has no line for (an abort or a reset ends any state) get one to CLOSED when they are taken.
 */
const NODES = { // the middle of each box
  "CLOSED": [200, 20], "LISTEN": [68, 74], "SYN-SENT": [332, 128], "SYN-RECEIVED": [68, 146], "ESTABLISHED": [200, 228],
  "FIN-WAIT-1": [68, 318], "CLOSE-WAIT": [332, 318], "FIN-WAIT-2": [68, 424], "CLOSING": [200, 424], "LAST-ACK": [332, 424],
  "TIME-WAIT": [134, 524], "CLOSED.": [332, 524],
};
const EDGES = { // the line, where its cause stands, and whether that begins or ends there
  "CLOSED>SYN-SENT": ["M238 33Q318 60 330 115", 316, 62, "start"],
  "CLOSED>SYN-RECEIVED": ["M150 24Q70 30 68 60M68 87V133", 76, 107, "start"],
  "SYN-SENT>SYN-RECEIVED": ["M280 132L120 143", 200, 118, "middle"],
  "SYN-SENT>ESTABLISHED": ["M318 141L240 215", 300, 178, "start"],
  "SYN-RECEIVED>ESTABLISHED": ["M92 159L162 215", 124, 166, "start"],
  "SYN-RECEIVED>FIN-WAIT-1": ["M44 159V305", 50, 232, "start"],
  "SYN-RECEIVED>CLOSE-WAIT": ["M120 150C260 164 316 220 330 305", 250, 178, "start"],
  "ESTABLISHED>FIN-WAIT-1": ["M170 241L98 305", 117, 258, "end"],
  "ESTABLISHED>CLOSE-WAIT": ["M230 241L302 305", 281, 260, "start"],
  "FIN-WAIT-1>FIN-WAIT-2": ["M36 331V411", 46, 362, "start"],
  "FIN-WAIT-1>CLOSING": ["M98 331L170 411", 150, 356, "start"],
  "FIN-WAIT-1>TIME-WAIT": ["M112 331C140 380 140 460 136 511", 142, 464, "start"],
  "FIN-WAIT-2>TIME-WAIT": ["M76 437L116 511", 88, 470, "end"],
  "CLOSING>TIME-WAIT": ["M188 437L152 511", 182, 474, "start"],
  "CLOSE-WAIT>LAST-ACK": ["M332 331V411", 317, 368, "end"],
  "LAST-ACK>CLOSED": ["M332 437V511", 317, 468, "end"],
  "TIME-WAIT>CLOSED": ["M186 524H280", 233, 544, "middle"],
};
const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...inside) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...inside);
  return element;
}

/* Without the clause behind it, in lines of at most about `most` letters. */
function shortCause(cause, most) {
  const lines = [""];
  for (const word of cause.replace(/ \(RFC.*$/, "").split(" ")) {
    if (lines.at(-1) && (lines.at(-1) + " " + word).length > most) lines.push("");
    lines.push((lines.pop() + " " + word).trim());
  }
  return lines;
}

class Machine {
  constructor(place, path) {
    this.path = path;
    this.nodes = {};
    this.edges = {};
    this.svg = svg("svg", {viewBox: "0 0 400 560", role: "img", "aria-label": "State machine"});
    const arrow = id => svg("marker", {id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse",
      orient: "auto"}, svg("path", {d: "M0 .5L8 4L0 7.5z"}));
    this.svg.append(svg("defs", {}, arrow("tip-off"), arrow("tip-on")));
    this.lines = svg("g");
    this.words = svg("g");
    const boxes = svg("g");
    this.svg.append(this.lines, boxes, this.words);
    for (const name in EDGES) this.line(name, EDGES[name][0]);
    for (const name in NODES) {
      const [x, y] = NODES[name];
      boxes.append(this.nodes[name] = svg("g", {class: "node"},
        svg("rect", {x: x - 52, y: y - 13, width: 104, height: 26, rx: 7}),
        svg("text", {x, y: y + 4}, name.replace(".", ""))));
    }
    place.append(this.svg);
  }

  line(name, d) {
    this.lines.append(this.edges[name] = svg("path", {class: "edge", d, "data-edge": name, "marker-end": "url(#tip-off)"}));
  }

  /* An edge to CLOSED that has no line. */
  strange(name) {
    const [x, y] = NODES[name.split(">")[0]] || NODES.CLOSED, side = x >= 200 ? 1 : 0;
    EDGES[name] = [side ? `M${x + 52} ${y}C410 ${y} 400 430 376 511` : `M${x + 52} ${y + 6}C240 ${y + 30} 262 470 300 511`, side ? 392 : 232, Math.min(y + 40, 490), side ? "end" : "start"];
    this.line(name, EDGES[name][0]);
  }

  draw(conn) {
    const key = conn.id + conn.state + conn.way.length;
    if (this.key === key) return;
    this.key = key;
    const taken = new Map(), been = new Set();
    conn.way.forEach((step, i) => {
      const name = step.from + ">" + step.to;
      if (!EDGES[name]) this.strange(name);
      taken.set(name, [i + 1, step.cause]);
      been.add(step.from).add(step.to);
      if (name === "CLOSED>SYN-RECEIVED") been.add("LISTEN");
    });
    const lit = conn.state === "CLOSED" && conn.way.length ? "CLOSED." : conn.state;
    for (const name in this.nodes) {
      this.nodes[name].classList.toggle("lit", name === lit);
      this.nodes[name].classList.toggle("been", been.has(name) || name === lit);
    }
    this.words.replaceChildren();
    for (const name in this.edges) {
      const step = taken.get(name), edge = this.edges[name];
      edge.classList.toggle("taken", !!step);
      edge.setAttribute("marker-end", step ? "url(#tip-on)" : "url(#tip-off)");
      if (step) this.label(edge, EDGES[name], step);
    }
    this.svg.setAttribute("aria-label", `State machine: ${conn.state}. ` + conn.way.map(s => `${s.from} to ${s.to}: ${s.cause}`).join("; "));
    this.path.replaceChildren(...conn.way.map(step => {
      const li = document.createElement("li"), p = document.createElement("p"), b = document.createElement("b");
      b.textContent = step.to;
      p.append(b, " " + step.cause);
      li.append(p);
      return li;
    }));
  }

  label(edge, [, x, y, anchor], [number, cause]) {
    const lines = shortCause(cause, anchor === "middle" ? 22 : 16);
    lines.forEach((line, i) => this.words.append(svg("text", {class: "cause", x, y: y + 12 * i, "text-anchor": anchor}, line)));
    const middle = edge.getPointAtLength(edge.getTotalLength() * .55);
    this.words.append(svg("circle", {class: "count", cx: middle.x, cy: middle.y, r: 7.5}),
      svg("text", {class: "count-no", x: middle.x, y: middle.y + 3.4}, String(number)));
  }
}
