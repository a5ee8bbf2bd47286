"""paths.py - rules of what a target names, and of what a server shows that is no plain file (threats W06, W07, W16)."""
import html.parser
import json
import time
import urllib.parse

from probe.site import INJECTED, ODD_NAMES, OUTSIDE
from probe.talk import brief, expect, request, rule

MARK = "Zq7Mark" # nothing of a request may come back in an error page
REDIRECTIONS = (301, 302, 307, 308)


def octets_of(text):
    """A name as the characters of its octets, as request() takes them."""
    return text.encode().decode("latin-1")


# --- paths (RFC 9110, 4.2; RFC 3986) --------------------------------------------------------

def stays_inside(place, targets, statuses=(400, 403, 404)):
    """Nothing of outside comes, and the answer is one of these."""
    seen = []
    for target in targets:
        response = place.get(target)
        if OUTSIDE in response.content or b"root:" in response.content:
            seen.append(f"{target}: what lies outside")
        elif response.status not in statuses:
            seen.append(f"{target}: {response}")
    expect(not seen, f"{len(seen)} of {len(targets)}: " + " | ".join(seen[:5]))


def climbing(place, dots, slash, name="outside.txt"):
    """Ways up with these octets for the two dots and for the slash."""
    private = place.root.rstrip("/").rsplit("/", 1)[-1] + "-private"
    return [f"/{dots}{slash}{name}", f"/folder{slash}{dots}{slash}{dots}{slash}{name}",
            f"/{(dots + slash) * 12}etc/passwd",
            f"/{dots}{slash}{private}{slash}{name}", f"/names/{dots}/{dots}{slash}{name}"]


@rule("paths: dots never lead out, however they are written", "RFC9110-15.5.5-a", "W06")
def dots(place):
    for way in ("..", "%2e%2e", "%2E%2E", ".%2e", "%2e."):
        for slash in ("/", "%2f", "%2F"):
            stays_inside(place, climbing(place, way, slash))


@rule("paths: what is escaped twice is another name", "RFC9110-15.5.5-a", "RFC9110-4.2-a", "W06")
def twice(place):
    for way, slash in (("%252e%252e", "/"), ("%252e%252e", "%252f"), ("..", "%252f"), ("%25252e%25252e", "/"),
                       ("%%32%65%%32%65", "/"), ("%25%32%65%25%32%65", "/")):
        stays_inside(place, climbing(place, way, slash))


@rule("paths: a backslash is no slash", "RFC9110-15.5.5-a", "W06")
def backslashes(place):
    for slash in ("\\", "%5c", "%5C", "/\\", "\\/"):
        stays_inside(place, climbing(place, "..", slash))


@rule("paths: overlong and broken UTF-8 is no slash and no dot", "RFC9110-15.5.5-a", "W06")
def overlong(place):
    for way, slash in (("..", "%c0%af"), ("..", "%e0%80%af"), ("..", "%f0%80%80%af"), ("%c0%ae%c0%ae", "/"),
                       ("%e0%80%ae%e0%80%ae", "/"), ("..", "%c1%9c"),
                       ("..", "%ef%bc%8f"), ("%u002e%u002e", "/"), ("..", "%u2215"), ("\xc0\xae\xc0\xae", "/"),
                       ("..", "\xc0\xaf")):
        stays_inside(place, climbing(place, way, slash))


@rule("paths: other dots do not lead out either", "RFC9110-15.5.5-a", "W06")
def other_dots(place):
    stays_inside(place, ["/...", "/..../outside.txt", "/..;/outside.txt", "/..%20/outside.txt",
                         "/.. /outside.txt".replace(" ", "%09"), "/%2e%2e%3b/outside.txt",
                         "/folder/../../outside.txt", "//../outside.txt", "/.//..//outside.txt", "/./../outside.txt",
                         "/" + "../" * 1000 + "outside.txt",
                         "/..%00/outside.txt", "/..%0d%0a/outside.txt", "/..#/outside.txt",
                         "/folder/a.txt/../../../outside.txt"])
    response = place.get("/small.txt?/../outside.txt")
    expect(response.content == place.file("small.txt"), f"a query is part of the path: {response}")


@rule("paths: an absolute name is below the root", "RFC9110-15.5.5-a", "W06")
def absolute_names(place):
    stays_inside(place, ["//etc/passwd", "/%2fetc/passwd", "/etc/passwd", "///etc/passwd", "/file:///etc/passwd",
                         "/proc/self/environ", "/c:/etc/passwd"])


