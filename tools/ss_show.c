/*
 * ss_show.c - see ss_show.h.
 *
 * The order and the words are those of iproute2's `ss -tino`, with its units: windows in segments,
 * times in milliseconds, rates in bits a second. Behind them come two of our own: `limited_by:`,
 * what keeps the connection from sending more, and `cwnd_change:`, why cwnd last changed other than
 * by growing. Widths are fixed, as lines are shown as they come.
 */
#include "ss_show.h"

#include <inttypes.h>
#include <string.h>

#include "base/base.h"
#include "control_client.h"

/* ours, ss's */
static const char *const state_words[][2] = {
    {"ESTABLISHED", "ESTAB"}, {"SYN-RECEIVED", "SYN-RECV"}, {"CLOSED", "UNCONN"}};
static const char *const timer_words[][2] = {
    {"retransmit", "on"}, {"keep-alive", "keepalive"}, {"time-wait", "timewait"}};

static const char *translate(const char *const words[][2], size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i][0], word) == 0)
            return words[i][1];
    return word;
}

const char *ss_state(const json_t *one)
{
    const char *state = control_text(one, "state");

    return state ? translate(state_words, ARRAY_LEN(state_words), state) : "?";
}

void ss_show_head(const struct ss_style *style, FILE *out)
{
    if (style->protocol)
        fprintf(out, "%-6s", "Netid");
    fprintf(out, "%-10s %-7s %-7s %-25s %-25s\n", "State", "Recv-Q", "Send-Q", "Local Address:Port",
            "Peer Address:Port");
}

/* --- figures ------------------------------------------------------------------------------ */

static void end_of(const json_t *one, const char *addr_key, const char *port_key, char *out,
                   size_t room)
{
    const char *addr = control_text(one, addr_key);
    uint64_t port = control_number(one, port_key, 0);
    const char *open = addr && strchr(addr, ':') ? "[" : "", *close = *open ? "]" : "";

    if (!addr || strcmp(addr, "::") == 0)
        addr = "*", open = close = "";
    if (port)
        snprintf(out, room, "%s%s%s:%" PRIu64, open, addr, close, port);
    else
        snprintf(out, room, "%s%s%s:*", open, addr, close);
}

static bool has(const json_t *one, const char *key)
{
    return json_object_get(one, key) != NULL;
}

static uint64_t get(const json_t *one, const char *key)
{
    return control_number(one, key, 0);
}

static bool flag(const json_t *one, const char *name)
{
    size_t i;
    json_t *value;

    json_array_foreach(json_object_get(one, "flags"), i, value)
    {
        if (json_is_string(value) && strcmp(json_string_value(value), name) == 0)
            return true;
    }
    return false;
}

/* " label:N", unless it is unknown or, with `zero` false, zero. */
static void figure(const json_t *one, const char *label, const char *key, bool zero, FILE *out)
{
    if (has(one, key) && (zero || get(one, key) > 0))
        fprintf(out, " %s:%" PRIu64, label, get(one, key));
}

/* Microseconds as milliseconds, without zeros behind: "0.412", "204". */
static void print_ms(uint64_t us, FILE *out)
{
    unsigned rest = (unsigned)(us % 1000);

    fprintf(out, "%" PRIu64, us / 1000);
    if (rest % 10)
        fprintf(out, ".%03u", rest);
    else if (rest % 100)
        fprintf(out, ".%02u", rest / 10);
    else if (rest)
        fprintf(out, ".%u", rest / 100);
}

static void time_of(const json_t *one, const char *label, const char *key, FILE *out)
{
    if (!has(one, key))
        return;
    fprintf(out, " %s:", label);
    print_ms(get(one, key), out);
}

/* Octets as segments, rounded up. */
static void segments(const json_t *one, const char *label, const char *key, bool zero, FILE *out)
{
    uint64_t mss = get(one, "mss_octets"), octets = get(one, key);

    if (!has(one, key) || mss == 0 || (!zero && octets == 0))
        return;
    fprintf(out, " %s:%" PRIu64, label, octets / mss + (octets % mss > 0));
}

/* --- parts -------------------------------------------------------------------------------- */

static void show_timers(const json_t *one, FILE *out)
{
    size_t i;
    json_t *timer;

    json_array_foreach(json_object_get(one, "timers"), i, timer)
    {
        const char *name = control_text(timer, "timer");
        if (!name)
            continue;
        fprintf(out, " timer:(%s,", translate(timer_words, ARRAY_LEN(timer_words), name));
        print_ms(get(timer, "in_us") / 1000 * 1000, out);
        fprintf(out, "ms,%" PRIu64 ")", get(one, "retransmits"));
    }
}

