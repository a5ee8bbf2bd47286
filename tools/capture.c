/*
 * capture.c - `tapio capture`: what a running stack does with each packet, as pcapng.
 *
 * The octets are the stack's; this end cuts them into blocks, so that a file ends with a whole one
 * whatever happens to either side, and counts packets. A reader of ours that is slow makes us slow,
 * and the stack loses packets instead of time: each block says how many before it, and so do we at
 * the end.
 *
 * The end is polite: SIGINT or SIGTERM closes our half of the connection, the stack writes its
 * statistics and closes the other. Another signal ends at once, unless it comes together with the
 * first: a shell and timeout(1) may both pass on one Ctrl-C. A reader that takes nothing must not
 * keep us from hearing them: what is no file is written in pieces that do not block.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "control_client.h"
#include "options.h"
#include "os/os_env.h"
#include "os/os_signals.h"
#include "see/pcapng.h"
#include "verbs.h"

enum {
    BLOCK_PACKET = 6,
    BLOCK_STATISTICS = 5,
    PACKET_FIXED = 20, /* octets of it before the packet's own */
    OPTION_LOST = 4,
    BLOCK_HEAD = 8,
    BLOCK_MIN = 12,
    LAST_WAIT_MS = 5000,
    ROOM = 1048576, /* octets that are read at once: several blocks */
};

#define ONE_SIGNAL (500 * NS_PER_MS)

struct capture_verb {
    struct options options;
    const char *control, *file;
    uint64_t count, snap;
    bool quiet;

    struct control_client client;
    int out, signals;
    size_t piece;       /* octets that are written at once */
    bool stopping, cut; /* our half is closed; another signal has come */
    instant stopped_at;
    bool answered;
    uint64_t packets, lost;
    int statistics; /* blocks: one for each interface, and nothing follows them */
    size_t len;
    uint8_t block[ROOM];
};

/* --- the command line --------------------------------------------------------------------- */

static int take_control(void *context, const char *text, struct refusal *refusal)
{
    return control_path_take(&((struct capture_verb *)context)->control, text, refusal);
}

static int take_file(void *context, const char *text, struct refusal *refusal)
{
    if (!*text)
        return refuse(refusal, EXIT_USAGE, "-w needs the name of a file, or - for standard output");
    ((struct capture_verb *)context)->file = text;
    return 0;
}

static int take_count(void *context, const char *text, struct refusal *refusal)
{
    if (number_parse(text, 1, UINT64_C(1) << 53, &((struct capture_verb *)context)->count))
        return 0;
    return refuse(refusal, EXIT_USAGE, "-c %s: not a number of packets, from 1 on", text);
}

static int take_snap(void *context, const char *text, struct refusal *refusal)
{
    if (number_parse(text, 64, PCAPNG_SNAP_MAX, &((struct capture_verb *)context)->snap))
        return 0;
    return refuse(refusal, EXIT_USAGE, "-s %s: not a number of octets from 64 to %d", text,
                  PCAPNG_SNAP_MAX);
}

static int take_quiet(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct capture_verb *)context)->quiet = true;
    return 0;
}

/* clang-format off */
static const struct option_row rows[] = {
    {"control", 0,   "PATH",   "the stack's socket (default: that of the only one that runs)", take_control},
    {"write",   'w', "FILE|-", "where the capture goes; - is standard output",                 take_file},
    {"count",   'c', "N",      "end after so many packets",                                    take_count},
    {"snaplen", 's', "N",      "keep so many octets of each packet (default: all)",            take_snap},
    {"quiet",   'q', NULL,     "no count of packets at the end: only errors are told",         take_quiet},
};
/* clang-format on */

static const struct option_verb verb = {
    .name = "capture",
    .arguments = "",
    .help = "Records the packets of a running stack as annotated pcapng, until Ctrl-C:\n"
            "    tapio capture -w - | wireshark -k -i -",
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
    .alone = true,
};

/* --- blocks ------------------------------------------------------------------------------- */

static void hear_signals(struct capture_verb *capture)
{
    while (os_signals_read(capture->signals)) {
        instant now = os_now();
        if (capture->stopping) {
            capture->cut |= instant_since(now, capture->stopped_at) > ONE_SIGNAL;
            continue;
        }
        capture->stopping = true;
        capture->stopped_at = now;
        shutdown(capture->client.fd, SHUT_WR);
    }
}

/* Waits until a piece can be written without waiting, and for signals meanwhile: false when it is
 * no use any more. */