@rule("paths: the absolute form of a target leads out no more than the other", "RFC9110-15.5.5-a", "W06")
def absolute_targets(place):
    stays_inside(place, ["http://x/../outside.txt", "http://x/%2e%2e/outside.txt", "http://x//etc/passwd",
                         "http://x/folder/%2e%2e%2f%2e%2e%2foutside.txt"])


@rule("paths: %00 ends no name", "RFC9110-15.5.5-a", "W06")
def nul_in_paths(place):
    stays_inside(place, ["/small.txt%00", "/small.txt%00.html", "/%00", "/%00small.txt", "/folder%00/", "/..%00"],
                 (400, 404))


@rule("paths: a symbolic link does not lead out", "RFC9110-15.5.5-a", "W06")
def links(place):
    stays_inside(place, ["/link-out", "/link-absolute", "/folder-out/outside.txt", "/folder-out/", "/folder-out",
                         "/magic/etc/passwd", "/magic/"])


@rule("paths: escapes are decoded once", "RFC9110-4.2-a", "W06")
def decoded_once(place):
    for target, name in (("/names/%2541.txt", "names/%41.txt"), ("/names/%41.txt", "names/A.txt"),
                         ("/names/A.txt", "names/A.txt"),
                         ("/%73%6d%61%6C%6c.txt", "small.txt"), ("/names/per%25cent.txt", "names/per%cent.txt")):
        response = place.get(target)
        expect(response.status == 200 and response.content == place.file(name),
               f"{target}: {response}, {brief(response.content)}")


@rule("paths: a broken escape is 400", "RFC9110-4.2-a", "W06")
def broken_escapes(place):
    for target in ("/%zz", "/%4", "/%", "/small.txt%", "/%%41", "/%4g", "/% 41".replace(" ", "+"), "/%-1", "/%0x"):
        response = place.get(target)
        expect(response.status == 400, f"{target}: {response}")


@rule("paths: names with spaces, marks and any script are found when escaped", "RFC9110-4.2-a")
def odd_names(place):
    for name in ODD_NAMES:
        response = place.get("/names/" + urllib.parse.quote(name, safe=""))
        expect(response.status == 200 and response.content == name.encode(), f"{name!r}: {response}")


@rule("paths: a plus is a plus, and a query ends the path", "RFC9110-4.2-a")
def plus_and_query(place):
    for target in ("/names/a+b.txt", "/names/a+b.txt?", "/names/a+b.txt?x=1&y=%2e%2e?", "/names/a%2Bb.txt"):
        expect(place.get(target).content == b"a+b.txt", f"{target}: not found")
    expect(place.get("/names/a%20b.txt").status == 404, "a plus is a space")


@rule("paths: a slash behind a file names nothing", own=True)
def slash_behind_a_file(place):
    stays_inside(place, ["/small.txt/", "/small.txt/x", "/small.txt/.", "/small.txt/.."], (400, 404))


@rule("paths: a long name, and many, are 404 and no more", "RFC9110-15.5.5-a")
def long_names(place):
    stays_inside(place, ["/" + "n" * 255, "/" + "n" * 256, "/" + "n" * 4096, "/" + "n/" * 2000,
                         "/" + "/".join(["m" * 200] * 30)], (403, 404, 414))


# --- kinds of things (threat W07) ----------------------------------------------------------

@rule("kinds: an empty file is 200 with no content", "RFC9110-8.6-a", "W07")
def empty_file(place):
    response = place.get("/empty")
    expect(response.status == 200 and response.length() == 0,
           f"{response}, Content-Length: {response.get('Content-Length')}")


@rule("kinds: a FIFO, a socket and a device are refused, and nobody waits for them", "W07")
def special_files(place):
    for name in ("fifo", "socket", "device"):
        start = time.monotonic()
        response = place.get(f"/{name}")
        expect(response.status in (403, 404), f"{name}: {response}") # 404, too, where the device could not be made
        expect(time.monotonic() - start < 5, f"{name}: answered only after {time.monotonic() - start:.1f} s")


@rule("kinds: a file that may not be read is 403 or 404", "W07")
def unreadable(place):
    response = place.get("/unreadable")
    expect(response.status in (403, 404), f"{response}; does the server run with the right to read all?")


