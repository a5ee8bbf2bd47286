"""files.py - rules of dates, ranges and conditions (RFC 9110, 5.6.7, 13 and 14)."""
import email.utils
import os
import time

from probe.site import HUGE, HUGE_END, HUGE_MIDDLE, OLD
from probe.talk import brief, expect, imf, rule, seconds_of

LENGTH = 100 # of the file "hundred"
OTHER_TAG = '"of-another-file"'


def asctime(seconds):
    """The form of date that ANSI C has (RFC 9110, 5.6.7)."""
    then = time.gmtime(seconds)
    return time.strftime("%a %b ", then) + f"{then.tm_mday:2} " + time.strftime("%H:%M:%S %Y", then)


def rfc850(seconds):
    """The form of date with a year of two digits."""
    return time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(seconds))


# --- dates ----------------------------------------------------------------------------------

@rule("dates: Date is there in its one form, and is the clock's", "RFC9110-6.6.1-a", "RFC9110-5.6.7-a")
def date_everywhere(place):
    for target, fields, status in (("/small.txt", (), 200), ("/not-there", (), 404),
                                   ("/small.txt", ("If-None-Match: *",), 304), ("/folder", (), 301),
                                   ("/hundred", ("Range: bytes=0-0",), 206), ("/%zz", (), 400),
                                   ("/hundred", ("If-Match: \"x\"",), 412)):
        response = place.get(target, *fields) # which looks at Date itself
        expect(response.status == status, f"{target} {fields}: {response}")


@rule("dates: Last-Modified is the file's time", "RFC9110-5.6.7-a")
def last_modified(place):
    for method in ("GET", "HEAD"):
        value = place.get("/small.txt", method=method).get("Last-Modified")
        expect(value == imf(OLD), f"{method}: Last-Modified: {value}, not {imf(OLD)}")


@rule("dates: Last-Modified is never later than Date", "RFC9110-6.6.1-a")
def never_in_the_future(place):
    response = place.get("/future")
    value = response.get("Last-Modified")
    expect(response.status == 200, f"{response}")
    expect(value is None or seconds_of(value) <= seconds_of(response.get("Date")),
           f"Last-Modified: {value} (RFC 9110, 8.8.2.1)")


# --- ranges (RFC 9110, 14) ------------------------------------------------------------------

def part(place, value, first, last, target="/hundred", *fields):
    """A range that is a part: 206, exactly these octets, and what 200 would have told."""
    response = place.get(target, f"Range: {value}", *fields)
    expect(response.status == 206, f"{value}: {response}")
    length = os.path.getsize(f"{place.root}{target}")
    wanted = f"bytes {first}-{last}/{length}"
    expect(response.get("Content-Range") == wanted,
           f"{value}: Content-Range: {response.get('Content-Range')}, not {wanted}")
    expect(len(response.content) == last - first + 1, f"{value}: {len(response.content)} octets")
    if length < 1 << 20:
        expect(response.content == place.file(target[1:])[first:last + 1], f"{value}: other octets")
    return response


def whole(place, *fields, method="GET"):
    """All of the hundred octets, by 200."""
    response = place.get("/hundred", *fields, method=method)
    expect(response.status == 200, f"{', '.join(fields)}: {response}")
    expect(response.length() == LENGTH and response.get("Content-Range") is None, f"{', '.join(fields)}: not the whole")
    if method == "GET":
        expect(response.content == place.file("hundred"), f"{', '.join(fields)}: other octets")


@rule("ranges: one range is 206 with exactly its octets", "RFC9110-14.2-a")
def one_range(place):
    for value, first, last in (("bytes=0-0", 0, 0), ("bytes=-1", 99, 99), ("bytes=5-", 5, 99), ("bytes=0-9999", 0, 99),
                               ("bytes=99-99", 99, 99),
                               ("bytes=99-", 99, 99), ("bytes=-1000", 0, 99), ("bytes=-100", 0, 99),
                               ("bytes=0-99", 0, 99), ("bytes=10-19", 10, 19),
                               ("bytes=0-100", 0, 99), ("bytes=010-019", 10, 19)):
        part(place, value, first, last)


