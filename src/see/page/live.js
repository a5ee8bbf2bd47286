/*
 * live.js - what comes from the stack, what is kept of it, and who draws it.
 *
 * One stream of events brings greetings, decisions and samples (src/see/live.h says what is in them). Of each
 * connection a bounded history is kept here, so a page that stays open for days does not grow. Pausing stops the
 * drawing and not the stream: going on shows what is true then.
 */
const KEEP = {conns: 60, packets: 3000, samples: 2000, decisions: 400};
const $ = id => document.getElementById(id);
let words = {why: {}, drops: {}, limits: {}, control: false};
const sentence = why => words.why[why] || why;

const conns = new Map();
const drops = new Map();
let now = 0, chosen = null, paused = false, lastDecision = -1, tick = 80, leftOut = 0;

/* --- what is kept -------------------------------------------------------------------------------------- */

function connOf(id, us) {
  let conn = conns.get(id);
  if (conn) return conn;
  conn = {id, born: us, state: "CLOSED", ended: null, gone: false, info: {}, packets: [], samples: [], decisions: [], way: [],
    raw: [null, null], abs: [0, 0], octets: [0, 0], again: 0, touched: us};
  conns.set(id, conn);
  if (conns.size > KEEP.conns) {
    const oldest = [...conns.values()].filter(c => c.id !== chosen && c !== conn).sort((a, b) => !!b.gone - !!a.gone || a.touched - b.touched)[0];
    conns.delete(oldest.id);
  }
  return conn;
}

function keep(list, most, item) {
  list.push(item);
  if (list.length > most * 1.1) list.splice(0, list.length - most);
}

/* A sequence number of a direction as an offset from its beginning: the circle of 32 bits unrolled. */
function unroll(conn, dir, seq, isSyn) {
  if (conn.raw[dir] == null) { conn.raw[dir] = seq; conn.abs[dir] = isSyn ? 0 : 1; }
  const abs = conn.abs[dir] + ((seq - conn.raw[dir]) | 0);
  conn.raw[dir] = seq;
  return conn.abs[dir] = abs;
}

function takePacket([id, t, connId, fate, why, seq, ack, win, len, flags, sack, drop]) {
  if (!connId) return;
  const conn = connOf(connId, t), dir = fate ? 1 : 0;
  const p = {id, t, why, dir, dropped: fate === 2, drop, sack: []};
  if (flags != null) {
    p.flags = flags;
    p.len = len;
    p.seq = unroll(conn, dir, seq, flags & SYN);
    if (flags & ACK) {
      p.ack = unroll(conn, 1 - dir, ack, false);
      p.sack = sack.map(s => p.ack + ((s - ack) | 0));
      if (dir === 1) p.edge = p.ack + win;
      else if (conn.info.scale != null && !(flags & SYN)) p.edge = p.ack + win * 2 ** conn.info.scale;
    }
    conn.octets[dir] += len;
  }
  conn.touched = t;
  keep(conn.packets, KEEP.packets, p);
}

function takeConn(info, t) {
  const conn = connOf(info.id, t);
  const {limit, phase, timer, timer_us, ...known} = conn.info; // these end; figures stay what they were
  conn.info = Object.assign(known, info);
  conn.gone = false;
  if (conn.state !== info.state) conn.state = info.state;
  if (info.state !== "CLOSED") conn.ended = null;
  if (info.sent || info.received) { conn.octets[0] = Math.max(conn.octets[0], info.sent || 0); conn.octets[1] = Math.max(conn.octets[1], info.received || 0); }
  if (info.again != null) conn.again = Math.max(conn.again, info.again);
  const last = conn.samples.at(-1), sample = {t, cwnd: info.cwnd, ssthresh: info.ssthresh, inflight: info.inflight, srtt: info.srtt_us, rto: info.rto_us};
  if (last && last.t === t) Object.assign(last, sample);
  else if (info.state !== "CLOSED") keep(conn.samples, KEEP.samples, sample);
}