@rule("kinds: the type of a file goes by its name")
def types(place):
    for name, wanted in (("page.html", "text/html"), ("style.css", "text/css"), ("code.js", "javascript"),
                         ("data.json", "application/json"),
                         ("picture.png", "image/png"), ("drawing.svg", "image/svg+xml")):
        value = place.get(f"/types/{name}").get("Content-Type") or ""
        expect(wanted in value, f"{name}: Content-Type: {value}")


@rule("kinds: a folder without its slash is redirected to itself with it", "W16")
def redirected(place):
    for target, path in (("/folder", "/folder/"), ("/folder/sub", "/folder/sub/"), ("/%66older", "/folder/")):
        response = place.get(target)
        expect(response.status in REDIRECTIONS, f"{target}: {response}")
        location = urllib.parse.urlsplit(urllib.parse.urljoin(f"http://x{target}", response.get("Location") or ""))
        expect((location.hostname, location.path) == ("x", path), f"{target}: Location: {response.get('Location')}")


@rule("kinds: a redirection leads nowhere else", "W16")
def no_open_redirection(place):
    for target in ("//evil.com", "///evil.com", "//evil.com/..", "/\\evil.com", "/%2fevil.com", "/%5cevil.com",
                   "//evil.com/%2f..", "/.//evil.com",
                   "/folder/..//evil.com", "//evil.com/%2e%2e", "/%2f%2fevil.com", "http://x//evil.com", "/evil.com",
                   "/%09/evil.com", "/;//evil.com"):
        response = place.get(target)
        location = response.get("Location")
        if location is not None:
            host = urllib.parse.urlsplit(urllib.parse.urljoin("http://x/", location.replace("\\", "/"))).hostname
            expect(host == "x", f"{target}: Location: {location}")
    expect(place.get("/evil.com").status in REDIRECTIONS, "/evil.com is a folder here, and not redirected to")


@rule("kinds: a line end in a name does not become one in a field", "W16")
def no_injection(place):
    for target in ("/" + urllib.parse.quote(INJECTED), "/%0d%0aX-Injected:%20yes", "/folder%0d%0aX-Injected:%20yes",
                   "/folder?%0d%0aX-Injected:%20yes",
                   "/folder%0aX-Injected:%20yes", "/folder%e5%98%8a%e5%98%8dX-Injected:%20yes"):
        response = place.get(target)
        expect(response.get("X-Injected") is None, f"{target}: X-Injected: {response.get('X-Injected')}")
    expect(place.get("/folder?%0d%0aX").status in REDIRECTIONS, "a folder with a query is not redirected to")


@rule("kinds: a folder with an index is its index")
def index(place):
    for target in ("/indexed/", "/indexed/?x=y", "/indexed/index.html"):
        response = place.get(target)
        expect(response.content == place.file("indexed/index.html"), f"{target}: {response}")
        expect("text/html" in (response.get("Content-Type") or ""),
               f"{target}: Content-Type: {response.get('Content-Type')}")


class Links(html.parser.HTMLParser):
    """The targets of a page's links, its text, and the elements that it has."""

    def __init__(self, response):
        super().__init__()
        self.targets, self.elements, self.text, self.handlers = [], set(), "", []
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.targets += [value for name, value in attrs if name == "href" and tag == "a"]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


def listing(place, target):
    """The links of a folder's listing, with the paths that they lead to."""
    response = place.get(target)
    expect(response.status == 200, f"{target}: {response}")
    expect((response.get("Content-Type") or "").startswith("text/html"),
           f"{target}: Content-Type: {response.get('Content-Type')}")
    page = Links(response)
    base = urllib.parse.urljoin(f"http://{place.address}:{place.port}/", target)
    paths = []
    for link in page.targets:
        url = urllib.parse.urlsplit(urllib.parse.urljoin(base, link))
        expect((url.scheme, url.hostname) == ("http", place.address), f"{target}: a link to {link}")
        paths.append(url.path)
    return page, paths


@rule("kinds: the listing of a folder names what is in it, and each link leads there")
def lists(place):
    page, paths = listing(place, "/folder/")
    expect({"/folder/a.txt", "/folder/b.txt", "/folder/sub/"} <= set(paths), f"links: {paths}")
    expect("a.txt" in page.text and "b.txt" in page.text, "not in the text")
    for path in paths:
        if path.startswith("/folder/") and "?" not in path:
            expect(place.get(path).status == 200, f"{path}: no 200")