@rule("ranges: 206 tells what 200 would have told", "RFC9110-14.2-a")
def fields_of_206(place):
    full, partial = place.get("/hundred"), place.get("/hundred", "Range: bytes=1-2")
    expect((full.status, partial.status) == (200, 206), f"{full} and {partial}")
    for name in ("ETag", "Last-Modified", "Cache-Control", "Vary", "Content-Location", "Content-Type"):
        expect(full.get(name) == partial.get(name),
               f"{name}: {full.get(name)} of 200, {partial.get(name)} of 206 (RFC 9110, 15.3.7)")


@rule("ranges: beyond the end is 416 with the length", "RFC9110-15.5.17-a", "W08")
def beyond(place):
    for value in ("bytes=100-", "bytes=100-200", "bytes=999999-", "bytes=-0", "bytes=18446744073709551615-"):
        response = place.get("/hundred", f"Range: {value}")
        expect(response.status == 416, f"{value}: {response}")
        expect(response.get("Content-Range") == "bytes */100",
               f"{value}: Content-Range: {response.get('Content-Range')}")


@rule("ranges: numbers do not overflow", "RFC9110-14.2-a", "W08")
def overflow(place):
    for value in ("bytes=0-18446744073709551615", "bytes=0-18446744073709551616", "bytes=0-9223372036854775808",
                  "bytes=0-" + "9" * 100,
                  "bytes=-9223372036854775808", "bytes=-18446744073709551516", "bytes=-" + "9" * 100):
        response = place.get("/hundred", f"Range: {value}")
        expect(response.status in (200, 206, 416), f"{brief(value.encode())}: {response}")
        if response.status != 416:
            expect(response.content == place.file("hundred"),
                   f"{brief(value.encode())}: not the whole: {response.get('Content-Range')}")
    for value in ("bytes=18446744073709551616-", "bytes=18446744073709551621-18446744073709551625",
                  "bytes=4294967296-4294967300"):
        response = place.get("/hundred", f"Range: {value}")
        expect(response.status == 416 or response.status == 200 and len(response.content) == LENGTH,
               f"{value}: {response}")


@rule("ranges: what is no valid range is ignored or refused", "RFC9110-14.2-a", "W08")
def invalid_ranges(place):
    for value in ("bytes=abc", "bytes=9-1", "bytes=", "bytes=-", "bytes=--1", "bytes=1", "bytes=1-2x", "bytes=0x1-5",
                  "bytes=+1-5"):
        response = place.get("/hundred", f"Range: {value}")
        expect(response.status in (200, 400, 416), f"{value}: {response}")


@rule("ranges: what is no valid range is ignored", "RFC9110-14.2-a", "W08", own=True)
def ignored_ranges(place):
    for value in ("bytes=abc", "bytes=9-1", "bytes=", "bytes=-", "bytes=1", "bytes=1-2x", "bytes=+1-5",
                  "bytes=1 -5", "bytes"):
        whole(place, f"Range: {value}")


@rule("ranges: a unit that is not known is ignored", "RFC9110-14.2-a")
def other_units(place):
    for value in ("lines=0-0", "octets=0-0", "none=0-0", "byte=0-0"):
        whole(place, f"Range: {value}")


@rule("ranges: several at once are never more than the file and their framing", "RFC9110-14.1.1-a", "W08")
def many_ranges(place):
    for value in ("bytes=" + ",".join(["0-"] * 1000),
                  "bytes=" + ",".join(f"{number}-{number + 5}" for number in range(90)) * 3,
                  "bytes=" + ",".join(["-99"] * 200)):
        response = place.get("/hundred", f"Range: {value}")
        expect(response.status in (200, 206, 416), f"{brief(value.encode())}: {response}")
        expect(len(response.content) < 100 * LENGTH,
               f"{brief(value.encode())}: {len(response.content)} octets of a file of 100")


