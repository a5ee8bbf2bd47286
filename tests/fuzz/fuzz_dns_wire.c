/*
 * fuzz_dns_wire.c - any octets as a DNS message, and as a name in text.
 *
 * The walk ends within the message's counts and lengths; each name that comes out ends with the
 * root, has room as text, and is found again from it.
 */
#include <stdlib.h>

#include "apps/dns_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void check_name(const struct dns_name *name)
{
    char text[DNS_NAME_TEXT];
    struct dns_name again;

    HOLDS(name->len > 0 && name->octet[name->len - 1] == 0);
    size_t len = dns_name_to_text(name, text);
    HOLDS(len > 0 && len < sizeof text && strlen(text) == len);
    HOLDS(dns_name_from_text(text, &again) == 0);
    HOLDS(again.len == name->len && memcmp(again.octet, name->octet, name->len) == 0);
}

static void check_message(struct bytes in)
{
    struct dns_message message;
    struct dns_record record;
    bool is_answer;
    uint32_t count = 0;

    if (dns_message_parse(in, &message) != DNS_FINE)
        return;
    check_name(&message.question.name);
    uint32_t promised = message.records;
    while (dns_record_next(&message, &record, &is_answer)) {
        check_name(&record.name);
        if (record.target.len > 0)
            check_name(&record.target);
        HOLDS(record.ttl <= INT32_MAX);
        HOLDS(record.data.at >= in.at && record.data.at + record.data.len <= in.at + in.len);
        HOLDS(++count <= promised && count <= in.len);
    }
    HOLDS(count == promised || message.flaw != DNS_FINE);
}

static void check_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct dns_name name;

    HOLDS(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (dns_name_from_text(text, &name) == 0)
        check_name(&name);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);

    HOLDS(exact);
    if (size)
        memcpy(exact, data, size);
    check_message(bytes_of(exact, size));
    free(exact);
    check_text(data, size);
    return 0;
}
