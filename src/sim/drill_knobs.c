/*
 * drill_knobs.c - what a sysctl of Linux or FreeBSD does here.
 *
 * One table, searched by name. A row sets one of our values, or is harmless: what it governs is not
 * visible in what we have, and the row says why. A setting that is in no row, or has a value that
 * its row does not list, makes the script a skip: to play on as if it had been set would be a lie.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "sim/drill_run.h"

enum form {
    PLAIN,     /* the number as it stands */
    MILLIS,    /* milliseconds */
    MICROS,    /* microseconds */
    SECONDS,   /* seconds */
    RENO,      /* a word; "reno" is our newreno */
    ON,        /* 0, or anything else for 1 */
    THIRD,     /* the last of "min default max" */
    SAME_ONLY, /* harmless with the listed values */
    ANY,       /* harmless */
};

/* clang-format off */
static const struct knob {
    const char *name;
    enum form form;
    const char *key;    /* of ours, or two with a blank; the listed values of SAME_ONLY */
    const char *reason; /* why it is harmless */
} knobs[] = {
    {"net.ipv4.tcp_timestamps",            PLAIN,     "tcp.timestamps",     NULL},
    {"net.ipv4.tcp_sack",                  PLAIN,     "tcp.sack",           NULL},
    {"net.ipv4.tcp_dsack",                 PLAIN,     "tcp.dsack",          NULL},
    {"net.ipv4.tcp_window_scaling",        PLAIN,     "tcp.window_scaling", NULL},
    {"net.ipv4.tcp_ecn",                   PLAIN,     "tcp.ecn",            NULL},
    {"net.ipv4.tcp_rmem",                  THIRD,     "tcp.rmem",           NULL},
    {"net.ipv4.tcp_wmem",                  THIRD,     "tcp.wmem",           NULL},
    {"net.ipv4.tcp_syn_retries",           PLAIN,     "tcp.syn_retries",    NULL},
    {"net.ipv4.tcp_synack_retries",        PLAIN,     "tcp.synack_retries", NULL},
    {"net.ipv4.tcp_max_syn_backlog",       PLAIN,     "tcp.syn_cache",      NULL},
    {"net.ipv4.tcp_syncookies",            PLAIN,     "tcp.syncookies",     NULL},
    {"net.ipv4.tcp_retries2",              PLAIN,     "tcp.retries",        NULL},
    {"net.ipv4.tcp_fin_timeout",           SECONDS,   "tcp.fin_wait_2",     NULL},
    {"net.ipv4.tcp_keepalive_time",        SECONDS,   "tcp.keepalive_idle", NULL},
    {"net.ipv4.tcp_keepalive_intvl",       SECONDS,   "tcp.keepalive_interval", NULL},
    {"net.ipv4.tcp_keepalive_probes",      PLAIN,     "tcp.keepalive_count", NULL},
    {"net.ipv4.tcp_rto_min_us",            MICROS,    "tcp.rto_min",        NULL},
    {"net.ipv4.tcp_rto_max_ms",            MILLIS,    "tcp.rto_max",        NULL},
    {"net.ipv4.tcp_slow_start_after_idle", PLAIN,     "tcp.idle_restart",   NULL},
    {"net.ipv4.tcp_min_snd_mss",           PLAIN,     "tcp.mss_floor",      NULL},
    {"net.ipv4.tcp_invalid_ratelimit",     MILLIS,    "tcp.challenge",      NULL},
    {"net.ipv4.ip_default_ttl",            PLAIN,     "ip.ttl",             NULL},
    {"net.ipv4.tcp_moderate_rcvbuf",       SAME_ONLY, "0|1",      "the window's growth is asked for by no such script"},
    {"net.ipv4.tcp_no_metrics_save",       ANY,       NULL,       "we save no metrics"},
    {"net.ipv4.tcp_congestion_control",    RENO,      "tcp.cc",             NULL},
    {"net.ipv4.tcp_tso_win_divisor",       ANY,       NULL,       "we send as soon as the windows allow"},
    {"net.ipv4.tcp_pacing_ss_ratio",       ANY,       NULL,       "we do not pace"},
    {"net.ipv4.tcp_pacing_ca_ratio",       ANY,       NULL,       "we do not pace"},
    {"net.ipv4.tcp_min_tso_segs",          ANY,       NULL,       "how a flight is cut is merged away"},
    {"net.ipv4.tcp_tso_rtt_log",           ANY,       NULL,       "the same"},
    {"net.ipv4.tcp_limit_output_bytes",    ANY,       NULL,       "no queue below us"},
    {"net.ipv4.tcp_early_retrans",         ON,        "tcp.tlp",            NULL},
    {"net.ipv4.tcp_recovery",              ANY,       NULL,       "a matter of loss recovery"},
    {"net.ipv4.tcp_frto",                  ON,        "tcp.frto",           NULL},
    {"net.ipv4.tcp_fack",                  SAME_ONLY, "0",        "without a function in Linux, too"},
    {"net.ipv4.tcp_reordering",            SAME_ONLY, "3",        "what we have"},
    {"net.ipv4.tcp_max_reordering",        ANY,       NULL,       "a matter of loss recovery"},
    {"net.ipv4.tcp_notsent_lowat",         SAME_ONLY, "-1|4294967295|0xffffffff", "unlimited"},
    {"net.ipv4.tcp_fastopen",              ANY,       NULL,       "scripts that use it are skipped by their options and calls"},
    {"net.ipv4.tcp_fastopen_key",          ANY,       NULL,       "the same"},
    {"net.ipv4.tcp_fastopen_blackhole_timeout_sec", ANY, NULL,    "the same"},
    {"net.ipv4.tcp_ecn_option",            ANY,       NULL,       "of AccECN, which we do not have"},
    {"net.ipv4.tcp_ecn_option_beacon",     ANY,       NULL,       "the same"},
    {"net.ipv4.tcp_ecn_fallback",          SAME_ONLY, "1",        "on, as here"},
    {"net.ipv4.tcp_abc",                   ANY,       NULL,       "gone from Linux"},
    {"net.ipv4.tcp_rfc1337",               SAME_ONLY, "0|1",      "on here; no script resets a TIME-WAIT"},
    {"net.ipv4.tcp_stdurg",                SAME_ONLY, "1",        "our urgent pointer is RFC 6093's"},
    {"net.ipv4.tcp_mtu_probing",           SAME_ONLY, "0",        "we do not probe"},
    {"net.ipv4.tcp_autocorking",           SAME_ONLY, "0",        "we do not cork by ourselves"},
    {"net.ipv4.tcp_thin_linear_timeouts",  SAME_ONLY, "0",        "off, as here"},
    {"net.ipv4.tcp_abort_on_overflow",     SAME_ONLY, "0",        "off, as here"},
    {"net.ipv4.tcp_tw_reuse",              ANY,       NULL,       "ports are the runner's"},
    {"net.core.somaxconn",                 ANY,       NULL,       "no script fills the queue"},
    {"net.core.rmem_max",                  ANY,       NULL,       "our cap is tcp.rmem"},
    {"net.core.wmem_max",                  ANY,       NULL,       "our cap is tcp.wmem"},
    {"net.core.rmem_default",              ANY,       NULL,       "not TCP's"},
    {"net.core.wmem_default",              ANY,       NULL,       "not TCP's"},
    {"net.core.default_qdisc",             ANY,       NULL,       "no queue below us"},
    {"net.ipv4.ip_local_port_range",       ANY,       NULL,       "ports are the runner's"},

    {"net.inet.tcp.rfc1323",               PLAIN,     "tcp.timestamps tcp.window_scaling", NULL},
    {"net.inet.tcp.sack.enable",           PLAIN,     "tcp.sack",           NULL},
    {"net.inet.tcp.ecn.enable",            PLAIN,     "tcp.ecn",            NULL},
    {"net.inet.tcp.msl",                   MILLIS,    "tcp.msl",            NULL},
    {"net.inet.tcp.finwait2_timeout",      MILLIS,    "tcp.fin_wait_2",     NULL},
    {"net.inet.tcp.minmss",                PLAIN,     "tcp.mss_floor",      NULL},
    {"net.inet.tcp.rexmit_min",            MILLIS,    "tcp.rto_min",        NULL},
    {"net.inet.tcp.rexmit_initial",        MILLIS,    "tcp.rto_initial",    NULL},
    {"net.inet.tcp.delacktime",            MILLIS,    "tcp.delayed_ack",    NULL},
    {"net.inet.tcp.recvbuf_max",           PLAIN,     "tcp.rmem",           NULL},
    {"net.inet.tcp.sendbuf_max",           PLAIN,     "tcp.wmem",           NULL},
    {"net.inet.tcp.initcwnd_segments",     PLAIN,     "tcp.initial_cwnd",   NULL},
    {"net.inet.tcp.keepidle",              MILLIS,    "tcp.keepalive_idle", NULL},
    {"net.inet.tcp.keepintvl",             MILLIS,    "tcp.keepalive_interval", NULL},
    {"net.inet.tcp.keepcnt",               PLAIN,     "tcp.keepalive_count", NULL},
    {"net.inet.tcp.hostcache.purgenow",    ANY,       NULL,       "we keep no such cache"},
    {"net.inet.tcp.hostcache.enable",      ANY,       NULL,       "we keep no such cache"},
    {"net.inet.tcp.syncookies_only",       SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.syncookies",            SAME_ONLY, "0|1",      "no script fills the queue"},
    {"net.inet.tcp.cc.algorithm",          PLAIN,     "tcp.cc",             NULL},
    {"net.inet.tcp.functions_default",     SAME_ONLY, "freebsd",  "the stack itself"},
    {"net.inet.tcp.rfc3042",               SAME_ONLY, "1",        "limited transmit: on, as here"},
    {"net.inet.tcp.rfc3390",               ANY,       NULL,       "the first flight is initcwnd_segments'"},
    {"net.inet.tcp.path_mtu_discovery",    SAME_ONLY, "1",        "on, as here"},
    {"net.inet.tcp.blackhole",             SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.drop_synfin",           SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.insecure_rst",          SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.insecure_syn",          SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.icmp_may_rst",          SAME_ONLY, "1",        "on, as here"},
    {"net.inet.tcp.rexmit_drop_options",   SAME_ONLY, "0",        "off, as here"},
    {"net.inet.tcp.pmtud_blackhole_detection", SAME_ONLY, "0",    "off, as with --profile freebsd"},
    {"net.inet.tcp.log_in_vain",           ANY,       NULL,       "our log is no syslog"},
    {"net.inet.tcp.tso",                   ANY,       NULL,       "how a flight is cut is merged away"},
    {"net.inet.tcp.recvbuf_auto",          ANY,       NULL,       "the window's growth is asked for by no such script"},
    {"net.inet.tcp.sendbuf_auto",          ANY,       NULL,       "the same"},
    {"kern.timecounter.alloweddeviation",  ANY,       NULL,       "our clock is exact"},
};
/* clang-format on */

static bool is_listed(const char *list, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = list; at; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, value, len) == 0 && (at[len] == '|' || !at[len]))
            return true;
    }
    return false;
}

