/*
 * drill_setup.c - options, addresses and values of a script.
 *
 * The command line beats the script, and both beat the defaults, which are packetdrill's. Values
 * come from the profile first, then from the sysctls of the init command.
 */
#include <errno.h>

#include "sim/drill_run.h"
#include "stack/stack.h"

enum option {
    OPT_IP_VERSION,
    OPT_LOCAL_IP,
    OPT_REMOTE_IP,
    OPT_BIND_PORT,
    OPT_CONNECT_PORT,
    OPT_MTU,
    OPT_MSS,
    OPT_TOLERANCE_USECS,
    OPT_TOLERANCE_PERCENT,
    OPT_TS_TICK,
    OPT_NON_FATAL,
    OPT_INIT_SCRIPTS,
    OPT_PROFILE,
    OPT_STRICT,
    OPT_ECR_SCALED,
    OPT_DRY_RUN,
    OPT_NOTHING, /* changes nothing here */
    OPT_MISSING, /* we cannot do that */
    OPT_COUNT,
};

/* clang-format off */
static const struct {
    const char *name;
    enum option option;
    bool value;
} names[] = {
    {"ip_version",         OPT_IP_VERSION,        true},
    {"local_ip",           OPT_LOCAL_IP,          true},
    {"remote_ip",          OPT_REMOTE_IP,         true},
    {"bind_port",          OPT_BIND_PORT,         true},
    {"connect_port",       OPT_CONNECT_PORT,      true},
    {"mtu",                OPT_MTU,               true},
    {"mss",                OPT_MSS,               true},
    {"tolerance_usecs",    OPT_TOLERANCE_USECS,   true},
    {"tolerance_percent",  OPT_TOLERANCE_PERCENT, true},
    {"tcp_ts_tick_usecs",  OPT_TS_TICK,           true},
    {"non_fatal",          OPT_NON_FATAL,         true},
    {"init_scripts",       OPT_INIT_SCRIPTS,      true},
    {"profile",            OPT_PROFILE,           true},
    {"strict_segments",    OPT_STRICT,            false},
    {"tcp_ts_ecr_scaled",  OPT_ECR_SCALED,        false},
    {"dry_run",            OPT_DRY_RUN,           false},
    {"define",             OPT_NOTHING,           true}, /* the parser has replaced it */
    {"gateway_ip",         OPT_NOTHING,           true}, /* there is one way to go */
    {"netmask_ip",         OPT_NOTHING,           true},
    {"speed",              OPT_NOTHING,           true}, /* the wire takes no time */
    {"code_command",       OPT_NOTHING,           true},
    {"code_format",        OPT_NOTHING,           true},
    {"code_sockopt",       OPT_NOTHING,           true},
    {"is_anyip",           OPT_NOTHING,           false},
    {"send_omit_free",     OPT_NOTHING,           false},
    {"verbose",            OPT_NOTHING,           false},
    {"debug",              OPT_NOTHING,           false},
    {"udp_encapsulation",  OPT_MISSING,           true},
    {"so_filename",        OPT_MISSING,           true},
    {"so_flags",           OPT_MISSING,           true},
    {"psp_udp_port",       OPT_MISSING,           true},
    {"wire_client",        OPT_MISSING,           false},
    {"wire_server",        OPT_MISSING,           false},
    {"wire_server_ip",     OPT_MISSING,           true},
    {"wire_server_at",     OPT_MISSING,           true},
    {"wire_server_port",   OPT_MISSING,           true},
    {"wire_client_dev",    OPT_MISSING,           true},
    {"wire_server_dev",    OPT_MISSING,           true},
};
/* clang-format on */

/* What was said last of each option. */
struct said {
    const char *value;
    uint32_t line; /* 0: on the command line */
    bool given;
};

static int find_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

bool drill_option_known(const char *name, bool *wants_value)
{
    int i = find_name(name);

    if (i >= 0)
        *wants_value = names[i].value;
    return i >= 0;
}

