/*
 * dig.c - `tapio dig`: asks a server for a name, from a stack of our own.
 *
 * What it prints has the shape of what dig(1) prints, so that eyes and scripts find their way. The
 * work is in src/apps/resolver.c; nothing is taken from its cache, for each question is asked once.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apps/resolver.h"
#include "base/addr.h"
#include "rig.h"
#include "verbs.h"

struct dig_verb {
    struct options options;
    uint16_t type;
    bool brief, tcp;
    int64_t timeout_ns;
    const char *name;

    struct rig rig;
    struct resolver *resolver;
    struct resolver_query query;
    struct os_machine machine;
    instant start;
    bool found;
};

static int take_type(void *context, const char *text, struct refusal *refusal)
{
    struct dig_verb *verb = context;

    if (!dns_type_from_text(text, &verb->type) || verb->type == DNS_TYPE_OPT)
        return refuse(refusal, EXIT_USAGE,
                      "--type %s: none of A, AAAA, CNAME, MX, NS, PTR, SOA, TXT", text);
    return 0;
}

static int take_short(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct dig_verb *)context)->brief = true;
    return 0;
}

static int take_tcp(void *context, const char *text, struct refusal *refusal)
{
    (void)text, (void)refusal;
    ((struct dig_verb *)context)->tcp = true;
    return 0;
}

static int take_timeout(void *context, const char *text, struct refusal *refusal)
{
    return seconds_take("-W", text, &((struct dig_verb *)context)->timeout_ns, refusal);
}

/* clang-format off */
static const struct option_row rows[] = {
    {"type",    't', "TYPE", "the records to ask for (default A): AAAA, CNAME, MX, NS, PTR, SOA, TXT", take_type},
    {"short",   0,   NULL,   "print the data alone",                                   take_short},
    {"tcp",     0,   NULL,   "ask over TCP",                                           take_tcp},
    {"timeout", 'W', "SECS", "for the first answer; there is a second try (default 5)", take_timeout},
};
/* clang-format on */

static const struct option_verb verb_row = {
    .name = "dig",
    .arguments = "[@SERVER] NAME [TYPE]",
    .help =
        "Asks the server (--dns ADDR, or @ADDR) for the records of NAME, from a stack of its own.\n"
        "Exits 0 if there are any, else 1.",
    .operands = 1,
    .more_operands = 2,
    .rows = rows,
    .row_count = ARRAY_LEN(rows),
};

static bool is_on_link(const struct dig_verb *verb)
{
    const struct stack_config *config = &verb->options.config;

    for (int i = 0; i < config->addr_count; i++)
        if (prefix_contains(config->addr[i], verb->options.dns))
            return true;
    return false;
}

/* [@SERVER] NAME [TYPE], as dig(1) takes them. */
static int take_operands(struct dig_verb *verb, char **words, int count, struct refusal *refusal)
{
    struct dns_name name;
    char server[IP_ADDR_TEXT];

    for (int i = 0; i < count; i++) {
        const char *word = words[i];
        if (word[0] == '@') {
            if (ip_addr_parse(word + 1, &verb->options.dns) || !addr_is_host(verb->options.dns))
                return refuse(refusal, EXIT_USAGE, "%s: not the address of a server", word);
        } else if (!verb->name) {
            verb->name = word;
        } else {
            int status = take_type(verb, word, refusal);
            if (status)
                return status;
        }
    }
    if (!verb->name)
        return refuse(refusal, EXIT_USAGE, "dig: a name is missing; 'tapio dig --help'");
    if (dns_name_from_text(verb->name, &name))
        return refuse(refusal, EXIT_USAGE,
                      "dig %s: no name: labels have 1 to 63 octets, a name at most 255",
                      verb->name);
    if (ip_is_unspecified(verb->options.dns) && !verb->options.dhcp)
        return refuse(refusal, EXIT_USAGE, "dig: no server to ask; name one by --dns ADDR");
    if (!ip_is_unspecified(verb->options.dns) && !ip_is_v4(verb->options.dns) &&
        verb->options.config.link == STACK_LINK_ETHERNET)
        return refuse(refusal, EXIT_FAILURE, "dig: IPv6 over Ethernet is not built in yet");
    if (verb->options.config.link == STACK_LINK_ETHERNET && !verb->options.dhcp &&
        ip_is_unspecified(verb->options.config.gateway) && !is_on_link(verb))
        return refuse(refusal, EXIT_FAILURE,
                      "dig @%s: beyond the link, and no route leads there; set --gateway",
                      ip_addr_format(verb->options.dns, server));
    return 0;
}