/* The last of the numbers of "4096 87380 6291456". */
static const char *last_number(const char *value)
{
    const char *last = value;

    for (const char *at = value; *at; at++) {
        if ((*at == ' ' || *at == '\t' || *at == ',') && at[1] >= '0' && at[1] <= '9')
            last = at + 1;
    }
    return last;
}

/* Sets each of the keys, which stand with a blank between them. */
static int set_keys(struct stack_values *values, const char *keys, const char *text)
{
    while (*keys) {
        char key[40];
        struct text one = text_of(key, sizeof(key));
        for (; *keys && *keys != ' '; keys++)
            text_add_char(&one, *keys);
        keys += *keys == ' ';
        int err = values_set(values, key, text);
        if (err)
            return err;
    }
    return 0;
}

static int set_value(struct stack_values *values, const struct knob *knob, const char *value)
{
    static const char *const units[] = {[MILLIS] = "ms", [MICROS] = "us", [SECONDS] = "s"};
    char buffer[40];
    struct text text = text_of(buffer, sizeof(buffer));

    if (knob->form == RENO && strcmp(value, "reno") == 0)
        text_add(&text, "newreno");
    else if (knob->form == ON)
        text_add(&text, strcmp(value, "0") == 0 ? "0" : "1");
    else
        text_add(&text, knob->form == THIRD ? last_number(value) : value);
    if (knob->form == MILLIS || knob->form == MICROS || knob->form == SECONDS)
        text_add(&text, units[knob->form]);
    return text.cut ? -EINVAL : set_keys(values, knob->key, buffer);
}

int drill_knob(struct stack_values *values, const char *name, const char *value)
{
    for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
        const struct knob *knob = &knobs[i];
        if (strcmp(knob->name, name) != 0)
            continue;
        if (knob->form == ANY)
            return 0;
        if (knob->form == SAME_ONLY)
            return is_listed(knob->key, value) ? 0 : -ENOENT;
        return set_value(values, knob, value);
    }
    return -ENOENT;
}