@rule("kinds: a listing escapes each name in the page and in the link", "W16")
def lists_odd_names(place):
    _, paths = listing(place, "/names/")
    for name in ODD_NAMES:
        if not name.startswith("."): # which may be hidden
            found = [path for path in paths if urllib.parse.unquote(path) == f"/names/{name}"]
            expect(found, f"no link to {name!r}")
            expect(place.get(found[0]).content == name.encode(), f"{found[0]}: not {name!r}")


@rule("kinds: no name in a listing becomes an element, a script or a foreign link", "W16")
def lists_hostile_names(place):
    page, _ = listing(place, "/hostile/")
    expect(not {"script", "img"} & page.elements, f"elements: {page.elements}")
    expect(not page.handlers, f"attributes: {page.handlers}")
    for target in page.targets:
        expect(not target.lower().lstrip().startswith("javascript:"), f"a link to {target}")


def strings_of(value):
    """All strings in a value of JSON."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in strings_of(item)] if isinstance(value, list) else []


@rule("kinds: ?json gives the listing as JSON", own=True)
def lists_json(place):
    for target, names in (("/folder/?json", ("a.txt", "b.txt", "sub")),
                          ("/names/?json", [name for name in ODD_NAMES if name[0] != "."]),
                          ("/hostile/?json", (f"{INJECTED}.txt",))):
        response = place.get(target)
        expect((response.get("Content-Type") or "").startswith("application/json"),
               f"{target}: {response}, {response.get('Content-Type')}")
        found = [text.rstrip("/") for text in strings_of(json.loads(response.content))]
        for name in names:
            expect(name in found, f"{target}: no {name!r} among {found[:20]}")


@rule("kinds: a listing does not show what lies outside", "W06")
def lists_nothing_outside(place):
    for target in ("/../", "/folder-out/", "/%2e%2e/", "/magic/", "//", "/folder/../../"):
        response = place.get(target)
        expect(b"outside.txt" not in response.content, f"{target}: the folder above")


@rule("kinds: where listings are off, a folder is 403 or 404, and its index and files are served", asked=True)
def no_listing(place):
    for target in ("/folder/", "/folder/?json"):
        response = place.get(target)
        expect(response.status in (403, 404), f"{target}: {response}")
        expect(b"a.txt" not in response.content, f"{target}: names all the same")
    expect(place.get("/indexed/").status == 200 and place.get("/folder/a.txt").status == 200, "not served")


# --- error pages (threat W16) --------------------------------------------------------------

def refusals():
    """Requests that are refused, each with the mark in as many places as may have it."""
    fields = (f"X-{MARK}: {MARK}", f"Cookie: {MARK}")
    yield request(f"/{MARK}", *fields)
    yield request(f"/<script>{MARK}</script>", *fields)
    yield request(f"/%3Cscript%3E{MARK}%3C/script%3E?{MARK}", *fields, host=MARK)
    yield request(f"/%zz{MARK}", *fields)
    yield request(f"/{MARK}", *fields, method="DELETE")
    yield request(f"/{MARK}", *fields, method=MARK)
    yield request(f"/{MARK}", *fields, version="HTTP/2.5")
    yield request(f"/{MARK}", *fields, host=f"{MARK} {MARK}")
    yield request(f"/{MARK}", *fields, f"Content-Length: {MARK}")
    yield request(f"/{MARK}", *fields, f"Expect: {MARK}")
    yield request(f"/{MARK}" + "a" * 20000, *fields)
    yield request(f"/{MARK}", *fields, f"X: {MARK}" + "a" * 100000)
    yield request("/small.txt", *fields, f'If-Match: "{MARK}"')
    yield request("/hundred", *fields, f"If-None-Match: {MARK}", "Range: bytes=100-")
    yield request(f"/folder/a.txt/{MARK}", *fields)


@rule("errors: a page says what is wrong, in HTML", "RFC9110-15.5.5-a")
def pages(place):
    for octets in refusals():
        response = place.ask(octets)
        if response.status >= 400:
            kind = response.get("Content-Type") or ""
            expect(kind.startswith("text/html"), f"{brief(octets)}: {response}, Content-Type: {kind}")
            expect(str(response.status).encode() in response.content,
                   f"{brief(octets)}: {response}: {brief(response.content)}")
    expect(place.get("/not-there").content, "404 without a page")


@rule("errors: nothing of the request comes back", "W16")
def nothing_comes_back(place):
    for octets in refusals():
        response = place.ask(octets)
        expect(MARK.encode() not in response.content, f"{brief(octets)}: {response}, in the page")
        for name, value in response.fields:
            expect(MARK not in name + value, f"{brief(octets)}: {response}, {name}: {value}")
