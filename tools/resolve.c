/*
 * resolve.c - see resolve.h.
 *
 * Only the table of this machine is asked so far (hosts(5)); DNS comes with the resolver of our own
 * stack. The table is written for the kernel's network, so what it says may lead nowhere from here:
 * that the connection will tell.
 */
#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"

/* Whether one of the words in `rest` is the name. */
static bool names(char *rest, const char *name)
{
    char *state = NULL;

    for (char *word = strtok_r(rest, " \t\r\n", &state); word;
         word = strtok_r(NULL, " \t\r\n", &state))
        if (strcasecmp(word, name) == 0)
            return true;
    return false;
}

/* "10.9.0.1 host alias ...  # remark" */
static bool line_has(char *line, const char *name, bool v4_only, struct ip_addr *out)
{
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t");
    const size_t len = strcspn(line, " \t\r\n");
    if (len == 0 || !line[len])
        return false;
    line[len] = '\0';
    return ip_addr_parse(line, out) == 0 && (ip_is_v4(*out) || !v4_only) &&
           names(line + len + 1, name);
}

int resolve_name(const char *name, bool v4_only, struct ip_addr *out)
{
    char line[1024];
    bool found = false;
    FILE *hosts = fopen("/etc/hosts", "re");

    if (!hosts)
        return -ENOENT;
    while (!found && fgets(line, sizeof line, hosts))
        found = line_has(line, name, v4_only, out);
    fclose(hosts);
    return found ? 0 : -ENOENT;
}