function takeDecision(d) {
  if (d.n <= lastDecision) return; // told again after a reconnection
  lastDecision = d.n;
  const conn = connOf(d.conn, d.us);
  keep(conn.decisions, KEEP.decisions, d);
  conn.touched = Math.max(conn.touched, d.us);
  if (d.what === "state") {
    if (d.from === "CLOSED") { conn.born = Math.min(conn.born, d.us); }
    conn.way.push(d);
    conn.state = d.to;
    conn.info.local ??= d.local;
    conn.info.remote ??= d.remote;
    if (d.to === "CLOSED") conn.ended = d.us;
    if (d.to === "TIME-WAIT" || d.to === "CLOSED") conn.quiet ??= d.us;
    if (conn.id === chosen) $("say").textContent = `Connection ${conn.id}: ${d.from} to ${d.to}, ${d.cause}`;
  }
  if (d.what === "retransmit") {
    conn.again++;
    if (conn.raw[0] != null) d.from = conn.abs[0] + ((d.seq - conn.raw[0]) | 0);
  }
}

const take = {
  hello(m) {
    if (m.us < now) { conns.clear(); drops.clear(); chosen = null; lastDecision = -1; } // another run of the server
    now = m.us;
    tick = m.tick_ms;
    $("device").textContent = `${m.device} · ${Math.round(1000 / m.tick_ms * 10) / 10} samples a second`;
  },
  decisions(m) { m.of.forEach(takeDecision); },
  sample(m) {
    now = m.us;
    for (const info of m.conns) takeConn(info, m.us);
    for (const id of m.gone) if (conns.has(id)) { const c = conns.get(id); c.gone = true; c.ended ??= c.touched; }
    m.packets.forEach(takePacket);
    for (const name in m.drops) drops.set(name, m.drops[name]);
    leftOut += m.left_out;
    if (m.left_out) { const c = conns.get(chosen); if (c?.packets.length) c.packets.at(-1).left = (c.packets.at(-1).left || 0) + m.left_out; }
    frames = m;
    if (m.wire) takeWire(m.wire);
  },
};
let frames = {received: 0, consumed: 0, sent: 0};

/* --- the stream ---------------------------------------------------------------------------------------- */

let stream, heard = 0;
function status(is, text) { $("status").dataset.is = is; $("status").textContent = text; }

function listen() {
  stream?.close();
  stream = new EventSource("/.tapio/events" + ($("own").checked ? "?own" : ""));
  stream.onmessage = e => {
    const message = JSON.parse(e.data);
    take[message.type]?.(message);
    heard = performance.now();
    if (!paused) draw();
  };
  stream.onerror = () => status("lost", "connection lost, trying again");
}

/* --- drawing ------------------------------------------------------------------------------------------- */

const bytes = new Bytes($("bytes"), $("hex"), $("field"), $("because"));
const ladder = new Ladder($("ladder"), id => bytes.show(id));
const charts = new Charts(p => ladder.choose(p.id));
const machine = new Machine($("machine"), $("path"));
let pending = false, turn = 0;

/* Once a frame at most, however many messages came; what is read and not watched, at a lower pace. */
function draw(all) {
  if (pending && !all) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    if (document.hidden) return;
    status(paused ? "wait" : "live", paused ? "paused" : "live");
    const before = chosen;
    if ($("follow").checked && !paused) followNewest();
    const slow = all || chosen !== before || turn++ % 4 === 0;
    if (slow) { drawConns(); drawDrops(); }
    const conn = conns.get(chosen);
    if (!conn) return;
    charts.draw(conn, now, $("span").value * 1e6);
    machine.draw(conn);
    if (slow) { ladder.draw(conn); drawFacts(conn); drawDecisions(conn); }
  });
}

const isShown = conn => (!conn.info.own || $("own").checked) && conn.info.remote;

/* The one that began last, once the one that is shown has ended and was looked at for a moment; not while somebody
 * has chosen a segment of that. */