@rule("ranges: several at once are the whole file", "RFC9110-14.1.1-a", "W08", own=True)
def several_ranges(place):
    for value in ("bytes=0-0,5-9", "bytes=0-0, -1", "bytes=0-50,40-99"):
        whole(place, f"Range: {value}")


@rule("ranges: HEAD has none", "RFC9110-14.2-a")
def range_of_head(place):
    whole(place, "Range: bytes=0-0", method="HEAD")
    whole(place, "Range: bytes=200-", method="HEAD")


@rule("ranges: of what is not there it is 404 all the same", "RFC9110-14.2-a")
def range_of_nothing(place):
    expect(place.get("/not-there", "Range: bytes=0-0").status == 404, "no 404")


@rule("ranges: of an empty file nothing is a part", "RFC9110-15.5.17-a", "W07")
def range_of_empty(place):
    response = place.get("/empty", "Range: bytes=0-")
    expect(response.status == 200 or response.get("Content-Range") == "bytes */0", f"{response}")
    expect(response.status != 206, f"{response}: {response.get('Content-Range')}")


@rule("ranges: at the end of a file of more than 4 GiB, and across that edge", "RFC9110-14.2-a", "W07")
def huge_ranges(place):
    expect(place.get("/huge", method="HEAD").length() == HUGE, "HEAD tells another length")
    expect(part(place, "bytes=-100", HUGE - 100, HUGE - 1, "/huge").content == HUGE_END, "other octets at the end")
    expect(part(place, f"bytes={HUGE - 100}-", HUGE - 100, HUGE - 1, "/huge").content == HUGE_END,
           "other octets at the end")
    first = (1 << 32) - len(HUGE_MIDDLE) // 2
    response = part(place, f"bytes={first}-{first + len(HUGE_MIDDLE) - 1}", first, first + len(HUGE_MIDDLE) - 1,
                    "/huge")
    expect(response.content == HUGE_MIDDLE, "other octets at the edge")


@rule("ranges: If-Range with the strong tag, or the exact date, gives the part", "RFC9110-13.1.5-a")
def if_range_true(place):
    tag = place.get("/hundred").get("ETag")
    expect(tag and not tag.startswith("W/"), f"ETag: {tag}")
    part(place, "bytes=0-0", 0, 0, "/hundred", f"If-Range: {tag}")
    part(place, "bytes=0-0", 0, 0, "/hundred", f"If-Range: {imf(OLD)}")


@rule("ranges: If-Range with anything else gives the whole", "RFC9110-13.1.5-a")
def if_range_false(place):
    tag = place.get("/hundred").get("ETag")
    for value in (OTHER_TAG, f"W/{tag}", imf(OLD - 1), imf(OLD + 1), "garbage", f"{tag}, {OTHER_TAG}", "*"):
        whole(place, "Range: bytes=0-0", f"If-Range: {value}")
    whole(place, "Range: bytes=200-", f"If-Range: {OTHER_TAG}")
    whole(place, f"If-Range: {OTHER_TAG}")


# --- conditions (RFC 9110, 13) --------------------------------------------------------------

def tag_of(place, target):
    """The entity tag, which must be there."""
    response = place.get(target)
    tag = response.get("ETag")
    expect(response.status == 200 and tag, f"{target}: {response}, ETag: {tag}")
    return tag


def each(place, rows, target="/hundred", method="GET"):
    """Rows of header fields and the status that they lead to; all that differ are told."""
    seen = []
    for *fields, status in rows:
        response = place.get(target, *fields, method=method)
        if response.status != status:
            seen.append(f"{', '.join(fields)}: {response}, not {status}")
        elif status == 304 and response.get("ETag") != tag_of(place, target):
            seen.append(f"{', '.join(fields)}: 304 without the ETag (RFC 9110, 15.4.5)")
    expect(not seen, f"{len(seen)} of {len(rows)}: " + " | ".join(seen))


