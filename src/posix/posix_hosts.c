/*
 * posix_hosts.c - /etc/hosts, /etc/services and /etc/resolv.conf, line by line.
 *
 * All are lines of words, with comments behind '#' (hosts(5), services(5), resolv.conf(5)). A line
 * that is longer than the buffer is cut into pieces, of which all but the first are ignored: its
 * names are not believed, and the rest of the file is. Host names are compared without regard to
 * case. What is not understood of a resolv.conf is ignored, word by word: an address with a zone,
 * an option that is none of ours, a domain that is no name. Its numbers have the bounds of glibc.
 */
#include "posix/posix_hosts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <tapio/tapio.h>

#include "base/addr.h"

enum { LINE_MAX_OCTETS = 1024 };

static const char BLANKS[] = " \t\r\n";

/* The next line without its comment; false at the end. */
static bool next_line(FILE *file, char line[LINE_MAX_OCTETS])
{
    if (!fgets(line, LINE_MAX_OCTETS, file))
        return false;
    if (!strchr(line, '\n') && !feof(file)) {
        int c;
        while ((c = getc(file)) != EOF && c != '\n') {
        }
        *line = '\0';
    }
    line[strcspn(line, "#")] = '\0';
    return true;
}

/* The next word, or NULL; `*rest` is what is behind it. */
static char *next_word(char **rest)
{
    return strtok_r(NULL, BLANKS, rest);
}

static bool is_of_family(struct ip_addr addr, int family)
{
    return family == AF_UNSPEC || ip_is_v4(addr) == (family == AF_INET);
}

int posix_hosts_find(FILE *file, const char *name, int family, struct ip_addr *out, int max)
{
    char line[LINE_MAX_OCTETS];
    int count = 0;

    while (count < max && next_line(file, line)) {
        char *rest = line, *word = next_word(&rest);
        struct ip_addr addr;
        if (!word || ip_addr_parse(word, &addr) || !is_of_family(addr, family))
            continue;
        while ((word = next_word(&rest)) && strcasecmp(word, name) != 0) {
        }
        if (word)
            out[count++] = addr;
    }
    return count;
}

/* "80/tcp" */
static int port_of(const char *word, const char *protocol)
{
    char *end;
    unsigned long port = strtoul(word, &end, 10);

    if (end == word || *end != '/' || strcmp(end + 1, protocol) != 0 || port > UINT16_MAX)
        return -1;
    return (int)port;
}

int posix_services_find(FILE *file, const char *name, const char *protocol)
{
    char line[LINE_MAX_OCTETS];

    while (next_line(file, line)) {
        char *rest = line, *first = next_word(&rest);
        const char *word = next_word(&rest);
        if (!first || !word)
            continue;
        int port = port_of(word, protocol);
        if (port < 0)
            continue;
        for (word = first; word && strcmp(word, name) != 0; word = next_word(&rest)) {
        }
        if (word)
            return port;
    }
    return -1;
}

/* --- resolv.conf ---------------------------------------------------------------------------- */

enum { NDOTS_MAX = 15, TIMEOUT_MAX_S = 30 };

/* "ndots:2" for the name "ndots:": the number, `max` where it is larger. -1: another option, or no
 * number. */
static int number_of(const char *word, const char *name, int max)
{
    size_t len = strlen(name);
    int number = 0;

    if (strncmp(word, name, len) != 0 || !word[len])
        return -1;
    for (word += len; *word; word++) {
        if (*word < '0' || *word > '9')
            return -1;
        number = number * 10 + (*word - '0');
        if (number > max)
            number = max;
    }
    return number;
}

static void take_option(const char *word, struct resolver_config *config)
{
    int ndots = number_of(word, "ndots:", NDOTS_MAX);
    int timeout = number_of(word, "timeout:", TIMEOUT_MAX_S);
    int attempts = number_of(word, "attempts:", RESOLVER_ATTEMPTS);

    if (ndots >= 0)
        config->ndots = (uint32_t)ndots;
    if (timeout > 0)
        config->timeout_ns = timeout * NS_PER_S;
    if (attempts > 0)
        config->attempts = (uint32_t)attempts;
    if (strcmp(word, "use-vc") == 0)
        config->tcp = true;
}

void posix_resolv_conf_read(FILE *file, struct resolver_config *config)
{
    char line[LINE_MAX_OCTETS];

    while (next_line(file, line)) {
        char *rest = line;
        const char *key = next_word(&rest), *word;
        if (!key)
            continue;
        bool server = strcmp(key, "nameserver") == 0, options = strcmp(key, "options") == 0;
        bool domain = strcmp(key, "domain") == 0 || strcmp(key, "search") == 0;
        if (domain)
            config->search_count = 0; /* the last of these lines is meant */
        while ((server || options || domain) && (word = next_word(&rest))) {
            if (options)
                take_option(word, config);
            if (server && config->server_count < RESOLVER_SERVERS &&
                ip_addr_parse(word, &config->server[config->server_count]) == 0)
                config->server_count++;
            if (domain && config->search_count < RESOLVER_SEARCH &&
                dns_name_from_text(word, &config->search[config->search_count]) == 0)
                config->search_count++;
            if (server)
                break;
        }
    }
}
