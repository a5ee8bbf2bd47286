"use strict";
/*
 * live_plot.js - a plotter on a canvas: axes with round numbers, and what is drawn between them.
 *
 * A plot is drawn anew for each sample, all of it: some thousand points are a millisecond, and nothing has to be
 * kept in step. Colours are the style sheet's variables, so that light and dark have one place. Coordinates are
 * those of the data; x is time in microseconds.
 */

const ink = (() => { // the value of a colour, "--sent"
  let known = {};
  const style = getComputedStyle(document.documentElement);
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { known = {}; });
  return name => known[name] ||= style.getPropertyValue("--" + name).trim();
})();

/* 1, 2 or 5 times a power of ten, so that about `count` of them make `span`. */
function niceStep(span, count) {
  const raw = span / Math.max(count, 1), power = 10 ** Math.floor(Math.log10(raw)), part = raw / power;
  return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.tip = canvas.nextElementSibling;
    this.spots = []; // what can be pointed at: {x, y, text, on}, in pixels
    canvas.addEventListener("pointermove", e => this.point(e));
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("click", e => this.nearest(e)?.on?.());
  }

  /* Clears it and draws the axes. `yText` writes a number of the y axis. */
  begin(x0, x1, y0, y1, yText) {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect(), pen = this.pen;
    const width = Math.max(box.width, 50), height = Math.max(box.height, 50);
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = '11.5px system-ui,"DejaVu Sans",sans-serif';
    if (!(y1 > y0)) y1 = y0 + 1;
    const top = 10, bottom = height - 22, step = niceStep(y1 - y0, (bottom - top) / 44);
    const marks = [];
    for (let y = Math.ceil(y0 / step) * step; y <= y1 + step * 1e-6; y += step) marks.push(y);
    const left = 10 + Math.max(30, ...marks.map(y => pen.measureText(yText(y)).width));
    Object.assign(this, {x0, x1, y0, y1, top, bottom, left, right: width - 6, spots: []});
    pen.lineWidth = 1;
    pen.strokeStyle = ink("soft");
    pen.fillStyle = ink("dim");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const y of marks) {
      const at = Math.round(this.Y(y)) + .5;
      pen.beginPath(); pen.moveTo(left, at); pen.lineTo(this.right, at); pen.stroke();
      pen.fillText(yText(y), left - 6, at);
    }
    pen.textAlign = "center";
    const second = niceStep((x1 - x0) / 1e6, (this.right - left) / 84), digits = second < 1 ? (second < .1 ? 2 : 1) : 0;
    for (let s = Math.ceil(x0 / 1e6 / second) * second; s * 1e6 <= x1; s += second) {
      const at = Math.round(this.X(s * 1e6)) + .5, half = pen.measureText(s.toFixed(digits) + " s").width / 2;
      pen.beginPath(); pen.moveTo(at, bottom); pen.lineTo(at, bottom + 4); pen.stroke();
      if (at + half < this.right + 4 && at - half > left - 12) pen.fillText(s.toFixed(digits) + " s", at, bottom + 13);
    }
    pen.strokeStyle = ink("line");
    pen.beginPath(); pen.moveTo(left + .5, top); pen.lineTo(left + .5, bottom + .5); pen.lineTo(this.right, bottom + .5); pen.stroke();
    pen.save();
    pen.beginPath(); pen.rect(left, top - 4, this.right - left, bottom - top + 4); pen.clip();
  }
  end() { this.pen.restore(); }

  X(x) { return this.left + (x - this.x0) / (this.x1 - this.x0) * (this.right - this.left); }
  Y(y) { return this.bottom - (y - this.y0) / (this.y1 - this.y0) * (this.bottom - this.top); }

  /* Through points [x, y]; `steps`: it stays until it changes. A point without y interrupts it. */
  line(points, colour, width = 1.6, steps = false) {
    const pen = this.pen;
    let last = null;
    pen.strokeStyle = ink(colour); pen.lineWidth = width; pen.lineJoin = "round";
    pen.beginPath();
    for (const [x, y] of points) {
      if (y == null) { last = null; continue; }
      const at = this.Y(y);
      if (last == null) pen.moveTo(this.X(x), at);
      else { if (steps) pen.lineTo(this.X(x), last); pen.lineTo(this.X(x), at); }
      last = at;
    }
    if (last != null && steps) pen.lineTo(this.X(Math.min(this.x1, points.at(-1)[0] + 1e6)), last);
    pen.stroke();
  }

  /* From `a` to `b`, upright, and never so short that it cannot be seen. */
  bar(x, a, b, colour, width) {
    const pen = this.pen, low = this.Y(a), high = Math.min(this.Y(b), low - 2.5), at = this.X(x);
    pen.fillStyle = ink(colour);
    pen.fillRect(at - width / 2, high, width, low - high);
  }

  dot(x, y, colour, radius) {
    const pen = this.pen;
    pen.beginPath(); pen.arc(this.X(x), this.Y(y), radius, 0, 7);
    pen.fillStyle = ink(colour); pen.fill();
    pen.strokeStyle = ink("card"); pen.lineWidth = 1.5; pen.stroke();
  }

  note(text) {
    const pen = this.pen;
    pen.fillStyle = ink("dim"); pen.textAlign = "right"; pen.textBaseline = "bottom";
    pen.fillText(text, this.right - 4, this.bottom - 6);
  }
  empty(text) {
    const pen = this.pen;
    pen.fillStyle = ink("dim"); pen.textAlign = "center"; pen.textBaseline = "middle";
    pen.fillText(text, (this.left + this.right) / 2, (this.top + this.bottom) / 2);
  }

  /* Something that can be pointed at, and what a click on it does. */
  spot(x, y, text, on) { this.spots.push({x: this.X(x), y: this.Y(y), text, on}); }

  nearest(e) {
    let best = null, most = 20 ** 2;
    for (const spot of this.spots) {
      const far = (spot.x - e.offsetX) ** 2 + (spot.y - e.offsetY) ** 2;
      if (far < most) { most = far; best = spot; }
    }
    return best;
  }
  point(e) {
    const spot = this.nearest(e), tip = this.tip;
    tip.hidden = !spot;
    if (!spot) return;
    tip.textContent = typeof spot.text === "function" ? spot.text() : spot.text;
    const room = this.canvas.clientWidth, wide = Math.min(250, tip.offsetWidth);
    tip.style.left = Math.max(0, spot.x + 14 + wide > room ? spot.x - wide - 14 : spot.x + 14) + "px";
    tip.style.top = Math.max(0, spot.y - tip.offsetHeight - 8) + "px";
  }
}
