/*
 * http_page.c - pages that come with the program.
 *
 * What `tapio serve` shows when it was given no directory: what this is, and what to try next. One
 * file without a script, a font or a picture from elsewhere, so that the capture of its journey is
 * short enough to read.
 */
#include "http/http_page.h"

/* clang-format off */
static const char front[] =
"<!doctype html>\n"
"<html lang=\"en\">\n"
"<meta charset=\"utf-8\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<title>tapio: the stack you can see through</title>\n"
"<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'"
"%3E%3Cpath d='M1 2h7M1 4.5h7M1 7h7' stroke='%230a7' stroke-width='1.4'/%3E%3C/svg%3E\">\n"
"<style>\n"
":root{color-scheme:light dark;--ink:#12211c;--dim:#5b6b65;--paper:#fbfaf6;--line:#d8ddd6;--green:#087f5b}\n"
"@media(prefers-color-scheme:dark){:root{--ink:#e8eee9;--dim:#93a39b;--paper:#101815;--line:#2b3833;--green:#4fd1a5}}\n"
"body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.6 system-ui,sans-serif}\n"
"main{max-width:42rem;margin:0 auto;padding:4rem 1.25rem}\n"
"h1{font-size:2.6rem;line-height:1.15;letter-spacing:-.02em;margin:0 0 1rem}\n"
"h1 em{font-style:normal;color:var(--green)}\n"
"h2{font-size:1rem;margin:2.5rem 0 .75rem;color:var(--dim);font-weight:600}\n"
"ol{list-style:none;margin:0;padding:0;border:1px solid var(--line);border-radius:10px;overflow:hidden}\n"
"li{display:flex;gap:1rem;padding:.55rem 1rem}li+li{border-top:1px solid var(--line)}\n"
"b{flex:0 0 6.5rem;color:var(--green);font:600 .92rem/1.75 ui-monospace,monospace}\n"
"pre{margin:0;padding:.9rem 1rem;border:1px solid var(--line);border-radius:10px;overflow:auto;"
"font:.9rem/1.7 ui-monospace,monospace}\n"
"footer{margin-top:3rem;color:var(--dim);font-size:.9rem}\n"
"</style>\n"
"<main>\n"
"<h1>This page came through <em>a TCP/IP stack in userspace</em>.</h1>\n"
"<p>No socket of the kernel carried it. Raw Ethernet frames went in and out of a TAP device, and a\n"
"program called tapio did everything else: ARP, IP, ICMP, TCP and HTTP, in C that follows the\n"
"RFCs. Every packet of it can explain itself.</p>\n"
"<h2>What happened just now</h2>\n"
"<ol>\n"
"<li><b>ARP</b><span>You asked who has this address; a made-up Ethernet station answered.</span>\n"
"<li><b>TCP</b><span>SYN, SYN-ACK, ACK: both sides agreed where to start counting.</span>\n"
"<li><b>HTTP</b><span>Your request became octets 1 and following of a byte stream.</span>\n"
"<li><b>IP</b><span>This page left in packets, each with a checksum of its own.</span>\n"
"<li><b>TCP</b><span>You acknowledged them, and the clock of the connection ticked on.</span>\n"
"</ol>\n"
"<h2>See it</h2>\n"
"<pre>tapio serve --capture page.pcapng     # record while you reload\n"
"wireshark page.pcapng                 # a comment on every packet\n"
"curl http://this-address/hello.txt    # something smaller\n"
"tapio serve --root DIR                # your own files</pre>\n"
"<footer>A packet that is dropped has a name; a decision has a reason.</footer>\n"
"</main>\n"
"</html>\n";

static const char hello[] = "Hello from a TCP/IP stack in userspace.\n";
/* clang-format on */

#define PAGE(octets)                                                                               \
    {                                                                                              \
        (const uint8_t *)(octets), sizeof(octets) - 1                                              \
    }

const struct http_page http_built_in_pages[] = {
    {".", "text/html; charset=utf-8", PAGE(front)},
    {"hello.txt", "text/plain; charset=utf-8", PAGE(hello)},
};
const size_t http_built_in_page_count = ARRAY_LEN(http_built_in_pages);