function followNewest() {
  let newest = null;
  const isOver = conn => conn.gone || conn.ended != null || conn.state === "TIME-WAIT";
  for (const conn of conns.values())
    if (conn.info.id && !conn.info.own && !isOver(conn) && (!newest || conn.id > newest.id)) newest = conn;
  const current = conns.get(chosen);
  if (current && !current.info.own && (!isOver(current) || now - current.touched < 15e5 || ladder.chosen != null)) return;
  if (newest && newest !== current) select(newest.id);
  else if (current?.info.own) chosen = null;
}

function select(id) {
  chosen = id;
  const conn = conns.get(id);
  $("end-us").textContent = conn.info.local || "us";
  $("end-peer").textContent = conn.info.remote || "peer";
  machine.key = null;
  shownDecisions = "";
}

function cell(row, text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  row.append(td);
  return td;
}

/* Rows are made once, so that a focused button stays one. */
const rows = new Map();
function drawConns() {
  const list = [...conns.values()].filter(isShown).sort((a, b) => b.id - a.id).slice(0, 40);
  for (const [id, row] of rows) if (!list.some(c => c.id === id)) { row.remove(); rows.delete(id); }
  list.forEach((conn, at) => {
    let row = rows.get(conn.id);
    if (!row) {
      row = document.createElement("tr");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = conn.id;
      button.setAttribute("aria-label", "Show connection " + conn.id);
      row.append(document.createElement("td"));
      row.firstChild.append(button);
      for (let i = 0; i < 9; i++) cell(row, "", i === 0 ? "mono" : i > 2 ? "n" : "");
      row.addEventListener("click", () => { $("follow").checked = false; select(conn.id); draw(true); });
      rows.set(conn.id, row);
    }
    const info = conn.info, size = n => n == null ? "–" : octets(n), c = row.children;
    const texts = [info.remote, conn.gone || conn.ended != null ? "CLOSED" : conn.state, (conn.ended == null && info.limit) || "–", size(info.cwnd), size(conn.quiet != null ? 0 : info.inflight),
      info.srtt_us == null ? "–" : millis(info.srtt_us), size(info.acked), size(info.received), count(conn.again)];
    texts.forEach((text, i) => { if (c[i + 1].textContent !== text && !(i === 0 && info.own)) c[i + 1].textContent = text; });
    if (info.own && !c[1].querySelector(".tag")) {
      c[1].textContent = info.remote;
      c[1].append(Object.assign(document.createElement("span"), {className: "tag", textContent: "this page"}));
    }
    row.classList.toggle("gone", conn.gone || conn.ended != null);
    row.setAttribute("aria-current", conn.id === chosen);
    if ($("conns").children[at] !== row) $("conns").insertBefore(row, $("conns").children[at] || null);
  });
  $("no-conns").hidden = list.length > 0;
}

/* What a state means for somebody who waits, where nothing limits the sending. */
const MEANS = {
  "SYN-SENT": "Our SYN is out, and its answer is waited for (RFC 9293, 3.5).",
  "SYN-RECEIVED": "The peer's SYN was answered; the third step of the handshake is waited for (RFC 9293, 3.5).",
  "FIN-WAIT-1": "We closed: our FIN is out and not acknowledged yet (RFC 9293, 3.6).",
  "FIN-WAIT-2": "We closed, and the peer knows; it may still send (RFC 9293, 3.6).",
  "CLOSE-WAIT": "The peer closed; we may still send (RFC 9293, 3.6).",
  "CLOSING": "Both closed at the same time; our FIN is not acknowledged yet (RFC 9293, 3.6).",
  "LAST-ACK": "Both closed, the peer first; our FIN is not acknowledged yet (RFC 9293, 3.6).",
  "TIME-WAIT": "Both have closed, we first: late segments are waited out, so that none hits a later connection (RFC 9293, 3.6.1).",
};

/* Who closed first, as far as the way shows it. */
function whoClosed(conn) {
  for (const step of conn.way) {
    if (step.to === "FIN-WAIT-1") return "we did";
    if (step.to === "CLOSE-WAIT") return "the peer did";
    if (step.to === "CLOSED") return /peer|reset/i.test(step.cause) ? "the peer, by a reset" : "we aborted it";
  }
  return "nobody yet";
}

