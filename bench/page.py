"""page.py - tables that programs write into pages that people write: what is between two marks."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def marks(name):
    return f"<!-- {name}: made by scripts/bench {name.split()[0]} --write -->\n", f"<!-- end of {name} -->\n"


def write(path, name, text):
    """Puts `text` between the marks of `name` in the page at `path`, below the root."""
    begin, end = marks(name)
    page = (ROOT / path).read_text()
    at, until = page.find(begin), page.find(end)
    if at < 0 or until < 0:
        raise SystemExit(f"bench: {path} has no place for {name}")
    (ROOT / path).write_text(page[:at] + begin + text + page[until:])
