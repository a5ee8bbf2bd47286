/*
 * live_ladder.js - the last segments of a connection as a ladder: we at the left, the peer at the right.
 *
 * A list box with one stop for Tab; the arrow keys choose a segment. While nobody has chosen one the newest stays in
 * view. Rows are kept and only added to, so that a screen reader's place and a selection survive a sample.
 */
const RUNGS = 150;

/* What a segment says, in the units of a sender: numbers count from the SYN. */
function segmentText(p) {
  if (p.flags == null) return p.kind || "not TCP";
  const words = [];
  if (p.flags & SYN) words.push(p.flags & ACK ? "SYN, ACK" : "SYN");
  if (p.flags & RST) words.push("RST");
  if (p.flags & FIN) words.push("FIN");
  if (p.len) words.push(`${count(p.seq)}–${count(p.seq + p.len)}`);
  if (!words.length || (p.sack.length && p.dir === 1)) words.push(`ACK ${count(p.ack)}`);
  if (p.sack.length) words.push("SACK " + `${count(p.sack[0])}–${count(p.sack[1])}` + (p.sack.length > 2 ? " …" : ""));
  return words.join(" ");
}

const segmentColour = p => p.dropped ? "rto" : AGAIN[p.why]?.[0] || (p.flags & (SYN | FIN | RST) ? "ssthresh" : p.len ? "sent" : p.sack?.length ? "sack" : "inflight");

class Ladder {
  constructor(list, pick) {
    this.list = list;
    this.pick = pick;
    this.follows = true;
    this.rows = new Map();
    list.addEventListener("click", e => {
      const row = e.target.closest(".rung");
      if (row) this.choose(+row.dataset.id);
    });
    list.addEventListener("keydown", e => this.key(e));
    list.addEventListener("wheel", () => { this.follows = this.atEnd(); }, {passive: true});
    list.addEventListener("scrollend", () => { if (this.chosen == null) this.follows = this.atEnd(); });
  }

  atEnd() { return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40; }

  key(e) {
    const ids = [...this.rows.keys()], at = ids.indexOf(this.chosen), page = 12;
    const move = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page}[e.key];
    if (e.key === "End") { this.free(); this.follows = true; this.list.scrollTop = this.list.scrollHeight; }
    else if (e.key === "Home" && ids.length) this.choose(ids[0]);
    else if (move && ids.length) this.choose(ids[at < 0 ? ids.length - 1 : Math.min(Math.max(at + move, 0), ids.length - 1)]);
    else return;
    e.preventDefault();
  }

  free() {
    this.rows.get(this.chosen)?.removeAttribute("aria-selected");
    this.chosen = null;
    this.list.removeAttribute("aria-activedescendant");
  }

  /* Marks it, and tells. */
  choose(id) {
    const row = this.rows.get(id);
    this.free();
    this.follows = false;
    this.chosen = id;
    if (row) {
      row.setAttribute("aria-selected", "true");
      this.list.setAttribute("aria-activedescendant", row.id);
      const top = row.offsetTop - this.list.offsetTop, list = this.list;
      if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight)
        list.scrollTop = top - list.clientHeight / 2;
    }
    this.pick(id);
  }

  row(p, born) {
    const row = document.createElement("div"), time = document.createElement("time"), lane = document.createElement("div");
    const text = document.createElement("span"), why = document.createElement("div"), swatch = document.createElement("i");
    const loud = p.dropped || AGAIN[p.why] || p.flags & (SYN | FIN | RST);
    row.className = `rung ${p.dir ? "in" : "out"}${p.dropped ? " dropped" : ""}${loud ? " loud" : ""}`;
    row.id = "rung-" + p.id;
    row.dataset.id = p.id;
    row.setAttribute("role", "option");
    row.style.setProperty("--c", `var(--${segmentColour(p)})`);
    row.title = p.dropped ? "Discarded: " + (words.drops[p.drop] || p.drop) : sentence(p.why);
    time.textContent = seconds(p.t - born);
    lane.className = "lane";
    text.textContent = segmentText(p);
    lane.append(Object.assign(document.createElement("span"), {className: "unseen", textContent: p.dir ? " s, the peer: " : " s, we: "}), text);
    why.className = "for";
    swatch.className = "sw";
    why.append(swatch, " ", p.dropped ? p.drop : p.why);
    row.append(time, lane, why);
    return row;
  }

  draw(conn) {
    if (this.conn !== conn.id) {
      this.conn = conn.id;
      this.rows.clear();
      this.list.replaceChildren();
      this.free();
      this.follows = true;
      this.last = 0;
    }
    const fresh = conn.packets.filter(p => p.id > this.last).slice(-RUNGS);
    if (!fresh.length) return;
    this.last = fresh.at(-1).id;
    const some = document.createDocumentFragment();
    for (const p of fresh) {
      const row = this.row(p, conn.born);
      this.rows.set(p.id, row);
      some.append(row);
    }
    const before = this.list.scrollHeight;
    this.list.append(some);
    let away = 0;
    while (this.rows.size > RUNGS && (this.follows || this.rows.size > 4 * RUNGS)) {
      const [id, row] = this.rows.entries().next().value;
      away += row.offsetHeight;
      row.remove();
      this.rows.delete(id);
      if (id === this.chosen) this.free();
    }
    if (this.follows) this.list.scrollTop = this.list.scrollHeight;
    else if (away && before) this.list.scrollTop -= away;
  }
}