function drawFacts(conn) {
  const info = conn.info, over = conn.ended != null || conn.gone;
  $("h-facts").textContent = `Connection ${conn.id}: ${info.local || "us"} with ${info.remote || "a peer"}`;
  const last = conn.decisions.at(-1), lately = last && last.what === "cwnd" && now - last.us < 2e6 ? ` cwnd just changed: ${last.cause}.` : "";
  $("story").textContent = over ? `It has ended: ${conn.way.at(-1)?.cause || "the stack has let it go"}.`
    : (words.limits[info.limit] || MEANS[conn.state] || `It is in ${conn.state}.`) + (info.phase && info.phase !== "open" ? ` Its sender is in ${info.phase}.` : "") + lately;
  const facts = [["State", over ? "CLOSED" : conn.state], ["cwnd", info.cwnd == null ? "–" : octets(info.cwnd)],
    ["ssthresh", info.ssthresh == null ? "no loss yet" : octets(info.ssthresh)], ["In flight", octets(conn.quiet != null ? 0 : info.inflight || 0)],
    ["Peer’s window", info.snd_wnd == null ? "–" : octets(info.snd_wnd)], ["SRTT", info.srtt_us == null ? "–" : millis(info.srtt_us)],
    ["RTO", info.rto_us == null ? "–" : millis(info.rto_us)], ["Sent again", count(conn.again)], ["Control", info.cc || "–"], ["Closed first", whoClosed(conn)]];
  const dl = $("facts");
  facts.forEach(([name, value], i) => {
    let div = dl.children[i];
    if (!div) {
      div = document.createElement("div");
      div.append(document.createElement("dt"), document.createElement("dd"));
      dl.append(div);
      div.firstChild.textContent = name;
    }
    if (div.lastChild.textContent !== value) div.lastChild.textContent = value;
  });
}

const decisionText = {
  state: d => [`${d.from} → ${d.to}`, d.cause],
  retransmit: d => ["sent again", `${d.from == null ? count(d.len) + " octets" : `octets ${count(d.from)} to ${count(d.from + d.len)}`}${d.times > 1 ? `, ${d.times} times in a row` : ""}. ${sentence(d.why)}`],
  cwnd: d => ["cwnd " + octets(d.cwnd), d.cause + (d.ssthresh != null ? `; ssthresh ${octets(d.ssthresh)}` : "")],
  stall: d => ["stalled", words.limits[d.by] || d.by],
  resume: d => ["goes on", "what it waited for has come: " + d.by],
  reset: d => [d.sent ? "reset sent" : "reset came", sentence(d.why)],
};
let shownDecisions = "";
function drawDecisions(conn) {
  const kind = $("kind").value, list = conn.decisions.filter(d => !kind || d.what === kind).slice(-80).reverse();
  const key = `${conn.id} ${kind} ${list[0]?.n} ${list.length}`;
  if (key === shownDecisions) return;
  shownDecisions = key;
  $("decisions").replaceChildren(...(list.length ? list : [null]).map(d => {
    const li = document.createElement("li"), time = document.createElement("time"), b = document.createElement("b"), p = document.createElement("p");
    const [what, why] = d ? decisionText[d.what](d) : ["none yet", "What the stack decides about this connection is listed here, with its reason."];
    time.textContent = d ? seconds(d.us - conn.born) : "";
    b.textContent = what;
    p.textContent = why;
    li.append(time, b, p);
    return li;
  }));
}

function drawDrops() {
  const dropped = [...drops.values()].reduce((sum, n) => sum + n, 0);
  $("frames").textContent = `${count(frames.received)} frames came: ${count(frames.consumed)} did what they were for, ${count(dropped)} were dropped, each with a reason. ${count(frames.sent)} were sent.`;
  const list = [...drops].sort((a, b) => b[1] - a[1]), key = JSON.stringify(list);
  if ($("drops").dataset.is === key) return;
  $("drops").dataset.is = key;
  $("drops").replaceChildren(...list.map(([name, n]) => {
    const li = document.createElement("li");
    const part = (tag, text) => Object.assign(document.createElement(tag), {textContent: text});
    li.append(part("b", name), part("i", count(n)), part("p", words.drops[name] || ""));
    return li;
  }));
}