static bool may_write(struct capture_verb *capture)
{
    struct pollfd fds[] = {
        {.fd = capture->out, .events = POLLOUT},
        {.fd = capture->signals, .events = POLLIN},
    };

    while (!capture->cut) {
        int n = poll(fds, ARRAY_LEN(fds), capture->stopping ? LAST_WAIT_MS : -1);
        if (n == 0)
            return false;
        if (n > 0 && fds[1].revents)
            hear_signals(capture);
        if (n > 0 && fds[0].revents)
            return true;
    }
    return false;
}

static int write_all(struct capture_verb *capture, struct bytes octets, struct refusal *refusal)
{
    while (octets.len > 0) {
        if (!may_write(capture))
            return refuse(refusal, EXIT_FAILURE,
                          "-w %s: interrupted while its reader took nothing; the end is missing",
                          capture->file);
        ssize_t n = write(capture->out, octets.at, size_min(octets.len, capture->piece));
        if (n > 0)
            octets = bytes_skip(octets, (size_t)n);
        else if (n < 0 && errno == EPIPE)
            return refuse(refusal, EXIT_FAILURE, "%s", ""); /* who closes the pipe knows */
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return refuse(refusal, EXIT_FAILURE, "-w %s: %s; the packets before that are good",
                          capture->file, n == 0 ? "it takes no more" : strerror(errno));
    }
    return 0;
}

/* How many packets were lost before this one, by its options. */
static uint64_t lost_before(struct bytes block)
{
    struct reader r = reader_of(bytes_skip(block, BLOCK_HEAD));

    read_bytes(&r, PACKET_FIXED - 8);
    uint32_t len = read_le32(&r);
    read_le32(&r);
    read_bytes(&r, len + (-len & 3));
    while (!r.overrun) {
        uint16_t code = read_le16(&r), size = read_le16(&r);
        if (code == 0 || r.overrun)
            break;
        if (code == OPTION_LOST && size == 8) {
            uint32_t lower = read_le32(&r);
            return (uint64_t)read_le32(&r) << 32 | lower;
        }
        read_bytes(&r, size + (-size & 3u));
    }
    return 0;
}

static uint32_t le32_at(const uint8_t *at)
{
    struct reader r = reader_of(bytes_of(at, 4));
    return read_le32(&r);
}

/* Writes what is whole, and keeps the rest. */
static int take_blocks(struct capture_verb *capture, struct refusal *refusal)
{
    struct bytes rest = bytes_of(capture->block, capture->len);
    size_t whole = 0;

    while (rest.len >= BLOCK_HEAD) {
        uint32_t len = le32_at(rest.at + 4);
        if (len < BLOCK_MIN || len % 4 || len > PCAPNG_BLOCK_MAX)
            return refuse(refusal, EXIT_FAILURE, "%s: that is no capture", capture->client.path);
        if (len > rest.len)
            break;
        if (le32_at(rest.at) == BLOCK_PACKET) {
            capture->packets++;
            capture->lost += lost_before(bytes_first(rest, len));
        }
        capture->statistics += le32_at(rest.at) == BLOCK_STATISTICS;
        whole += len;
        rest = bytes_skip(rest, len);
    }
    int status = write_all(capture, bytes_of(capture->block, whole), refusal);
    memmove(capture->block, capture->block + whole, rest.len);
    capture->len = rest.len;
    return status;
}

/* --- the stream --------------------------------------------------------------------------- */

/* An error comes as a line of JSON instead of a section header. */
static int read_error(struct capture_verb *capture, struct refusal *refusal)
{
    json_error_t error;
    json_t *object =
        json_loadb((char *)capture->block, capture->len, JSON_DISABLE_EOF_CHECK, &error);
    const char *why = control_text(object, "error");

    int status = refuse(refusal, EXIT_FAILURE, "%s: %s", capture->client.path,
                        why ? why : "that is no capture");
    json_decref(object);
    return status;
}

/* More octets: 0. -1: that was all. */
static int read_some(struct capture_verb *capture, struct refusal *refusal)
{
    ssize_t n = read(capture->client.fd, capture->block + capture->len,
                     sizeof capture->block - capture->len);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n <= 0)
        return -1;
    capture->len += (size_t)n;
    if (!capture->answered && capture->block[0] == '{')
        return read_error(capture, refusal);
    capture->answered = true;
    return take_blocks(capture, refusal);
}