@rule("conditions: an ETag is quoted, strong, and stays", "RFC9110-8.8.3-a")
def tag_stays(place):
    tags = {tag_of(place, "/small.txt") for _ in range(3)} | {place.get("/small.txt", method="HEAD").get("ETag")}
    expect(len(tags) == 1, f"{tags}")
    tag = tags.pop()
    expect(tag[0] == tag[-1] == '"' and '"' not in tag[1:-1] and len(tag) > 2, f"ETag: {tag}")
    expect(tag != tag_of(place, "/hundred"), "two files have one tag")


def rewrite(place, octets, when):
    """The changing file, in place."""
    with open(f"{place.root}/changing.txt", "wb") as file:
        file.write(octets)
    if when:
        os.utime(f"{place.root}/changing.txt", (when, when))


@rule("conditions: an ETag changes with the file", "RFC9110-8.8.3-a")
def tag_changes(place):
    tags = []
    for octets, when in ((b"one", OLD), (b"two", OLD + 1), (b"three", OLD + 1), (b"four", OLD - 10**8)):
        rewrite(place, octets, when)
        response = place.get("/changing.txt")
        expect(response.content == octets, f"stale: {brief(response.content)}")
        tags.append(response.get("ETag"))
    expect(len(set(tags)) == 4, f"{tags}")


@rule("conditions: a strong ETag changes even within a second and without a change of length", "RFC9110-8.8.3-a",
      own=True)
def tag_changes_fast(place):
    tags = []
    for octets in (b"one", b"two", b"six", b"ten"):
        rewrite(place, octets, None)
        response = place.get("/changing.txt")
        expect(response.content == octets, f"stale: {brief(response.content)}")
        tags.append(response.get("ETag"))
        time.sleep(0.02) # the clock of files ticks each 4 to 10 ms
    expect(len(set(tags)) == 4 or all(tag.startswith("W/") for tag in tags), f"{tags}")


@rule("conditions: If-None-Match with the tag, a list, weak or * is 304", "RFC9110-13.1.2-a", "RFC9112-6.1-d")
def if_none_match(place):
    tag = tag_of(place, "/hundred")
    rows = [(f"If-None-Match: {value}", 304) for value in (tag, f"W/{tag}", f"{OTHER_TAG}, {tag}",
                                                           f"{OTHER_TAG},W/{tag}", f'"a,b", "", {tag}', "*",
                                                           f"{tag} , {OTHER_TAG}", f"{OTHER_TAG} ,, {tag}")]
    rows.append((f"If-None-Match: {OTHER_TAG}", f"If-None-Match: {tag}", 304))
    each(place, rows)
    each(place, rows, method="HEAD")


@rule("conditions: If-None-Match with other tags is 200", "RFC9110-13.1.2-a")
def if_none_match_other(place):
    tag = tag_of(place, "/hundred")
    each(place, [(f"If-None-Match: {value}", 200) for value in (OTHER_TAG, f"W/{OTHER_TAG}", f'"{tag[1:-1]}x"',
                                                                f'"x{tag[1:-1]}"', f'"a,{tag[1:-1]},b"', '""')])
    expect(place.get("/not-there", "If-None-Match: *").status == 404, "404 is no longer 404")


@rule("conditions: If-Match holds with the strong tag, a list with it, or *", "RFC9110-13.1.1-a")
def if_match(place):
    tag = tag_of(place, "/hundred")
    each(place, [(f"If-Match: {value}", 200) for value in (tag, "*", f"{OTHER_TAG}, {tag}")])


@rule("conditions: If-Match with another tag, or a weak one, is 412", "RFC9110-13.1.1-a")
def if_match_other(place):
    tag = tag_of(place, "/hundred")
    for method in ("GET", "HEAD"):
        each(place, [(f"If-Match: {value}", 412) for value in (OTHER_TAG, f"W/{tag}", f"{OTHER_TAG}, W/{tag}", '""')],
             method=method)