static int take(struct drill_run *run, const struct drill_option *option, uint32_t line,
                struct said said[OPT_COUNT])
{
    int i = find_name(option->name);

    if (i < 0)
        return drill_fail(run, line, "--%s: no such option", option->name);
    if (names[i].option == OPT_MISSING)
        return drill_skip(run, DRILL_SKIP_OPTION, line, "--%s", option->name);
    if (names[i].value != !!option->value)
        return drill_fail(run, line, "--%s %s", option->name,
                          names[i].value ? "needs a value" : "takes no value");
    said[names[i].option] = (struct said){option->value, line, true};
    return 0;
}

/* --- values of options -------------------------------------------------------------------- */

static int bad(struct drill_run *run, const struct said *said, const char *name, const char *want)
{
    return drill_fail(run, said->line, "--%s=%s: %s", name, said->value, want);
}

static int number(struct drill_run *run, const struct said *said, const char *name, uint64_t min,
                  uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = said->value;

    if (!said->given)
        return 0;
    for (; *at >= '0' && *at <= '9' && value <= max; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    if (*at || at == said->value || value < min || value > max)
        return drill_fail(run, said->line, "--%s=%s: expected a number from %llu to %llu", name,
                          said->value, (unsigned long long)min, (unsigned long long)max);
    *out = value;
    return 0;
}

/* "12.5" percent, in parts of a million. */
static int percent(struct drill_run *run, const struct said *said, int64_t *out)
{
    const char *at = said->value;
    int64_t value = 0, unit = 10000;

    if (!said->given)
        return 0;
    for (; *at >= '0' && *at <= '9' && value <= 100; at++)
        value = value * 10 + (*at - '0');
    value *= unit;
    if (*at == '.') {
        for (at++; *at >= '0' && *at <= '9'; at++) {
            unit /= 10;
            value += (*at - '0') * unit;
        }
    }
    if (*at || at == said->value || value > 1000000)
        return bad(run, said, "tolerance_percent", "expected a percentage from 0 to 100");
    *out = value;
    return 0;
}

static int family(struct drill_run *run, const struct said *said)
{
    static const char *const families[] = {
        [DRILL_V4] = "ipv4", [DRILL_V6] = "ipv6", [DRILL_MAPPED] = "ipv4-mapped-ipv6"};

    for (size_t i = 0; said->given && i < ARRAY_LEN(families); i++) {
        if (strcmp(families[i], said->value) == 0) {
            run->set.family = (enum drill_family)i;
            return 0;
        }
    }
    return said->given ? bad(run, said, "ip_version", "expected ipv4, ipv6 or ipv4-mapped-ipv6")
                       : 0;
}

static int address(struct drill_run *run, const struct said *said, const char *name,
                   const char *fallback, struct ip_prefix *out)
{
    const char *text = said->given ? said->value : fallback;
    int err = strchr(text, '/') ? ip_prefix_parse(text, out) : ip_addr_parse(text, &out->addr);

    if (!strchr(text, '/'))
        out->len = 0;
    if (err)
        return bad(run, said, name, "expected an IP address");
    if (ip_is_v4(out->addr) != (run->set.family != DRILL_V6))
        return bad(run, said, name, "an address of the other family than --ip_version");
    return 0;
}

static int addresses(struct drill_run *run, const struct said said[OPT_COUNT])
{
    struct ip_addr addr;

    if (!said[OPT_IP_VERSION].given && said[OPT_LOCAL_IP].given &&
        ip_addr_parse(said[OPT_LOCAL_IP].value, &addr) == 0 && !ip_is_v4(addr))
        run->set.family = DRILL_V6;
    bool v6 = run->set.family == DRILL_V6;
    if (address(run, &said[OPT_LOCAL_IP], "local_ip", v6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1",
                &run->set.local) ||
        address(run, &said[OPT_REMOTE_IP], "remote_ip", v6 ? "2001:db8::1" : "192.0.2.1",
                &run->set.remote))
        return -1;
    if (!run->set.local.len)
        run->set.local.len = v6 ? 48 : 16;
    return 0;
}

static int numbers(struct drill_run *run, const struct said said[OPT_COUNT])
{
    struct drill_settings *set = &run->set;
    uint64_t bind = 8080, connect = 8080, mtu = 1500, mss = 0, tolerance = 4000, tick = 0;

    if (number(run, &said[OPT_BIND_PORT], "bind_port", 1, 65535, &bind) ||
        number(run, &said[OPT_CONNECT_PORT], "connect_port", 1, 65535, &connect) ||
        number(run, &said[OPT_MTU], "mtu", 68, 65535, &mtu) ||
        number(run, &said[OPT_MSS], "mss", 0, 65535, &mss) ||
        number(run, &said[OPT_TOLERANCE_USECS], "tolerance_usecs", 1, 1000000000, &tolerance) ||
        number(run, &said[OPT_TS_TICK], "tcp_ts_tick_usecs", 0, 1000000, &tick))
        return -1;
    set->bind_port = (uint16_t)bind;
    set->connect_port = (uint16_t)connect;
    set->mtu = (uint32_t)mtu;
    set->mss = (uint32_t)mss;
    set->tolerance_ns = (int64_t)tolerance * NS_PER_US;
    set->ts_tick_us = (uint32_t)tick;
    set->tolerance_ppm = 125000;
    return percent(run, &said[OPT_TOLERANCE_PERCENT], &set->tolerance_ppm);
}

/* --- shell lines -------------------------------------------------------------------------- */

/* A comma list of commands. */
static int init_scripts(struct drill_run *run, const struct said *said)
{
    char command[256];

    for (const char *at = said->given ? said->value : ""; *at;) {
        struct text one = text_of(command, sizeof(command));
        for (; *at && *at != ','; at++)
            text_add_char(&one, *at);
        at += *at == ',';
        if (drill_command(run, command, said->line, &run->set.values, NULL))
            return -1;
    }
    return 0;
}

int drill_command_now(struct drill_run *run, const struct drill_event *event)
{
    struct stack_values *values = &run->stack->config.values;
    int64_t slept_ns;

    if (drill_command(run, event->command, event->place.line, values, &slept_ns))
        return -1;
    drill_pass_time(run, instant_add(run->now, slept_ns));
    return run->stopped ? -1 : 0;
}

/* --- all of it ---------------------------------------------------------------------------- */

int drill_setup(struct drill_run *run)
{
    struct said said[OPT_COUNT] = {0};
    const struct drill_script *script = &run->script;
    struct drill_settings *set = &run->set;

    for (uint32_t i = 0; i < script->option_count; i++) {
        if (take(run, &script->options[i], script->options[i].place.line, said))
            return -1;
    }
    for (uint32_t i = 0; i < run->config->option_count; i++) {
        if (take(run, &run->config->options[i], 0, said))
            return -1;
    }
    if (family(run, &said[OPT_IP_VERSION]) || addresses(run, said) || numbers(run, said))
        return -1;
    set->strict_segments = said[OPT_STRICT].given;
    set->ts_ecr_scaled = said[OPT_ECR_SCALED].given;
    set->dry_run = said[OPT_DRY_RUN].given;
    set->packets_warn = said[OPT_NON_FATAL].given && strstr(said[OPT_NON_FATAL].value, "packet");
    set->profile = said[OPT_PROFILE].given ? said[OPT_PROFILE].value : "linux";
    values_default(&set->values);
    if (values_profile(&set->values, set->profile))
        return drill_fail(run, said[OPT_PROFILE].line,
                          "--profile=%s: expected default, rfc, linux or freebsd", set->profile);
    if (init_scripts(run, &said[OPT_INIT_SCRIPTS]))
        return -1;
    return script->init
               ? drill_command(run, script->init, script->init_place.line, &set->values, NULL)
               : 0;
}