static void show_options(const json_t *one, FILE *out)
{
    static const char *const words[][2] = {
        {"ts", "ts"}, {"sack", "sack"}, {"ecn", "ecn"}, {"ecn_seen", "ecnseen"}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (flag(one, words[i][0]))
            fprintf(out, " %s", words[i][1]);
    if (control_text(one, "congestion_control"))
        fprintf(out, " %s", control_text(one, "congestion_control"));
    if (flag(one, "wscale"))
        fprintf(out, " wscale:%" PRIu64 ",%" PRIu64, get(one, "snd_wscale"),
                get(one, "rcv_wscale"));
}

static void show_path(const json_t *one, FILE *out)
{
    time_of(one, "rto", "rto_us", out);
    figure(one, "backoff", "backoff", false, out);
    time_of(one, "rtt", "rtt_us", out);
    if (has(one, "rttvar_us")) {
        fputc('/', out);
        print_ms(get(one, "rttvar_us"), out);
    }
    time_of(one, "ato", "ato_us", out);
    figure(one, "mss", "mss_octets", true, out);
    figure(one, "pmtu", "pmtu_octets", true, out);
    figure(one, "rcvmss", "rcv_mss_octets", true, out);
    figure(one, "advmss", "adv_mss_octets", true, out);
    segments(one, "cwnd", "cwnd_octets", true, out);
    segments(one, "ssthresh", "ssthresh_octets", true, out);
}

static void show_counts(const json_t *one, FILE *out)
{
    figure(one, "bytes_sent", "sent_octets", false, out);
    figure(one, "bytes_retrans", "retransmitted_octets", false, out);
    figure(one, "bytes_acked", "acked_octets", false, out);
    figure(one, "bytes_received", "received_octets", false, out);
    figure(one, "segs_out", "segments_out", false, out);
    figure(one, "segs_in", "segments_in", false, out);
    figure(one, "data_segs_out", "data_segments_out", false, out);
    figure(one, "data_segs_in", "data_segments_in", false, out);
}

static void show_rates(const json_t *one, FILE *out)
{
    uint64_t rtt = get(one, "rtt_us"), bits;

    if (rtt > 0 && !__builtin_mul_overflow(get(one, "cwnd_octets"), UINT64_C(8000000), &bits))
        fprintf(out, " send %" PRIu64 "bps", bits / rtt);
    figure(one, "lastsnd", "last_sent_ms", true, out);
    figure(one, "lastrcv", "last_received_ms", true, out);
    figure(one, "lastack", "last_heard_ms", true, out);
    if (has(one, "pacing_octets_per_s"))
        fprintf(out, " pacing_rate %" PRIu64 "bps", get(one, "pacing_octets_per_s") * 8);
    figure(one, "delivered", "delivered_segments", false, out);
    const char *limit = control_text(one, "limited_by");
    if (limit && strcmp(limit, "application") == 0)
        fprintf(out, " app_limited");
}

static void show_flight(const json_t *one, FILE *out)
{
    segments(one, "unacked", "unacked_octets", false, out);
    if (get(one, "retransmitted_segments") > 0)
        fprintf(out, " retrans:%" PRIu64 "/%" PRIu64, get(one, "retransmits"),
                get(one, "retransmitted_segments"));
    segments(one, "lost", "lost_octets", false, out);
    segments(one, "sacked", "sacked_octets", false, out);
    time_of(one, "reo_wnd", "reordering_window_us", out);
    figure(one, "rcv_space", "recv_buffer_octets", true, out);
    figure(one, "notsent", "unsent_octets", false, out);
    time_of(one, "minrtt", "min_rtt_us", out);
    figure(one, "rcv_ooopack", "early_segments", false, out);
    figure(one, "snd_wnd", "snd_wnd_octets", true, out);
    figure(one, "rcv_wnd", "rcv_wnd_octets", true, out);
}

/* What ss has no words for. */
static void show_reasons(const json_t *one, FILE *out)
{
    const json_t *change = json_object_get(one, "cwnd_change");
    const char *phase = control_text(one, "phase");

    figure(one, "id", "conn", true, out);
    if (phase && strcmp(phase, "open") != 0)
        fprintf(out, " phase:%s", phase);
    if (control_text(one, "limited_by"))
        fprintf(out, " limited_by:%s", control_text(one, "limited_by"));
    if (control_text(change, "cause"))
        fprintf(out, " cwnd_change:\"%s\" %" PRIu64 "ms ago", control_text(change, "cause"),
                get(change, "ago_ms"));
}

void ss_show(const json_t *one, const struct ss_style *style, FILE *out)
{
    const char *protocol = control_text(one, "protocol");
    char local[80], remote[80];

    end_of(one, "local_addr", "local_port", local, sizeof local);
    end_of(one, "remote_addr", "remote_port", remote, sizeof remote);
    if (style->protocol)
        fprintf(out, "%-6s", protocol ? protocol : "?");
    fprintf(out, "%-10s %-7" PRIu64 " %-7" PRIu64 " %-25s %-25s", ss_state(one),
            get(one, "recv_q_octets"), get(one, "send_q_octets"), local, remote);
    if (style->timers)
        show_timers(one, out);
    fputc('\n', out);
    const char *type = control_text(one, "type");
    if (!style->details || !type || (strcmp(type, "connection") != 0 && !has(one, "mss_octets")))
        return;
    fputc('\t', out);
    show_options(one, out);
    show_path(one, out);
    show_counts(one, out);
    show_rates(one, out);
    show_flight(one, out);
    show_reasons(one, out);
    fputc('\n', out);
}
