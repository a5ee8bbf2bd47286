"""site.py - the folder that the probe wants to be served, and what lies beside it that nobody may see."""
import gzip
import os
import random
import socket
import stat

OUTSIDE = b"outside of the site\n"
OLD = 1000000000 # Sun, 09 Sep 2001 01:46:40 GMT: when the files were changed last
HUGE = (1 << 32) + 1000000 # octets of a file with a hole
HUGE_END = bytes(range(100))
HUGE_MIDDLE = b"the octets around four gigabytes" # its half is on either side
BIG = 4 << 20

# Names that a target has to escape, or a listing. The slash and the NUL alone are in none.
ODD_NAMES = ("with space.txt", "hash#1.txt", "what?.txt", "per%cent.txt", "%41.txt", "A.txt", "a+b.txt",
             "semi;colon.txt",
             "uml\u00e4ut.txt", "\u65e5\u672c.txt", "<b>&amp;\"quoted'.txt", "co:lon.txt", "\U0001f600.txt",
             ".hidden.txt")
INJECTED = "line\r\nX-Injected: yes"


def stored_brotli(octets):
    """A brotli stream with its octets as they are (RFC 7932, 9.2)."""
    assert 0 < len(octets) <= 1 << 16
    head = (len(octets) - 1) << 4 | 1 << 20
    return head.to_bytes(3, "little") + octets + b"\x03"


def write(root, name, octets):
    """A file, as old as all are."""
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(octets)
    os.utime(path, (OLD, OLD))


def make_plain(root):
    """What any site has."""
    write(root, "index.html", b"<!doctype html><title>The front page</title><h1>The front page</h1>\n")
    write(root, "small.txt", b"a small file\n")
    write(root, "smuggled.txt", b"this answer was smuggled\n")
    write(root, "hundred", bytes(range(48, 148)))
    write(root, "one", b"1")
    write(root, "empty", b"")
    write(root, "megabyte", random.Random(1).randbytes(1 << 20))
    write(root, "big", random.Random(2).randbytes(BIG))
    for name in ("page.html", "style.css", "code.js", "data.json", "picture.png", "drawing.svg"):
        write(root, f"types/{name}", b"x")
    for number in range(100):
        write(root, f"numbers/{number}.txt", b"this is number %d\n" % number * (number % 7 + 1))
    write(root, "folder/a.txt", b"file a\n")
    write(root, "folder/b.txt", b"file b, longer\n")
    write(root, "folder/sub/c.txt", b"file c\n")
    write(root, "indexed/index.html", b"<!doctype html><title>An index</title>\n")
    write(root, "evil.com/index.html", b"<!doctype html><title>A folder with the name of a host</title>\n")
    write(root, "future", b"changed in the future\n")
    os.utime(os.path.join(root, "future"), (OLD + 3 * 10**9, OLD + 3 * 10**9))


def make_names(root):
    """Files with names that are hard to write, each with its name as its content."""
    for name in ODD_NAMES:
        write(root, f"names/{name}", name.encode())
    write(root, f"{INJECTED}/index.html", b"x")
    write(root, f"hostile/{INJECTED}.txt", b"x")
    write(root, "hostile/<script>alert(1)<!--.txt", b"x")
    write(root, "hostile/\"><img src=x onerror=alert(1)>", b"x")
    write(root, "hostile/javascript:alert(1)", b"x")


def make_codings(root):
    """Files with coded siblings."""
    text = b"const greeting = 'hello';\n" * 40
    write(root, "coded.js", text)
    write(root, "coded.js.gz", gzip.compress(text, mtime=0))
    write(root, "coded.js.br", stored_brotli(text))
    write(root, "gzipped.css", text)
    write(root, "gzipped.css.gz", gzip.compress(text, mtime=0))
    write(root, "trap.txt", b"its coded sibling is a folder\n")
    os.makedirs(os.path.join(root, "trap.txt.gz"), exist_ok=True)


def make_special(root):
    """What is no file, or no ordinary one. Not all of it can be made everywhere."""
    with open(os.path.join(root, "huge"), "wb") as file:
        file.truncate(HUGE)
        file.seek((1 << 32) - len(HUGE_MIDDLE) // 2)
        file.write(HUGE_MIDDLE)
        file.seek(HUGE - len(HUGE_END))
        file.write(HUGE_END)
    os.utime(os.path.join(root, "huge"), (OLD, OLD))
    os.mkfifo(os.path.join(root, "fifo"))
    here = os.getcwd()
    os.chdir(root) # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("socket")
    os.chdir(here)
    try:
        os.mknod(os.path.join(root, "device"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pass # the kernel refuses it in a user namespace
    write(root, "unreadable", OUTSIDE)
    os.chmod(os.path.join(root, "unreadable"), 0)
    os.symlink("../outside.txt", os.path.join(root, "link-out"))
    os.symlink(os.path.abspath(os.path.join(root, "../outside.txt")), os.path.join(root, "link-absolute"))
    os.symlink("..", os.path.join(root, "folder-out"))
    os.symlink("/proc/self/root", os.path.join(root, "magic"))


def make(root):
    """All of it, into a folder that is not there yet."""
    parent, name = os.path.split(os.path.abspath(root))
    os.makedirs(root)
    write(parent, "outside.txt", OUTSIDE)
    write(parent, f"{name}-private/outside.txt", OUTSIDE)
    make_plain(root)
    make_names(root)
    make_codings(root)
    make_special(root)