/* --- the wire ------------------------------------------------------------------------------------------ */

/* Of each slider: the value at a place, the place of a value, and both in words. */
const RATES = ["256kbit", "512kbit", "1mbit", "2mbit", "5mbit", "10mbit", "20mbit", "50mbit", "100mbit", "200mbit", "1gbit", "none"];
const bits = text => text === "none" ? 0 : parseInt(text) * {k: 1e3, m: 1e6, g: 1e9}[text.replace(/\d/g, "")[0]];
const knobs = {
  loss: {at: p => (p < 20 ? p / 4 : p - 15), of: w => { const v = w.loss_ppm / 1e4; return v < 5 ? v * 4 : v + 15; }, say: v => `${v} %`, spec: v => `loss=${v}%`},
  delay: {at: p => p <= 20 ? p : (p - 18) * 10, of: w => { const v = w.delay_us / 1e3; return v <= 20 ? v : v / 10 + 18; }, say: v => `${v} ms`, spec: v => `delay=${v}ms`},
  rate: {at: p => RATES[p], of: w => w.rate_bps ? Math.max(RATES.findIndex(r => bits(r) >= w.rate_bps), 0) : 11, say: v => v === "none" ? "no limit" : v.replace(/([kmg])bit/, (_, u) => ` ${u === "k" ? u : u.toUpperCase()}bit/s`), spec: v => `rate=${v}`},
};
let touched = 0, sending;

function showKnob(name) {
  const input = $(name), knob = knobs[name], text = knob.say(knob.at(+input.value));
  $(name + "-is").textContent = text;
  input.setAttribute("aria-valuetext", text);
}

/* What the stack says that the wire is; not while somebody drags. */
function takeWire([into, out]) {
  if (performance.now() - touched > 1000)
    for (const name in knobs) {
      const place = Math.round(knobs[name].of(out));
      if (+$(name).value !== place) $(name).value = place;
      showKnob(name);
    }
  $("wire-note").textContent = (words.control ? "Both ways. " : "Start with --allow-control to change it. ") +
    `Lost on the way: ${count(out.lost)} of ours, ${count(into.lost)} of theirs; ${count(out.rate_dropped + into.rate_dropped)} did not fit the queue.`;
}

function turnKnob(name) {
  touched = performance.now();
  showKnob(name);
  clearTimeout(sending);
  sending = setTimeout(async () => {
    const spec = Object.keys(knobs).map(k => knobs[k].spec(knobs[k].at(+$(k).value))).join(",");
    try {
      const answer = await fetch("/.tapio/control", {method: "POST", body: spec});
      if (!answer.ok) $("wire-note").textContent = "The stack refused: it was not started with --allow-control, or asked by a name.";
    } catch { $("wire-note").textContent = "The stack does not answer."; }
  }, 120);
}

/* --- beginning ----------------------------------------------------------------------------------------- */

function setPaused(is) {
  paused = is;
  $("pause").setAttribute("aria-pressed", is);
  $("pause").textContent = is ? "Go on" : "Pause";
  draw(true);
}

$("pause").addEventListener("click", () => setPaused(!paused));
$("own").addEventListener("change", listen);
$("span").addEventListener("change", () => draw(true));
$("kind").addEventListener("change", () => draw(true));
for (const name in knobs) {
  $(name).addEventListener("input", () => turnKnob(name));
  $(name).disabled = true;
  showKnob(name);
}
$("wire").addEventListener("submit", e => e.preventDefault());
addEventListener("resize", () => draw(true));
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => draw(true));
setInterval(() => { if (heard && performance.now() - heard > 3000) status("lost", "silent for a while"); }, 1000);
$("wire-note").textContent = "Start with --impair or --allow-control to have a bad one.";

fetch("/.tapio/words").then(answer => answer.json()).then(all => {
  words = all;
  for (const name in knobs) $(name).disabled = !all.control;
}).finally(listen);
