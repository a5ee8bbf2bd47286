/*
 * drill_words.c - the words with a meaning of their own, and how mistakes are told.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/drill_lex.h"

// clang-format off
static const char *const keywords[] = { /* in the order of strcmp() */
    "ECN", "FO", "FOEXP", "Flags", "GREv0", "TS", "ack", "ce", "ceb", "checksum", "cmsg_data",
    "cmsg_level", "cmsg_type", "e0b", "e1b", "ecr", "ect0", "ect01", "ect1", "ee_code",
    "ee_data", "ee_errno", "ee_info", "ee_origin", "ee_type", "encap", "eol", "events", "fd",
    "flags", "flowlabel", "gre", "htons", "icmp", "id", "inet6_addr", "inet_addr", "ipv4",
    "ipv6", "key", "label", "linger", "md5", "mpls", "msg_control", "msg_flags", "msg_iov",
    "msg_name", "mss", "mtu", "noecn", "none", "nop", "off", "onoff", "present", "psp", "ptr",
    "raw", "revents", "sa_family", "sack", "sackOK", "scm_nsec", "scm_sec", "seq", "sequence#",
    "sin_addr", "sin_port", "spi", "sum", "tc", "tos", "ttl", "u32", "u64", "udp", "urg", "val",
    "win", "wscale",
};
// clang-format on

bool drill_is_keyword(const char *word)
{
    size_t low = 0;
    size_t high = ARRAY_LEN(keywords);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(word, keywords[middle]);
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

void drill_problem_set(struct drill_problem *problem, uint32_t line, const char *format, ...)
{
    va_list args;

    problem->line = line;
    va_start(args, format);
    vsnprintf(problem->text, sizeof(problem->text), format, args);
    va_end(args);
    for (char *c = problem->text; *c; c++)
        if (*c < 0x20 || *c >= 0x7f)
            *c = '?';
}