/* --- printing ----------------------------------------------------------------------------- */

/* Text of the zone's author: nothing that a terminal obeys. */
static void print_text(FILE *out, struct bytes data)
{
    struct reader r = reader_of(data);

    while (r.rest.len > 0) {
        struct bytes part = read_bytes(&r, read_u8(&r));
        fputs(part.at == data.at + 1 ? "\"" : " \"", out);
        for (size_t i = 0; i < part.len; i++) {
            uint8_t c = part.at[i];
            if (c == '"' || c == '\\')
                fprintf(out, "\\%c", c);
            else if (c >= ' ' && c < 0x7f)
                fputc(c, out);
            else
                fprintf(out, "\\%03u", c);
        }
        fputc('"', out);
    }
}

static void print_data(FILE *out, const struct dns_record *record)
{
    char text[DNS_NAME_TEXT];
    struct reader r = reader_of(record->data);

    switch (record->type) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        fputs(ip_addr_format(record->addr, text), out);
        return;
    case DNS_TYPE_TXT:
        print_text(out, record->data);
        return;
    case DNS_TYPE_MX:
        fprintf(out, "%u ", read_be16(&r));
        break;
    case DNS_TYPE_CNAME:
    case DNS_TYPE_NS:
    case DNS_TYPE_PTR:
    case DNS_TYPE_SOA:
        break;
    default: /* RFC 3597, 5 */
        fprintf(out, "\\# %zu ", record->data.len);
        for (size_t i = 0; i < record->data.len; i++)
            fprintf(out, "%02x", record->data.at[i]);
        return;
    }
    dns_name_to_text(&record->target, text);
    fprintf(out, "%s%s", text, strcmp(text, ".") ? "." : "");
    if (record->type == DNS_TYPE_SOA)
        fprintf(out, " minimum %u", record->minimum);
}

static void print_record(const struct dig_verb *verb, const struct dns_record *record)
{
    FILE *out = rig_out(&verb->rig);
    char name[DNS_NAME_TEXT], type[16];

    if (!verb->brief) {
        dns_name_to_text(&record->name, name);
        fprintf(out, "%s%s\t%u\tIN\t%s\t", name, strcmp(name, ".") ? "." : "", record->ttl,
                dns_type_name(record->type, type));
    }
    print_data(out, record);
    fputc('\n', out);
}

/* An address, or localhost: nobody was asked (RFC 6761, 6.3). */
static void print_rule(struct dig_verb *verb, const struct dns_fact *fact)
{
    FILE *out = rig_out(&verb->rig);
    char name[DNS_NAME_TEXT], addr[IP_ADDR_TEXT], type[16];

    dns_name_to_text(&fact->canonical, name);
    if (!verb->brief)
        fputs(";; no server was asked: this name has one meaning everywhere\n", out);
    for (uint32_t i = 0; i < fact->count; i++) {
        if (!verb->brief)
            fprintf(out, "%s.\t0\tIN\t%s\t", name, dns_type_name(verb->type, type));
        fprintf(out, "%s\n", ip_addr_format(fact->addr[i], addr));
    }
    fflush(out);
}

static void print_message(struct dig_verb *verb, const struct resolver_answer *answer, instant now)
{
    FILE *out = rig_out(&verb->rig);
    struct dns_message message;
    struct dns_record record;
    bool is_answer, authority_told = false;
    char text[DNS_NAME_TEXT], type[16], server[IP_ADDR_TEXT];

    if (dns_message_parse(answer->message, &message) != DNS_FINE)
        return;
    if (!verb->brief) {
        dns_name_to_text(&message.question.name, text);
        fprintf(out, ";; %s, id %u, from %s over %s in %" PRId64 " ms, %zu octets\n",
                dns_rcode_name(message.header.rcode), message.header.id,
                ip_addr_format(answer->server, server), answer->tcp ? "TCP" : "UDP",
                instant_since(now, verb->start) / NS_PER_MS, answer->message.len);
        fprintf(out, ";%s.\tIN\t%s\n", strcmp(text, ".") ? text : "",
                dns_type_name(message.question.type, type));
    }
    while (dns_record_next(&message, &record, &is_answer)) {
        if (record.type == DNS_TYPE_OPT || (!is_answer && verb->brief))
            continue;
        if (!is_answer && !authority_told)
            fputs(";; beside the answer\n", out);
        authority_told |= !is_answer;
        print_record(verb, &record);
    }
    fflush(out); /* before what is said about it */
}