@rule("conditions: If-Modified-Since with the file's date or a later one is 304", "RFC9110-13.1.3-a")
def if_modified_since(place):
    each(place, [(f"If-Modified-Since: {imf(when)}", 304) for when in (OLD, OLD + 1, OLD + 10**8)])
    each(place, [(f"If-Modified-Since: {imf(when)}", 200) for when in (OLD - 1, OLD - 10**8, 0)])


@rule("conditions: If-Modified-Since takes the three forms of date", "RFC9110-5.6.7-a", "RFC9110-13.1.3-a")
def forms_of_dates(place):
    for form in (imf, rfc850, asctime):
        each(place, [(f"If-Modified-Since: {form(OLD)}", 304), (f"If-Modified-Since: {form(OLD - 1)}", 200)])


@rule("conditions: If-Modified-Since that is no date is ignored", "RFC9110-13.1.3-a")
def no_dates(place):
    each(place, [(f"If-Modified-Since: {value}", 200) for value in ("garbage", "0", "1000000000", "Sun, 09 Sep 2031",
                                                                    "Sun, 32 Sep 2031 01:46:40 GMT", "*",
                                                                    "Sun, 09 Foo 2031 01:46:40 GMT",
                                                                    "Sun, 09 Sep 2031 25:00:00 GMT", OTHER_TAG)])


@rule("conditions: If-Unmodified-Since is 412 when the file is newer", "RFC9110-13.2.2-a")
def if_unmodified_since(place):
    each(place, [(f"If-Unmodified-Since: {imf(when)}", status) for when, status in ((OLD, 200), (OLD + 1, 200),
                                                                                    (OLD - 1, 412), (0, 412))]
         + [("If-Unmodified-Since: garbage", 200)])


@rule("conditions: they are judged in their one order", "RFC9110-13.2.2-a")
def order(place):
    tag = tag_of(place, "/hundred")
    match, no_match = f"If-Match: {tag}", f"If-Match: {OTHER_TAG}"
    none, not_none = f"If-None-Match: {OTHER_TAG}", f"If-None-Match: {tag}"
    since, old = f"If-Modified-Since: {imf(OLD)}", f"If-Modified-Since: {imf(OLD - 1)}"
    unmodified, modified = f"If-Unmodified-Since: {imf(OLD)}", f"If-Unmodified-Since: {imf(OLD - 1)}"
    first, beyond_end = "Range: bytes=0-0", "Range: bytes=100-"
    each(place, [(no_match, not_none, 412), (match, not_none, 304), (match, modified, 200), (no_match, unmodified, 412),
                 (modified, not_none, 412),
                 (unmodified, not_none, 304), (modified, since, 412), (none, since, 200), (not_none, old, 304),
                 (not_none, since, 304), (match, none, 200),
                 (match, since, 304), (match, none, first, 206), (not_none, first, 304), (no_match, first, 412),
                 (modified, first, 412),
                 (match, first, f"If-Range: {OTHER_TAG}", 200), (unmodified, first, f"If-Range: {tag}", 206),
                 (none, since, first, 206),
                 (since, first, 304), (not_none, beyond_end, 304), (match, beyond_end, 416),
                 (no_match, beyond_end, 412)])
    each(place, [(no_match, not_none, 412), (match, not_none, 304), (none, since, 200), (modified, since, 412)],
         method="HEAD")


@rule("conditions: of what would be no 2xx they are ignored", "RFC9110-13.2.2-a", "RFC9110-13.1.3-a")
def without_success(place):
    for fields in (("If-None-Match: *",), (f"If-Modified-Since: {imf(OLD)}",), (f"If-Match: {OTHER_TAG}",)):
        response = place.get("/small.txt", "Content-Length: 0", *fields, method="POST")
        expect(response.status in (405, 412), f"POST with {fields[0]}: {response}")
    expect(place.get("/not-there", f"If-Modified-Since: {imf(OLD)}").status == 404, "404 is no longer 404")
