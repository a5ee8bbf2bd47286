/*
 * posix_hosts.c - /etc/hosts and /etc/services, line by line.
 *
 * Both files are lines of words, with comments behind '#' (hosts(5), services(5)). A line that is
 * longer than the buffer is cut into pieces, of which all but the first are ignored: its names are
 * not believed, and the rest of the file is. Host names are compared without regard to case.
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
