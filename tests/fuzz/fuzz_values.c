/*
 * fuzz_values.c - texts that people write: values, addresses, prefixes.
 *
 * Asserted of every text: a value that is accepted is within its range and says so in digits and a
 * unit, or in a word of its kind; one that is refused changes nothing; the same text with anything
 * behind it is another text; an address is accepted when the C library accepts it, means the same,
 * and reads back from its own form.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <tapio/tapio.h>

#include "base/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *key;
    enum value_kind kind;
    size_t offset;
    int64_t min, max;
} table[] = {
#define TAPIO_X(field, key, kind, initial, min, max, what)                                         \
    {key, VALUE_##kind, offsetof(struct stack_values, field), min, max},
    TAPIO_VALUE_LIST(TAPIO_X)
#undef TAPIO_X
};

static const char *const cc_words[] = {TAPIO_CC_WORDS};

/* Digits and a unit: without leading zeros it is the number itself, in some unit. */
static void is_a_number(const char *text, int64_t value)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t number = 0;

    assert(digits > 0 && strlen(text) - digits <= 3);
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    assert(number == 0 ? value == 0 : (uint64_t)value % number == 0);
}

static void says_so(const char *text, enum value_kind kind, int64_t value)
{
    if (kind == VALUE_WORD)
        assert(strcmp(text, cc_words[value]) == 0);
    else if (kind == VALUE_SWITCH && text[0] == 'o')
        assert(strcmp(text, value ? "on" : "off") == 0);
    else
        is_a_number(text, value);
}

static void try_value(size_t n, const char *text)
{
    struct stack_values values, before;

    values_default(&values);
    before = values;
    int err = values_set(&values, table[n].key, text);
    if (err) {
        assert(err == -EINVAL || err == -ERANGE);
        assert(memcmp(&values, &before, sizeof(values)) == 0);
        return;
    }
    int64_t value;
    memcpy(&value, (const char *)&values + table[n].offset, sizeof(value));
    assert(value >= table[n].min && value <= table[n].max);
    memcpy((char *)&values + table[n].offset, (const char *)&before + table[n].offset,
           sizeof(value));
    assert(memcmp(&values, &before, sizeof(values)) == 0); /* and no other has changed */
    says_so(text, table[n].kind, value);
}

static void try_addr(const char *text)
{
    struct ip_addr addr, back, theirs = {{[10] = 0xff, [11] = 0xff}};
    char out[IP_ADDR_TEXT];
    bool they = inet_pton(AF_INET, text, theirs.octet + 12) == 1 ||
                inet_pton(AF_INET6, text, theirs.octet) == 1;

    int err = ip_addr_parse(text, &addr);
    assert(err == (they ? 0 : -EINVAL));
    if (err)
        return;
    assert(ip_equal(addr, theirs));
    assert(strlen(ip_addr_format(addr, out)) < IP_ADDR_TEXT);
    assert(ip_addr_parse(out, &back) == 0 && ip_equal(addr, back));
}

static void try_prefix(const char *text)
{
    struct ip_prefix prefix;

    if (ip_prefix_parse(text, &prefix) < 0)
        return;
    assert(prefix.len <= (ip_is_v4(prefix.addr) ? 32 : 128));
    assert(prefix_contains(prefix, prefix.addr));
    char copy[IP_ADDR_TEXT];
    size_t len = (size_t)(strchr(text, '/') - text);
    assert(len < sizeof(copy));
    memcpy(copy, text, len);
    copy[len] = '\0';
    struct ip_addr addr;
    assert(ip_addr_parse(copy, &addr) == 0 && ip_equal(addr, prefix.addr));
}

static void try_mac(const char *text)
{
    struct mac_addr mac, back;
    char out[MAC_ADDR_TEXT];

    if (mac_addr_parse(text, &mac) < 0)
        return;
    assert(strlen(text) == MAC_ADDR_TEXT - 1);
    assert(mac_addr_parse(mac_addr_format(mac, out), &back) == 0 && mac_equal(mac, back));
}

/* Any sixteen octets: written, and read again. */
static void try_octets(const uint8_t octets[16])
{
    struct ip_addr addr, back;
    char out[IP_ADDR_TEXT], end[ENDPOINT_TEXT];

    memcpy(addr.octet, octets, 16);
    assert(ip_addr_parse(ip_addr_format(addr, out), &back) == 0 && ip_equal(addr, back));
    assert(strlen(endpoint_format((struct endpoint){addr, UINT16_MAX}, end)) < ENDPOINT_TEXT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = malloc(size); /* exactly the text and its end */
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';

    struct stack_values values, before;
    values_default(&values);
    before = values;
    try_value(data[0] % ARRAY_LEN(table), text);
    assert(values_profile(&values, text) == 0 || memcmp(&values, &before, sizeof(values)) == 0);
    try_addr(text);
    try_prefix(text);
    try_mac(text);
    if (size > 16)
        try_octets(data + 1);
    free(text);
    return 0;
}
