/*
 * live_charts.js - the three charts of a connection: sequence numbers, congestion window, round trip.
 *
 * The time-sequence chart is tcptrace's: text as bars where its numbers are, what is acknowledged and how far the
 * window reaches as steps, what SACK says as bars, and what is sent again in the colour of its cause.
 */

/* Why something is sent again: the colour, and how a legend calls it. */
const AGAIN = {
  "retransmit-rto": ["rto", "timeout"], "syn-retransmit": ["rto", "timeout"], "syn-ack-retransmit": ["rto", "timeout"],
  "fin-retransmit": ["rto", "timeout"], "retransmit-after-rto": ["after-rto", "after a timeout"],
  "fast-retransmit": ["fast", "fast retransmit"], "sack-retransmit": ["partial", "SACK shows it lost"],
  "partial-retransmit": ["partial", "partial ACK"], "rescue-retransmit": ["probe", "rescue"],
  "tail-loss-probe": ["probe", "tail loss probe"], "window-probe": ["probe", "window probe"],
  "retransmit-smaller": ["again", "too big"], "retransmit-after-probe": ["again", "after a probe"],
  "text-fills-hole": ["fast", "fills a hole"], "text-old": ["again", "came again"], "text-early": ["partial", "beyond a hole"],
};
const SYN = 2, FIN = 1, RST = 4, ACK = 16;

const octets = n => n >= 9.995e8 ? (n / 1e9).toFixed(2) + " GB" : n >= 9.995e5 ? (n / 1e6).toFixed(n < 1e7 ? 2 : 1) + " MB"
  : n >= 1000 ? (n / 1000).toFixed(n < 1e5 && n % 1000 ? 1 : 0) + " kB" : Math.round(n) + " B";
const count = n => n.toLocaleString("en-US");
const millis = us => us >= 1e6 ? (us / 1e6).toFixed(2) + " s" : (us / 1000).toFixed(us < 1e5 ? 1 : 0) + " ms";
const seconds = us => (us / 1e6).toFixed(3);

function legend(list, items) {
  const key = items.join("|");
  if (list.dataset.is === key) return;
  list.dataset.is = key;
  list.replaceChildren(...items.map(([colour, text, shape]) => {
    const li = document.createElement("li"), i = document.createElement("i");
    i.className = shape || "";
    i.style.setProperty("--c", `var(--${colour})`);
    li.append(i, text);
    return li;
  }));
}

class Charts {
  constructor(pick) {
    this.pick = pick;
    for (const id of ["seq", "cwnd", "rtt"]) {
      this[id] = new Plot(document.getElementById(id));
      this[id].legend = document.getElementById("legend-" + id);
    }
  }

  /* The part of time that is shown: up to now, or until a connection had nothing more to say. */
  span(conn, now, span) {
    const last = conn.quiet ?? conn.ended, end = last != null && now > last + 5e5 ? last + 5e5 : now;
    const begin = Math.max(end - span, conn.born - 5e4);
    return [begin, Math.max(end, begin + 1e6)];
  }

  draw(conn, now, span) {
    const [x0, x1] = this.span(conn, now, span), from = conn.born;
    this.sequence(conn, x0 - from, x1 - from);
    this.window(conn, x0 - from, x1 - from);
    this.trip(conn, x0 - from, x1 - from);
  }

  sequence(conn, x0, x1) {
    const plot = this.seq, out = conn.octets[0] >= conn.octets[1], data = out ? 0 : 1;
    const seen = conn.packets.filter(p => p.t - conn.born >= x0 && p.t - conn.born <= x1 && p.flags != null);
    let low = Infinity, high = -Infinity, edge = -Infinity, left = 0;
    for (const p of seen) {
      left += p.left || 0;
      if (p.dir === data && p.len) { low = Math.min(low, p.seq); high = Math.max(high, p.seq + p.len); }
      if (p.dir !== data && p.flags & ACK) {
        low = Math.min(low, p.ack); high = Math.max(high, p.ack);
        if (p.edge != null) edge = Math.max(edge, p.edge);
      }
    }
    if (low > high) { low = 0; high = 1000; }
    const room = Math.max(high - low, 1000), shown = edge <= high + room * .6;
    plot.begin(x0, x1, low - room * .03, shown && edge > high ? edge + room * .04 : high + room * .08, octets);
    const acks = [], edges = [], causes = new Map();
    for (const p of seen) {
      const x = p.t - conn.born;
      if (p.dir !== data && p.flags & ACK && !p.dropped) {
        acks.push([x, p.ack]);
        if (p.edge != null) edges.push([x, p.edge]);
        for (let i = 0; i + 1 < p.sack.length; i += 2) plot.bar(x, p.sack[i], p.sack[i + 1], "sack", 2);
      }
    }
    plot.line(edges, "wnd", 1.4, true);
    plot.line(acks, "acked", 1.8, true);
    for (const p of seen) {
      if (p.dir !== data || !p.len) continue;
      const x = p.t - conn.born, again = AGAIN[p.why];
      plot.bar(x, p.seq, p.seq + p.len, again ? again[0] : "sent", again ? 3.5 : 2.2);
      if (again) { plot.dot(x, p.seq + p.len / 2, again[0], 4.2); causes.set(again[0], again[1]); }
      plot.spot(x, p.seq + p.len / 2, () => `${seconds(x)} s, octets ${count(p.seq)} to ${count(p.seq + p.len)}\n${sentence(p.why)}`,
        () => this.pick(p));
    }
    if (!seen.length) plot.empty(conn.packets.length ? "No segments in this time" : "No segments seen yet");
    else plot.note([shown || edge < 0 ? "" : `the window reaches up to ${octets(edge)}`,
      left ? `${count(left)} more segments are not drawn` : ""].filter(Boolean).join(" · "));
    plot.end();
    legend(plot.legend, [["sent", out ? "sent" : "came", "bar"], ["acked", "acknowledged"], ["wnd", "window edge"], ["sack", "SACK", "bar"],
      ...[...causes].map(([colour, text]) => [colour, (out ? "again: " : "") + text, "dot"])]);
    plot.canvas.setAttribute("aria-label", `Sequence numbers over time: ${out ? "sent" : "came"} up to ${octets(Math.max(high, 0))}, ` +
      `${[...causes.values()].length ? "sent again in view by " + [...causes.values()].join(", ") : "nothing sent again in view"}`);
  }