static int stream(struct capture_verb *capture, struct refusal *refusal)
{
    int status = 0;

    while (!status && !capture->cut) {
        struct pollfd fds[] = {
            {.fd = capture->client.fd, .events = POLLIN},
            {.fd = capture->signals, .events = POLLIN},
            {.fd = capture->out, .events = 0}, /* a reader that has gone */
        };
        int n =
            poll(fds, ARRAY_LEN(fds), capture->stopping || !capture->answered ? LAST_WAIT_MS : -1);
        if (n == 0) {
            errno = EAGAIN;
            return control_client_lost(&capture->client, refusal);
        }
        if (n < 0)
            continue;
        if (fds[1].revents)
            hear_signals(capture);
        if (fds[2].revents & POLLERR)
            return refuse(refusal, EXIT_FAILURE, "%s", "");
        if (fds[0].revents)
            status = read_some(capture, refusal);
    }
    if (status > 0)
        return status;
    if (capture->statistics == PCAPNG_INTERFACES)
        return 0;
    if (capture->cut)
        return refuse(refusal, EXIT_FAILURE, "interrupted; %" PRIu64 " packets are good",
                      capture->packets);
    return refuse(refusal, EXIT_FAILURE,
                  "the stack has ended; the %" PRIu64 " packets before that are good",
                  capture->packets);
}

static int open_file(struct capture_verb *capture, struct refusal *refusal)
{
    bool to_stdout = capture->file && strcmp(capture->file, "-") == 0;

    if (!capture->file)
        return refuse(refusal, EXIT_USAGE,
                      "capture needs -w FILE, or -w - for standard output; try 'tapio capture "
                      "--help'");
    if (to_stdout && isatty(STDOUT_FILENO))
        return refuse(refusal, EXIT_USAGE,
                      "-w -: standard output is a terminal; redirect it, or name a file");
    capture->out =
        to_stdout ? STDOUT_FILENO
                  : open(capture->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (capture->out < 0)
        return refuse(refusal, EXIT_FAILURE, "-w %s: %s", capture->file, strerror(errno));
    struct stat st;
    bool is_file = fstat(capture->out, &st) == 0 && S_ISREG(st.st_mode);
    capture->piece = is_file ? ROOM : PIPE_BUF; /* which a pipe that is ready takes whole */
    return 0;
}

static int ask(struct capture_verb *capture, struct refusal *refusal)
{
    json_t *request = json_pack("{s:i, s:s}", "schema", 1, "verb", "capture");

    if (capture->count)
        json_object_set_new(request, "count", json_integer((json_int_t)capture->count));
    if (capture->snap)
        json_object_set_new(request, "snap_octets", json_integer((json_int_t)capture->snap));
    return control_client_ask(&capture->client, request, refusal);
}

static int run(struct capture_verb *capture, struct refusal *refusal)
{
    int status = control_client_open(&capture->client, capture->control, refusal);

    if (!status)
        status = open_file(capture, refusal); /* not before there is something to write */
    if (!status) {
        capture->signals = os_signals_open();
        if (capture->signals < 0)
            status = refuse(refusal, EXIT_FAILURE, "cannot wait for signals: %s",
                            strerror(-capture->signals));
    }
    if (!status)
        status = ask(capture, refusal);
    if (!status)
        status = stream(capture, refusal);
    if (capture->answered && !capture->quiet && (!status || *refusal->text)) {
        fprintf(stderr, "%" PRIu64 " packets captured\n", capture->packets);
        if (capture->lost > 0)
            fprintf(stderr, "%" PRIu64 " packets lost, for the reader was slow\n", capture->lost);
    }
    if (capture->out > STDERR_FILENO && close(capture->out) != 0 && !status)
        status = refuse(refusal, EXIT_FAILURE, "-w %s: %s", capture->file, strerror(errno));
    control_client_close(&capture->client);
    if (capture->signals >= 0)
        os_signals_close(capture->signals);
    return status;
}

int verb_capture(int argc, char **argv)
{
    static struct capture_verb capture; /* not on the stack: it holds a block */
    struct refusal refusal;
    enum options_wish wish;
    int first;

    capture = (struct capture_verb){.out = -1, .signals = -1, .client.fd = -1};
    int status =
        options_read(&capture.options, &verb, &capture, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = capture.file ? 0 : open_file(&capture, &refusal);
    if (!status)
        status = run(&capture, &refusal);
    return status && *refusal.text ? say_refusal(&refusal) : status;
}
