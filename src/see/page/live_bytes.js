/*
 * live_bytes.js - the headers of one packet as the RFCs draw them: rows of 32 bits, a box for each field.
 *
 * A field, its octets below and the clause where it is written down light up together, by pointing at either or with
 * the arrow keys. All of it comes from the stack (/.tapio/packet), which reads the octets by the tables that `tapio
 * explain` uses.
 */
class Bytes {
  constructor(place, hex, detail, because) {
    Object.assign(this, {place, hex, detail, because, cells: [], fields: []});
    for (const what of ["pointerover", "click", "focusin"]) {
      place.addEventListener(what, e => {
        const cell = e.target.closest(".cell");
        if (cell) this.light(+cell.dataset.f, what === "click");
      });
    }
    for (const what of ["pointerover", "click"])
      hex.addEventListener(what, e => { if (e.target.dataset.o) this.light(this.at(+e.target.dataset.o)); });
    place.addEventListener("keydown", e => this.key(e));
  }

  /* The field to which the octet belongs, or its first bits. */
  at(octet) { return this.fields.findIndex(f => f.bit < 8 * octet + 8 && f.bit + f.bits > 8 * octet); }

  key(e) {
    const move = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
    const last = this.fields.length - 1;
    const to = e.key === "Home" ? 0 : e.key === "End" ? last : move ? Math.min(Math.max(this.lit + move, 0), last) : -1;
    if (to < 0) return;
    e.preventDefault();
    this.light(to, true);
  }

  async show(id) {
    if (this.wanted === id) return;
    this.wanted = id;
    let packet;
    try {
      const answer = await fetch("/.tapio/packet?" + id);
      if (this.wanted !== id) return;
      if (!answer.ok) { this.because.textContent = "This segment is too long ago: the stack has forgotten its octets."; return; }
      packet = await answer.json();
    } catch { this.because.textContent = "The stack does not answer."; this.wanted = null; return; }
    if (this.wanted === id) this.draw(packet);
  }

  draw(packet) {
    const strong = document.createElement("b");
    strong.textContent = `Packet ${packet.id}${packet.conn ? ` of connection ${packet.conn}` : ""}, ${["sent", "received", "discarded"][packet.fate]}, ${count(packet.octets)} octets. `;
    this.because.replaceChildren(strong, packet.fate === 2 ? "Discarded: " + packet.dropped_because + "." : packet.because);
    this.cells = [];
    this.fields = [];
    this.place.replaceChildren(...packet.layers.map(layer => this.layer(layer, packet.headers.length * 4)));
    this.hex.replaceChildren(...packet.headers.match(/../g).map((octet, i) => {
      const span = document.createElement("span");
      span.textContent = octet;
      span.dataset.o = i;
      return span;
    }));
    const keep = this.fields.findIndex(f => f.key === this.name);
    this.light(keep >= 0 ? keep : Math.max(this.fields.findIndex(f => f.key === "tcp.seq_raw"), 0));
  }

  /* Fields beyond the octets that were kept are text, which is not shown. */
  layer(layer, bits) {
    const box = document.createElement("div"), head = document.createElement("h3"), clause = document.createElement("span");
    const ruler = document.createElement("div"), grid = document.createElement("div");
    box.className = "layer";
    clause.textContent = layer.clause;
    head.append(layer.name, clause);
    ruler.className = "bits";
    ruler.setAttribute("aria-hidden", "true");
    for (const bit of [0, 8, 16, 24, 31]) {
      const mark = document.createElement("span");
      mark.textContent = bit;
      mark.style.gridColumn = bit + 1;
      ruler.append(mark);
    }
    grid.className = "grid";
    for (const field of layer.fields) {
      if (!field.bits || field.bit + field.bits > bits) continue;
      const index = this.fields.push(field) - 1, begin = field.bit - 8 * layer.offset;
      this.cells[index] = [];
      for (let bit = begin, end = begin + field.bits; bit < end;) {
        const to = Math.min(end, (Math.floor(bit / 32) + 1) * 32);
        const cell = this.cell(field, index, bit % 32, to - bit, Math.floor(bit / 32));
        if (bit > begin) this.join(cell, Math.max(begin % 32 * (bit - begin < 32), 0), to - bit);
        grid.append(cell);
        bit = to;
      }
    }
    if (!grid.children.length) {
      const beyond = document.createElement("p");
      beyond.className = "beyond";
      beyond.textContent = `${count(layer.octets)} octets, which are not kept`;
      box.append(head, beyond);
      return box;
    }
    box.append(head, ruler, grid);
    return box;
  }

  /* It goes on from the row above, from column `from` there: no line between the two. */
  join(cell, from, wide) {
    cell.classList.add("more");
    cell.style.setProperty("--l", from / wide * 100 + "%");
    cell.style.setProperty("--w", Math.max(wide - from, 0) / wide * 100 + "%");
  }

  cell(field, index, column, wide, row) {
    const first = !this.cells[index].length, cell = document.createElement(first ? "button" : "span"), name = document.createElement("b");
    cell.className = wide < 3 ? "cell bit" : "cell";
    cell.dataset.f = index;
    cell.style.gridColumn = `${column + 1} / span ${wide}`;
    cell.style.gridRow = row + 1;
    if (first) {
      cell.type = "button";
      cell.tabIndex = -1;
      name.textContent = wide < 3 ? field.key.split(".").pop()[0].toUpperCase() : field.name;
      const value = wide < 3 ? String(field.number ?? "") : field.value;
      cell.append(name, value);
      cell.setAttribute("aria-label", `${name.textContent}${value}` + (wide < 3 ? `: ${field.name}, ${field.value}` : ""));
    }
    this.cells[index].push(cell);
    return cell;
  }

  /* Field, octets and clause together. */
  light(index, focus) {
    const field = this.fields[index];
    if (!field) return;
    this.lit = index;
    this.name = field.key;
    this.cells.forEach((parts, i) => parts.forEach(cell => {
      cell.classList.toggle("lit", i === index);
      if (cell.type) cell.tabIndex = i === index ? 0 : -1;
    }));
    const from = Math.floor(field.bit / 8), to = Math.ceil((field.bit + field.bits) / 8);
    for (const octet of this.hex.children) octet.classList.toggle("lit", octet.dataset.o >= from && octet.dataset.o < to);
    const name = document.createElement("b"), mark = document.createElement("mark"), where = document.createElement("p"), what = document.createElement("p");
    name.textContent = `${field.name}: ${field.value}`;
    what.textContent = field.meaning;
    mark.textContent = field.clause || "no clause";
    where.append(mark, ` ${to - from > 1 ? `octets ${from} to ${to - 1}` : "octet " + from}, ${field.bits} bit${field.bits > 1 ? "s" : ""}: `);
    where.append(Object.assign(document.createElement("code"), {className: "mono", textContent: field.raw}));
    this.detail.replaceChildren(name, what, where);
    this.detail.hidden = false;
    if (focus) this.cells[index][0].focus();
  }
}