static void done(struct resolver_query *query, const struct resolver_answer *answer, instant now)
{
    struct dig_verb *verb = CONTAINER_OF(query, struct dig_verb, query);
    char server[IP_ADDR_TEXT];

    ip_addr_format(verb->options.dns, server);
    if (answer->message.len == 0 && answer->fact.error == 0)
        print_rule(verb, &answer->fact);
    else
        print_message(verb, answer, now);
    verb->found = answer->fact.error == 0;
    switch (answer->fact.error) {
    case 0:
        break;
    case -ENOENT:
        say("dig %s: there is no such name", verb->name);
        break;
    case -ENODATA:
        say("dig %s: the name is there, but has no record of that type", verb->name);
        break;
    case -ELOOP:
        say("dig %s: its aliases lead nowhere", verb->name);
        break;
    case -EAGAIN:
        say("dig %s: %s gives no answer; is it a name server, and is the way there open?",
            verb->name, server);
        break;
    default:
        say("dig %s: %s", verb->name, strerror(-answer->fact.error));
    }
    os_loop_end(&verb->rig.loop, verb->found ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- running ------------------------------------------------------------------------------ */

static instant deadline(struct os_machine *machine)
{
    return resolver_deadline(CONTAINER_OF(machine, struct dig_verb, machine)->resolver);
}

static void advance(struct os_machine *machine, instant now)
{
    resolver_advance(CONTAINER_OF(machine, struct dig_verb, machine)->resolver, now);
}

static void stop(struct rig *rig, instant now)
{
    (void)now;
    say("dig %s: interrupted", CONTAINER_OF(rig, struct dig_verb, rig)->name);
    os_loop_end(&rig->loop, EXIT_FAILURE);
}

static int ask(struct dig_verb *verb, struct refusal *refusal)
{
    struct rig *rig = &verb->rig;
    struct resolver_config config;

    verb->options.dns = rig->dns;
    if (ip_is_unspecified(rig->dns))
        return refuse(refusal, EXIT_FAILURE,
                      "dig: the lease names no server to ask; name one by --dns ADDR");
    resolver_config_init(&config);
    config.stack = rig->stack;
    config.env = &rig->env.env;
    config.server[0] = verb->options.dns;
    config.server_count = 1;
    config.timeout_ns = verb->timeout_ns;
    config.tcp = verb->tcp;
    config.cached = 0;
    int err = resolver_new(&config, &verb->resolver);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "dig %s: %s", verb->name, strerror(-err));
    verb->start = os_now();
    verb->query.done = done;
    err = resolver_ask(verb->resolver, &verb->query, verb->name, verb->type, verb->start);
    if (err)
        return refuse(refusal, EXIT_FAILURE, "dig %s: %s", verb->name, strerror(-err));
    verb->machine = (struct os_machine){.deadline = deadline, .advance = advance};
    os_loop_add_machine(&rig->loop, &verb->machine);
    rig->stop = stop;
    return 0;
}

int verb_dig(int argc, char **argv)
{
    static struct dig_verb verb;
    struct refusal refusal;
    enum options_wish wish;
    int first;

    verb = (struct dig_verb){.type = DNS_TYPE_A, .timeout_ns = 5 * NS_PER_S};
    int status = options_read(&verb.options, &verb_row, &verb, argc, argv, &wish, &first, &refusal);
    if (!status && options_grant(&verb_row, wish))
        return EXIT_SUCCESS;
    if (!status)
        status = take_operands(&verb, argv + first, argc - first, &refusal);
    if (!status)
        status = rig_open(&verb.rig, &verb.options, &refusal);
    if (status)
        return say_refusal(&refusal);
    status = ask(&verb, &refusal);
    if (!status)
        ready_fd_tell(verb.rig.options->ready_fd, "ready");
    status = status ? say_refusal(&refusal) : rig_run(&verb.rig);
    if (verb.resolver)
        resolver_free(verb.resolver);
    rig_close(&verb.rig);
    return status;
}