  /* Samples in view, and the one before, so that lines begin at the edge. */
  samples(conn, x0, x1) {
    const all = conn.samples, from = conn.born;
    let i = all.length;
    while (i > 0 && all[i - 1].t - from >= x0) i--;
    return all.slice(Math.max(i - 1, 0)).filter(s => s.t - from <= x1);
  }

  window(conn, x0, x1) {
    const plot = this.cwnd, seen = this.samples(conn, x0, x1), from = conn.born;
    const cuts = conn.decisions.filter(d => d.what === "cwnd" && d.us - from >= x0 && d.us - from <= x1);
    let high = 1000;
    for (const s of seen) high = Math.max(high, s.cwnd || 0, s.inflight || 0, s.ssthresh && s.ssthresh < 4 * (s.cwnd || 0) ? s.ssthresh : 0);
    for (const d of cuts) high = Math.max(high, d.cwnd);
    plot.begin(x0, x1, 0, high * 1.12, octets);
    plot.line(seen.map(s => [s.t - from, s.inflight]), "inflight", 1.2);
    // decisions have their exact time; samples fill in what lies between
    const all = [...seen.map(s => [s.t - from, s.cwnd, s.ssthresh]), ...cuts.map(d => [d.us - from, d.cwnd, d.ssthresh])].sort((a, b) => a[0] - b[0]);
    plot.line(all.map(([t, , ssthresh]) => [t, ssthresh]), "ssthresh", 1.5, true);
    plot.line(all, "cwnd", 2);
    for (const d of cuts) {
      plot.dot(d.us - from, d.cwnd, "rto", 3.6);
      plot.spot(d.us - from, d.cwnd, `${seconds(d.us - from)} s: cwnd is ${octets(d.cwnd)}\n${d.cause}`);
    }
    for (const s of seen) if (s.cwnd != null) plot.spot(s.t - from, s.cwnd,
      () => `${seconds(s.t - from)} s: cwnd ${octets(s.cwnd)}\nin flight ${octets(s.inflight || 0)}` + (s.ssthresh ? `\nssthresh ${octets(s.ssthresh)}` : ""));
    if (!seen.length) plot.empty("No samples yet");
    plot.end();
    legend(plot.legend, [["cwnd", "cwnd"], ["ssthresh", "ssthresh"], ["inflight", "in flight"], ...(cuts.length ? [["rto", "changed by a decision", "dot"]] : [])]);
    const last = seen.at(-1);
    plot.canvas.setAttribute("aria-label", last?.cwnd != null ? `Congestion window over time: now ${octets(last.cwnd)}, ${octets(last.inflight || 0)} in flight, ` +
      `${cuts.length} decisions in view` : "Congestion window over time: no samples yet");
  }

  trip(conn, x0, x1) {
    const plot = this.rtt, seen = this.samples(conn, x0, x1).filter(s => s.srtt != null), from = conn.born;
    const high = Math.max(1000, ...seen.map(s => s.srtt));
    plot.begin(x0, x1, 0, high * 1.15, y => (y / 1000).toFixed(high < 5000 ? 1 : 0) + " ms");
    plot.line(seen.map(s => [s.t - from, s.srtt]), "srtt", 2);
    for (const s of seen) plot.spot(s.t - from, s.srtt, () => `${seconds(s.t - from)} s: SRTT ${millis(s.srtt)}\nretransmission timeout ${millis(s.rto || 0)}`);
    if (!seen.length) plot.empty("No samples yet");
    plot.end();
    legend(plot.legend, [["srtt", "SRTT, smoothed round-trip time"]]);
    plot.canvas.setAttribute("aria-label", "Smoothed round-trip time over time" + (seen.length ? `: now ${millis(seen.at(-1).srtt)}` : ""));
  }
}
