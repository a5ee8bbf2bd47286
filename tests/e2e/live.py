#!/usr/bin/env python3
"""live - who looks at the live page: a browser, and readers of its events.

    live.py page URL FOLDER           a browser, while a transfer runs: it moves, lights up, acts; no complaint
    live.py access URL FOLDER         every control has a name, is reached by Tab, shows its focus; contrast in both schemes
    live.py shots URL FOLDER          screenshots at 1440 and 390 px in both schemes into FOLDER
    live.py events HOST PORT SECONDS  reads the stream, checks that it is whole, and says what it had
    live.py slow HOST PORT COUNT SECONDS   so many readers who take 512 octets each 200 ms; "ready" when all are there
    live.py gone HOST PORT COUNT [SOURCE]  so many readers who take nothing, for ever; from that address
"""
import json
import os
import socket
import sys
import time

from browser import Browser

# Octets of the page on the wire, all of it, as the server sends it to a browser.
MOST = 60000


def check(condition, what):
    if not condition:
        raise SystemExit(what)


# --- readers of events --------------------------------------------------------------------------------

def subscribe(host, port, room=None, source=None):
    s = socket.socket()
    if source:
        s.bind((source, 0))
    if room:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    s.settimeout(10)
    s.connect((host, port))
    s.sendall(f"GET /.tapio/events HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
    return s


def events(host, port, seconds):
    """One object for each event; each must be whole, and of a known type."""
    s = subscribe(host, port)
    end, data = time.monotonic() + seconds, b""
    s.settimeout(0.2)
    while time.monotonic() < end:
        try:
            more = s.recv(65536)
        except socket.timeout:
            continue
        check(more, "the server ended the stream")
        data += more
    s.close()
    head, _, body = data.partition(b"\r\n\r\n")
    check(b"200 OK" in head and b"text/event-stream" in head, f"not a stream: {head}")
    found = []
    for event in body.split(b"\n\n")[:-1]:
        check(event.startswith(b"data: {"), f"no event: {event[:80]}")
        found.append(json.loads(event[6:]))
    return found


def events_main(host, port, seconds):
    found = events(host, int(port), float(seconds))
    check(found[0]["type"] == "hello", "the first is no greeting")
    samples = [e for e in found if e["type"] == "sample"]
    decisions = [d for e in found if e["type"] == "decisions" for d in e["of"]]
    numbers = [s["n"] for s in samples]
    check(numbers == sorted(set(numbers)), "samples are out of order")
    check([d["n"] for d in decisions] == sorted({d["n"] for d in decisions}), "decisions are out of order")
    own = {c["id"] for s in samples for c in s["conns"] if c.get("own")}
    packets = [p for s in samples for p in s["packets"]]
    print(json.dumps({"samples": len(samples), "missed": sum(s["missed"] for s in samples), "own": len(own),
                      "conns": len({c["id"] for s in samples for c in s["conns"]} - own),
                      "packets": len(packets), "of_observers": sum(p[2] in own for p in packets),
                      "again": sum(d["what"] == "retransmit" for d in decisions),
                      "states": sum(d["what"] == "state" for d in decisions),
                      "last": packets[-1][0] if packets else 0}))


def slow_main(host, port, number, seconds):
    readers = [subscribe(host, int(port), 4096) for _ in range(int(number))]
    for s in readers:
        s.recv(64)
        s.setblocking(False)
    print("ready", flush=True)
    end = time.monotonic() + float(seconds)
    got = 0
    while time.monotonic() < end:
        for s in readers:
            try:
                got += len(s.recv(512))
            except BlockingIOError:
                pass
        time.sleep(0.2)
    print(got)


def gone_main(host, port, number, source=None):
    readers = [subscribe(host, int(port), 4096, source) for _ in range(int(number))]
    for s in readers:
        s.recv(64)
    print("ready", flush=True)
    time.sleep(3600)


# --- a browser ------------------------------------------------------------------------------------------

def open_page(page, url):
    page.goto(url)
    page.wait("document.title == 'tapio live' && document.querySelector('#status')?.dataset.is == 'live'")
    page.wait("document.querySelectorAll('#conns tr').length > 0", 20)
    page.wait("document.querySelectorAll('#ladder .rung').length > 20", 20)


def pixels(page, canvas):
    """A number that changes when what is drawn does."""
    return hash(page.eval(f"document.getElementById('{canvas}').toDataURL()"))


def set_slider(page, name, value):
    page.eval(f"(() => {{ const s = document.getElementById('{name}'); s.value = {value}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})()")


def charts_move(page):
    before = {c: pixels(page, c) for c in ("seq", "cwnd", "rtt")}
    page.pause(1.5)
    for canvas, was in before.items():
        check(pixels(page, canvas) != was, f"the chart {canvas} does not move")
    check(page.eval("document.querySelectorAll('#legend-seq i.dot').length") > 0, "nothing is sent again in the chart")


def states_light(page):
    page.wait("document.querySelector('.node.lit text')?.textContent == 'ESTABLISHED'", 20)
    taken = page.eval("[...document.querySelectorAll('.edge.taken')].map(e => e.dataset.edge)")
    check("SYN-RECEIVED>ESTABLISHED" in taken, f"edges taken: {taken}")
    causes = page.eval("[...document.querySelectorAll('.cause')].map(e => e.textContent).join(' ')")
    check("the handshake is" in causes, f"causes: {causes}")
    page.wait("[...conns.values()].some(c => !c.info.own && c.ended != null && c.way.length >= 4)", 30)
    page.eval("(() => { $('follow').checked = false; const c = [...conns.values()].find(c => !c.info.own && c.ended != null && c.way.length >= 4);"
              " select(c.id); draw(true); })()")
    page.wait("document.querySelector('.node.lit text')?.textContent == 'CLOSED'")
    way = page.eval("conns.get(chosen).way.length")
    check(page.eval("document.querySelectorAll('.edge.taken').length") >= way, "not every edge that was taken is drawn so")
    check(page.eval("document.querySelectorAll('.count').length") == page.eval("document.querySelectorAll('.edge.taken').length"),
          "an edge has no number")
    check("did" in page.eval("whoClosed(conns.get(chosen))"), "the page does not know who closed first")


def byte_map_works(page):
    # Of a connection that is alive: the stack forgets the packets of one that has ended within a second or two.
    page.eval("$('follow').checked = true")
    page.wait("conns.get(chosen)?.ended == null && document.querySelectorAll('#ladder .rung').length > 5", 30)
    page.eval("[...document.querySelectorAll('#ladder .rung')].at(-5).click()")
    page.wait("document.querySelectorAll('#bytes .cell').length > 30")
    check(page.eval("document.querySelectorAll('#bytes .layer').length") >= 3, "layers are missing")
    page.eval("[...document.querySelectorAll('button.cell')].find(c => c.textContent.startsWith('Window')).click()")
    lit = page.eval("[...document.querySelectorAll('.cell.lit')].map(c => c.querySelector('b').textContent)")
    check(lit == ["Window"], f"lit: {lit}")
    at = page.eval("[...document.querySelectorAll('#hex span.lit')].map(o => +o.dataset.o)")
    check(at == [48, 49], f"octets lit: {at}")
    check("RFC 7323" in page.eval("$('field').querySelector('mark').textContent"), "no clause")
    octets = page.eval("[...document.querySelectorAll('#hex span.lit')].map(o => o.textContent).join('')")
    value = page.eval("document.querySelector('.cell.lit').lastChild.textContent")
    check(int(octets, 16) == int(value.split()[0]), f"the window is {value}, its octets {octets}")
    page.key("ArrowRight")
    check(page.eval("document.activeElement.textContent").startswith("Checksum"), "the arrow does not go on")
    page.eval("document.querySelectorAll('#hex span')[26].click()")
    check(page.eval("document.querySelector('.cell.lit b').textContent") == "Source Address", "an octet does not light its field")
    why = page.eval("$('because').textContent")
    check("RFC" in why and "Packet" in why, f"no reason: {why}")


def ladder_by_keys(page):
    page.eval("$('ladder').focus()")
    page.key("Home")
    first = page.eval("document.querySelector('.rung[aria-selected=true]')?.dataset.id")
    page.key("ArrowDown")
    second = page.eval("document.querySelector('.rung[aria-selected=true]')?.dataset.id")
    check(first and second and int(second) > int(first), f"the arrow keys choose {first}, then {second}")
    check(page.eval("$('ladder').getAttribute('aria-activedescendant')") == "rung-" + second, "a screen reader is not told")
    page.key("End")
    check(page.eval("document.querySelector('.rung[aria-selected=true]')") is None, "End does not let go")


def sliders_act(page):
    set_slider(page, "loss", 20)
    set_slider(page, "delay", 20)
    set_slider(page, "rate", 5)
    page.wait("frames.wire[0].loss_ppm == 50000 && frames.wire[1].delay_us == 20000 && frames.wire[1].rate_bps == 10000000", 20)
    check(page.eval("$('loss').getAttribute('aria-valuetext')") == "5 %", "the slider does not say its value")
    page.pause(1.5)
    check(page.eval("$('delay-is').textContent") == "20 ms", "the slider does not stay where it was put")
    set_slider(page, "loss", 0)
    set_slider(page, "rate", 11)
    page.wait("frames.wire[1].loss_ppm == 0 && frames.wire[1].rate_bps == 0", 20)


def pauses(page):
    page.eval("$('pause').click()")
    page.pause(0.5)
    before = pixels(page, "seq")
    page.pause(1)
    check(pixels(page, "seq") == before, "it moves though it is paused")
    check(page.eval("$('pause').getAttribute('aria-pressed')") == "true", "the button does not say that it is pressed")
    page.eval("$('pause').click()")


def shows_own(page):
    check(page.eval("![...document.querySelectorAll('.tag')].length"), "the page's own connection is not left out")
    page.eval("$('own').click()")
    page.wait("document.querySelectorAll('.tag').length > 0", 10)
    page.eval("$('own').click()")
    page.wait("document.querySelectorAll('.tag').length == 0", 10)


def page_main(url, folder):
    with Browser(folder) as page:
        open_page(page, url)
        wire = {a["url"]: page.arrived.get(i, 0) for i, a in page.answers.items() if "/events" not in a["url"]}
        check(len(wire) >= 4 and 0 < sum(wire.values()) <= MOST, f"on the wire: {wire}")
        check(all(a["status"] == 200 for a in page.answers.values()), "something was not found")
        check(all(u.startswith(url.split("/.tapio")[0]) for u in wire), f"it asks others: {wire}")
        for part in (charts_move, states_light, byte_map_works, ladder_by_keys, pauses, shows_own, sliders_act):
            part(page)
            print(part.__name__)
        check(not page.complaints, f"the browser complains: {page.complaints}")
        print(f"{sum(wire.values())} octets on the wire, heap {page.eval('performance.memory.usedJSHeapSize')}")


# --- for everybody --------------------------------------------------------------------------------------

CONTROLS = {"button", "checkbox", "slider", "combobox", "listbox", "link", "textbox", "spinbutton", "radio", "switch", "tab", "menuitem"}

# Text whose contrast with what is behind it is too small; of SVG the text's own box is behind it.
CONTRAST = r"""(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return {r: m[0], g: m[1], b: m[2], a: m[3] ?? 1}; };
  const over = (f, b) => ({r: f.r * f.a + b.r * (1 - f.a), g: f.g * f.a + b.g * (1 - f.a), b: f.b * f.a + b.b * (1 - f.a), a: 1});
  const part = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => .2126 * part(c.r) + .7152 * part(c.g) + .0722 * part(c.b);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const behind = e => { let list = []; for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); list.push(c); if (c.a === 1) break; }
    return list.reverse().reduce((b, c) => over(c, b), {r: 255, g: 255, b: 255, a: 1}); };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, style = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || !e.getClientRects().length || style.visibility === "hidden" || e.closest(".unseen, script, style, noscript")) continue;
    let fore, back;
    if (e.closest("svg")) {
      const box = e.previousElementSibling;
      fore = parse(style.fill);
      back = e.classList.contains("cause") ? parse(style.stroke) : parse(getComputedStyle(box).fill);
    } else { fore = parse(style.color); back = behind(e); fore = over(fore, back); }
    seen++;
    const is = ratio(fore, back);
    if (is < 4.5) bad.push(`${walk.currentNode.data.trim().slice(0, 30)} (${e.className.baseVal ?? e.className}): ${is.toFixed(2)}`);
  }
  return {seen, bad: [...new Set(bad)]};
})()"""


def names(page):
    """Each control in the tree that a screen reader has."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    found = 0
    for node in nodes:
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role not in CONTROLS | {"image", "option"}:
            continue
        found += 1
        check(node.get("name", {}).get("value", "").strip(), f"a {role} has no name: {node.get('properties')}")
    check(found > 30, f"only {found} controls")


def tab_order(page):
    """Everything that can be used is a stop of Tab, or one of a group that has a stop and arrow keys; each stop shows it."""
    page.eval("document.activeElement.blur(); scrollTo(0, 0)")
    stops, where = 0, []
    for _ in range(150):
        page.key("Tab")
        here = page.eval("""(() => { const e = document.activeElement; if (!e || e === document.body) return null;
            if (e.dataset.stop) return 'again'; e.dataset.stop = 1; const s = getComputedStyle(e), r = e.getBoundingClientRect();
            return {name: e.id || e.textContent.slice(0, 20) || e.tagName, seen: e.matches(':focus-visible') && s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
                    on: r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth}; })()""")
        if here in (None, "again"):
            break
        stops += 1
        where.append(here["name"])
        check(here["seen"], f"the focus on {here['name']} cannot be seen")
        check(here["on"], f"{here['name']} is out of sight when it has the focus")
    check(stops > 12, f"only {stops} stops: {where}")
    missed = page.eval("""[...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')].filter(e =>
        !e.dataset.stop && !e.disabled && e.getClientRects().length && !e.closest('tr') &&
        !(e.tabIndex < 0 && e.parentElement.closest('[role=group]')?.querySelector('[data-stop]'))).map(e => e.id || e.outerHTML.slice(0, 80))""")
    check(not missed, f"Tab does not reach {missed}")


def access_main(url, folder):
    with Browser(folder) as page:
        open_page(page, url)
        page.eval("[...document.querySelectorAll('#ladder .rung')].at(-5).click()")
        page.wait("document.querySelectorAll('#bytes .cell').length > 30")
        page.eval("setPaused(true)")
        page.pause(0.5)
        names(page)
        tab_order(page)
        for scheme in ("light", "dark"):
            page.scheme(scheme)
            page.pause(0.6)
            found = page.eval(CONTRAST)
            check(found["seen"] > 100, f"only {found['seen']} pieces of text")
            check(not found["bad"], f"{scheme}: {found['bad']}")
            print(f"{scheme}: {found['seen']} pieces of text")
        for width in (1440, 390):
            page.size(width, 900, width < 500)
            page.pause(0.3)
            wide = page.eval("document.documentElement.scrollWidth")
            check(wide <= width, f"at {width} px the page is {wide} wide")
        axe = os.environ.get("TAPIO_AXE")  # axe.min.js, of npm's axe-core
        if axe:
            with open(axe, encoding="utf-8") as file:
                page.eval(file.read() + "\n;0")
            for scheme in ("light", "dark"):
                page.scheme(scheme)
                page.pause(0.6)
                found = page.eval("axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + ' ' + n.failureSummary).join(' | ')))")
                check(not found, f"axe: {found}")
                print(f"{scheme}: axe finds nothing")
        check(not page.complaints, f"the browser complains: {page.complaints}")


def shots_main(url, folder):
    with Browser(folder) as page:
        open_page(page, url)
        page.pause(3)
        page.eval("[...document.querySelectorAll('#ladder .rung')].at(-20).click()")
        page.wait("document.querySelectorAll('#bytes .cell').length > 30")
        for width, height in ((1440, 900), (390, 844)):
            for scheme in ("light", "dark"):
                page.scheme(scheme)
                page.size(width, height, width < 500)
                page.pause(0.5)
                page.size(width, page.eval("document.documentElement.scrollHeight"), width < 500)
                page.pause(0.5)
                name = f"{folder}/{width}-{scheme}.png"
                page.screenshot(name)
                check(os.path.getsize(name) > 20000, f"{name} is empty")


def main():
    verbs = {"page": page_main, "access": access_main, "shots": shots_main, "events": events_main, "slow": slow_main, "gone": gone_main}
    if len(sys.argv) < 2 or sys.argv[1] not in verbs:
        raise SystemExit(__doc__)
    verbs[sys.argv[1]](*sys.argv[2:])


main()
