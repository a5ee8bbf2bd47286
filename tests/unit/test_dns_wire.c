/*
 * test_dns_wire.c - DNS messages: names, headers, records, and what a message may not be.
 */
#include <errno.h>
#include <stdlib.h>

#include "apps/dns_wire.h"
#include "base/addr.h"
#include "base/base.h"
#include "support/holds.h"
#include "support/proves.h"

/* --- building messages -------------------------------------------------------------------- */

struct made {
    uint8_t octet[2048];
    struct writer w;
};

static void begin(struct made *m, uint16_t flags, uint16_t answers, uint16_t authorities,
                  const char *question, uint16_t type)
{
    struct dns_name name;

    m->w = writer_of(m->octet, sizeof m->octet);
    write_be16(&m->w, 0x1234);
    write_be16(&m->w, flags);
    write_be16(&m->w, 1);
    write_be16(&m->w, answers);
    write_be16(&m->w, authorities);
    write_be16(&m->w, 0);
    ck_assert_int_eq(dns_name_from_text(question, &name), 0);
    write_bytes(&m->w, name.octet, name.len);
    write_be16(&m->w, type);
    write_be16(&m->w, DNS_CLASS_IN);
}

static void add_record(struct made *m, const char *owner, uint16_t type, uint32_t ttl,
                       const void *data, uint16_t len)
{
    struct dns_name name;

    if (owner) {
        ck_assert_int_eq(dns_name_from_text(owner, &name), 0);
        write_bytes(&m->w, name.octet, name.len);
    } else {
        write_be16(&m->w, 0xc000 | DNS_HEADER); /* the question's */
    }
    write_be16(&m->w, type);
    write_be16(&m->w, DNS_CLASS_IN);
    write_be32(&m->w, ttl);
    write_be16(&m->w, len);
    write_bytes(&m->w, data, len);
}

static struct bytes message_of(const struct made *m)
{
    return bytes_of(m->octet, (size_t)(m->w.at - m->octet));
}

/* The octets in a buffer of their very size, so that ASan sees the first one read behind it. */
static enum dns_flaw walk(struct bytes in, uint32_t *records)
{
    uint8_t *copy = malloc(in.len ? in.len : 1);
    struct dns_message message;
    struct dns_record record;
    bool is_answer;

    if (in.len)
        memcpy(copy, in.at, in.len);
    enum dns_flaw flaw = dns_message_parse(bytes_of(copy, in.len), &message);
    *records = 0;
    if (flaw == DNS_FINE) {
        while (dns_record_next(&message, &record, &is_answer)) {
            HOLDS(record.name.len > 0 && record.name.octet[record.name.len - 1] == 0);
            ++*records;
        }
        flaw = message.flaw;
    }
    free(copy);
    return flaw;
}

static struct dns_name name_of(const char *text)
{
    struct dns_name name;

    ck_assert_int_eq(dns_name_from_text(text, &name), 0);
    return name;
}

/* --- names -------------------------------------------------------------------------------- */

START_TEST(a_name_is_labels_with_their_lengths_and_the_root)
{
    struct dns_name name = name_of("www.Example.com");
    char text[DNS_NAME_TEXT];

    ck_assert_uint_eq(name.len, 17);
    ck_assert_mem_eq(name.octet, "\3www\7Example\3com", 17);
    ck_assert_uint_eq(dns_name_to_text(&name, text), 15);
    ck_assert_str_eq(text, "www.Example.com");
    ck_assert_uint_eq(dns_name_labels(&name), 3);
    struct dns_name dotted = name_of("www.example.COM.");
    ck_assert(dns_name_equal(&name, &dotted));
    struct dns_name other = name_of("wwx.example.com");
    ck_assert(!dns_name_equal(&name, &other));
    struct dns_name root = name_of(".");
    ck_assert_uint_eq(root.len, 1);
    dns_name_to_text(&root, text);
    ck_assert_str_eq(text, ".");
    PROVES("RFC1035-2.3.4-a");
}
END_TEST

START_TEST(labels_have_63_octets_and_names_255_at_most)
{
    char text[300];
    struct dns_name name;

    memset(text, 'a', sizeof text);
    text[63] = 0;
    ck_assert_int_eq(dns_name_from_text(text, &name), 0);
    text[63] = 'a', text[64] = 0;
    ck_assert_int_eq(dns_name_from_text(text, &name), -EINVAL);

    memset(text, 'a', sizeof text); /* 63+1 three times and 61+1: with the root 255 */
    text[63] = text[127] = text[191] = '.';
    text[253] = 0;
    ck_assert_int_eq(dns_name_from_text(text, &name), 0);
    ck_assert_uint_eq(name.len, 255);
    text[253] = 'a', text[254] = 0;
    ck_assert_int_eq(dns_name_from_text(text, &name), -EINVAL);
    PROVES("RFC1035-2.3.4-a");
}
END_TEST

static const char *const no_names[] = {"", "..", ".a", "a..b", "a\\", "a\\25", "a\\256", "a\\2x5"};

START_TEST(what_is_no_name_is_refused)
{
    struct dns_name name;

    ck_assert_int_eq(dns_name_from_text(no_names[_i], &name), -EINVAL);
}
END_TEST

START_TEST(what_could_deceive_is_written_as_a_number)
{
    struct dns_name name = name_of("a\\.b\\000\\010.c\\\\d\\255"), back;
    char text[DNS_NAME_TEXT];

    ck_assert_uint_eq(name.len, 1 + 5 + 1 + 4 + 1);
    dns_name_to_text(&name, text);
    ck_assert_str_eq(text, "a\\046b\\000\\010.c\\092d\\255");
    back = name_of(text);
    ck_assert(dns_name_equal(&name, &back));
    PROVES("H04");
}
END_TEST

START_TEST(the_longest_text_has_room)
{
    struct dns_name name = {.len = 0};
    char text[DNS_NAME_TEXT];

    for (int i = 0; i < 127; i++) { /* labels of one octet that cannot be printed */
        name.octet[name.len++] = 1;
        name.octet[name.len++] = 0xff;
    }
    name.octet[name.len++] = 0;
    ck_assert_uint_eq(dns_name_to_text(&name, text), 127 * 5 - 1);
    name.len = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t n = i < 3 ? 63 : 61;
        name.octet[name.len++] = n;
        memset(name.octet + name.len, 0, n);
        name.len = (uint8_t)(name.len + n);
    }
    name.octet[name.len++] = 0;
    ck_assert_uint_eq(dns_name_to_text(&name, text), 250 * 4 + 3);
}
END_TEST

/* --- a question --------------------------------------------------------------------------- */

START_TEST(a_query_is_one_question_with_recursion_desired)
{
    uint8_t octets[512];
    struct writer w = writer_of(octets, sizeof octets);
    struct dns_name name = name_of("a.bc");

    dns_query_emit(&w, 0xbeef, &name, DNS_TYPE_AAAA, 0);
    ck_assert_mem_eq(octets, "\xbe\xef\1\0\0\1\0\0\0\0\0\0\1a\2bc\0\0\x1c\0\1", 22);
    ck_assert_uint_eq((size_t)(w.at - octets), 22);

    w = writer_of(octets, sizeof octets);
    dns_query_emit(&w, 0xbeef, &name, DNS_TYPE_A, DNS_EDNS_PAYLOAD);
    ck_assert_mem_eq(octets, "\xbe\xef\1\0\0\1\0\0\0\0\0\1\1a\2bc\0\0\1\0\1", 22);
    ck_assert_mem_eq(octets + 22, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
    ck_assert_uint_eq((size_t)(w.at - octets), 33);
    PROVES("RFC1035-4.1.1-a", "RFC6891-6.2-a");
}
END_TEST

/* --- an answer ---------------------------------------------------------------------------- */

START_TEST(an_answer_is_walked_record_by_record)
{
    static const uint8_t soa[] = "\xc0\x0c\1m\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\x0e\x10";
    struct dns_message message;
    struct dns_record r;
    struct made m;
    bool is_answer;

    begin(&m, 0x8180, 4, 1, "example.com", DNS_TYPE_A);
    add_record(&m, NULL, DNS_TYPE_CNAME, 60, "\3www\xc0\x0c", 6);
    add_record(&m, "www.example.com", DNS_TYPE_A, 300, "\xc0\0\2\7", 4);
    add_record(&m, "www.example.com", DNS_TYPE_AAAA, 0x80000000u,
               "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    add_record(&m, NULL, DNS_TYPE_MX, 1, "\0\x0a\4mail\xc0\x0c", 9);
    add_record(&m, NULL, DNS_TYPE_SOA, 1, soa, sizeof soa - 1);
    ck_assert_int_eq(dns_message_parse(message_of(&m), &message), DNS_FINE);
    ck_assert_uint_eq(message.header.id, 0x1234);
    ck_assert(message.header.recursion_available && !message.header.truncated);
    ck_assert_uint_eq(message.question.type, DNS_TYPE_A);

    struct dns_name www = name_of("www.example.com"), mail = name_of("mail.example.com");
    ck_assert(dns_record_next(&message, &r, &is_answer));
    ck_assert(is_answer && r.type == DNS_TYPE_CNAME && r.ttl == 60);
    ck_assert(dns_name_equal(&r.name, &message.question.name) && dns_name_equal(&r.target, &www));
    ck_assert(dns_record_next(&message, &r, &is_answer));
    ck_assert(dns_name_equal(&r.name, &www) && ip_equal(r.addr, ip_from_v4(0xc0000207)));
    ck_assert(dns_record_next(&message, &r, &is_answer));
    ck_assert_uint_eq(r.ttl, 0); /* (RFC 2181, 8) */
    ck_assert_uint_eq(r.addr.octet[0], 0x20);
    ck_assert(dns_record_next(&message, &r, &is_answer));
    ck_assert(is_answer && dns_name_equal(&r.target, &mail));
    ck_assert(dns_record_next(&message, &r, &is_answer));
    ck_assert(!is_answer && r.minimum == 3600);
    ck_assert(!dns_record_next(&message, &r, &is_answer));
    ck_assert_int_eq(message.flaw, DNS_FINE);
    PROVES("RFC1035-4.1.4-a", "S06");
}
END_TEST

START_TEST(what_is_no_answer_has_a_bad_header)
{
    struct dns_message message;
    struct made m;

    begin(&m, 0x0100, 0, 0, "a", DNS_TYPE_A); /* a question */
    ck_assert_int_eq(dns_message_parse(message_of(&m), &message), DNS_BAD_HEADER);
    begin(&m, 0x8980, 0, 0, "a", DNS_TYPE_A); /* another opcode */
    ck_assert_int_eq(dns_message_parse(message_of(&m), &message), DNS_BAD_HEADER);
    begin(&m, 0x8180, 0, 0, "a", DNS_TYPE_A);
    m.octet[5] = 2; /* two questions */
    ck_assert_int_eq(dns_message_parse(message_of(&m), &message), DNS_BAD_HEADER);
    m.octet[5] = 0;
    ck_assert_int_eq(dns_message_parse(message_of(&m), &message), DNS_BAD_HEADER);
    ck_assert_str_eq(dns_flaw_name(DNS_BAD_HEADER), "dns.rx_hdr");
    PROVES("RFC1035-4.1.1-a");
}
END_TEST

START_TEST(a_message_cut_anywhere_is_flawed)
{
    struct made m;
    uint32_t records;

    begin(&m, 0x8180, 2, 0, "example.com", DNS_TYPE_A);
    add_record(&m, NULL, DNS_TYPE_CNAME, 60, "\3www\xc0\x0c", 6);
    add_record(&m, "www.example.com", DNS_TYPE_A, 300, "\xc0\0\2\7", 4);
    struct bytes whole = message_of(&m);
    ck_assert_int_eq(walk(whole, &records), DNS_FINE);
    ck_assert_uint_eq(records, 2);
    for (size_t len = 0; len < whole.len; len++)
        ck_assert_int_ne(walk(bytes_first(whole, len), &records), DNS_FINE);
    PROVES("RFC1035-4.1.3-a", "S02", "S03");
}
END_TEST

/* --- compression (RFC 1035, 4.1.4) -------------------------------------------------------- */

/* An A record whose owner is `name`, behind a question for "a" whose name is at 12. */
static enum dns_flaw with_owner(const void *name, size_t len)
{
    struct made m;
    uint32_t records;

    begin(&m, 0x8180, 1, 0, "a", DNS_TYPE_A);
    write_bytes(&m.w, name, len);
    write_bytes(&m.w, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
    return walk(message_of(&m), &records);
}

START_TEST(pointers_lead_only_backward)
{
    enum { OWNER = DNS_HEADER + 3 + 4 };
    uint8_t to_itself[] = {0xc0, OWNER}, forward[] = {0xc0, OWNER + 2}, past[] = {0xff, 0xff};
    uint8_t over_itself[] = {1, 'b', 0xc0, OWNER}; /* a cycle that grows */
    uint8_t backward[] = {1, 'b', 0xc0, DNS_HEADER};

    ck_assert_int_eq(with_owner(backward, sizeof backward), DNS_FINE);
    ck_assert_int_eq(with_owner(to_itself, sizeof to_itself), DNS_BAD_NAME);
    ck_assert_int_eq(with_owner(forward, sizeof forward), DNS_BAD_NAME);
    ck_assert_int_eq(with_owner(past, sizeof past), DNS_BAD_NAME);
    ck_assert_int_eq(with_owner(over_itself, sizeof over_itself), DNS_BAD_NAME);
    ck_assert_str_eq(dns_flaw_name(DNS_BAD_NAME), "dns.rx_name");
    PROVES("RFC1035-4.1.4-a", "S01");
}
END_TEST

START_TEST(a_chain_of_pointers_ends)
{
    struct made m;
    uint32_t records;

    /* A TXT record holds 400 pointers, each to the one before it, the first to the question. */
    begin(&m, 0x8180, 2, 0, "a", DNS_TYPE_A);
    add_record(&m, NULL, DNS_TYPE_TXT, 1, "", 0);
    uint16_t to = DNS_HEADER;
    put_be16(m.w.at - 2, 800);
    for (int i = 0; i < 400; i++) {
        uint16_t here = (uint16_t)(m.w.at - m.octet);
        write_be16(&m.w, 0xc000 | to);
        to = here;
    }
    write_be16(&m.w, 0xc000 | to);
    write_bytes(&m.w, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
    ck_assert_int_eq(walk(message_of(&m), &records), DNS_FINE);
    ck_assert_uint_eq(records, 2);
    PROVES("S01");
}
END_TEST

/* Both lead to before the owner, but the second leads forward. */
START_TEST(two_pointers_that_lead_to_each_other_are_refused)
{
    enum { FIRST = DNS_HEADER + 3 + 4 + 2 + 10, SECOND = FIRST + 2 };
    uint8_t cycle[] = {0xc0, SECOND, 0xc0, FIRST};
    struct made m;
    uint32_t records;

    begin(&m, 0x8180, 2, 0, "a", DNS_TYPE_A);
    add_record(&m, NULL, DNS_TYPE_TXT, 1, cycle, sizeof cycle);
    ck_assert_mem_eq(m.octet + FIRST, cycle, sizeof cycle);
    write_be16(&m.w, 0xc000 | SECOND);
    write_bytes(&m.w, "\0\1\0\1\0\0\0\1\0\4\1\2\3\4", 14);
    ck_assert_int_eq(walk(message_of(&m), &records), DNS_BAD_NAME);
    ck_assert_uint_eq(records, 1);
    PROVES("RFC1035-4.1.4-a", "S01");
}
END_TEST

START_TEST(labels_that_cannot_be_are_refused)
{
    static const uint8_t bits_01[] = {0x41, 'b', 0}, bits_10[] = {0x81, 'b', 0};
    uint8_t longest[260], n = 0;

    ck_assert_int_eq(with_owner(bits_01, sizeof bits_01), DNS_BAD_NAME);
    ck_assert_int_eq(with_owner(bits_10, sizeof bits_10), DNS_BAD_NAME);
    for (int i = 0; i < 4; i++) {
        uint8_t len = i < 3 ? 63 : 61;
        longest[n++] = len;
        memset(longest + n, 'x', len);
        n = (uint8_t)(n + len);
    }
    longest[n] = 0;
    ck_assert_int_eq(with_owner(longest, n + 1u), DNS_FINE); /* 255 octets */
    longest[n] = 0xc0, longest[n + 1] = DNS_HEADER;          /* and "a" behind them */
    ck_assert_int_eq(with_owner(longest, n + 2u), DNS_BAD_NAME);
    PROVES("RFC1035-2.3.4-a", "S02");
}
END_TEST

/* --- records ------------------------------------------------------------------------------ */

static enum dns_flaw with_data(uint16_t type, const void *data, uint16_t len)
{
    struct made m;
    uint32_t records;

    begin(&m, 0x8180, 1, 0, "a", DNS_TYPE_A);
    add_record(&m, NULL, type, 1, data, len);
    return walk(message_of(&m), &records);
}

START_TEST(data_has_the_length_of_its_type)
{
    static const uint8_t zeros[32];

    for (uint16_t len = 0; len <= 32; len++) {
        ck_assert_int_eq(with_data(DNS_TYPE_A, zeros, len), len == 4 ? DNS_FINE : DNS_BAD_RECORD);
        ck_assert_int_eq(with_data(DNS_TYPE_AAAA, zeros, len),
                         len == 16 ? DNS_FINE : DNS_BAD_RECORD);
        ck_assert_int_eq(with_data(DNS_TYPE_TXT, zeros, len), DNS_FINE);
    }
    ck_assert_int_eq(with_data(DNS_TYPE_CNAME, "\1b\0x", 4), DNS_BAD_RECORD); /* behind the name */
    ck_assert_int_eq(with_data(DNS_TYPE_CNAME, "\1b", 2), DNS_BAD_NAME);
    ck_assert_int_eq(with_data(DNS_TYPE_SOA, "\0\0", 2), DNS_BAD_RECORD);
    PROVES("RFC1035-4.1.3-a", "S03");
}
END_TEST

START_TEST(counts_that_lie_end_with_the_message)
{
    struct made m;
    uint32_t records;

    begin(&m, 0x8180, 65535, 65535, "a", DNS_TYPE_A);
    ck_assert_int_eq(walk(message_of(&m), &records), DNS_BAD_NAME);
    ck_assert_uint_eq(records, 0);
    begin(&m, 0x8180, 65535, 65535, "a", DNS_TYPE_A);
    add_record(&m, NULL, DNS_TYPE_A, 1, "\1\2\3\4", 4);
    ck_assert_int_eq(walk(message_of(&m), &records), DNS_BAD_NAME);
    ck_assert_uint_eq(records, 1);
    put_be16(m.octet + DNS_HEADER + 7 + 10, 5); /* its data would end behind the message */
    ck_assert_int_eq(walk(message_of(&m), &records), DNS_BAD_RECORD);
    PROVES("RFC1035-4.1.3-a", "S03");
}
END_TEST

START_TEST(random_messages_are_survived)
{
    uint64_t random = 1;
    uint32_t records;
    struct made m;

    for (int i = 0; i < 100000; i++) {
        begin(&m, 0x8180, 3, 1, "example.com", DNS_TYPE_A);
        add_record(&m, NULL, DNS_TYPE_CNAME, 60, "\3www\xc0\x0c", 6);
        add_record(&m, "www.example.com", DNS_TYPE_A, 300, "\xc0\0\2\7", 4);
        add_record(&m, NULL, DNS_TYPE_MX, 1, "\0\x0a\4mail\xc0\x0c", 9);
        struct bytes whole = message_of(&m);
        for (int n = 0; n < 4; n++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            m.octet[(random >> 40) % whole.len] = (uint8_t)(random >> 56);
        }
        HOLDS(walk(whole, &records) <= DNS_BAD_RECORD && records <= 3);
    }
    PROVES("S01", "S02", "S03");
}
END_TEST

START_TEST(types_have_names)
{
    char out[16];
    uint16_t type;

    ck_assert_str_eq(dns_type_name(DNS_TYPE_AAAA, out), "AAAA");
    ck_assert_str_eq(dns_type_name(65280, out), "TYPE65280");
    ck_assert(dns_type_from_text("aaaa", &type) && type == DNS_TYPE_AAAA);
    ck_assert(!dns_type_from_text("AAAAA", &type));
    ck_assert_str_eq(dns_rcode_name(DNS_RCODE_NXDOMAIN), "NXDOMAIN");
    ck_assert_str_eq(dns_rcode_name(15), "an unknown error");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dns_wire");

    TCase *t = tcase_create("RFC 1035, 2.3: names");
    tcase_add_test(t, a_name_is_labels_with_their_lengths_and_the_root);
    tcase_add_test(t, labels_have_63_octets_and_names_255_at_most);
    tcase_add_loop_test(t, what_is_no_name_is_refused, 0, ARRAY_LEN(no_names));
    tcase_add_test(t, what_could_deceive_is_written_as_a_number);
    tcase_add_test(t, the_longest_text_has_room);
    suite_add_tcase(s, t);

    t = tcase_create("RFC 1035, 4: messages");
    tcase_add_test(t, a_query_is_one_question_with_recursion_desired);
    tcase_add_test(t, an_answer_is_walked_record_by_record);
    tcase_add_test(t, what_is_no_answer_has_a_bad_header);
    tcase_add_test(t, a_message_cut_anywhere_is_flawed);
    tcase_add_test(t, pointers_lead_only_backward);
    tcase_add_test(t, two_pointers_that_lead_to_each_other_are_refused);
    tcase_add_test(t, a_chain_of_pointers_ends);
    tcase_add_test(t, labels_that_cannot_be_are_refused);
    tcase_add_test(t, data_has_the_length_of_its_type);
    tcase_add_test(t, counts_that_lie_end_with_the_message);
    tcase_add_test(t, random_messages_are_survived);
    tcase_add_test(t, types_have_names);
    suite_add_tcase(s, t);
    return run_suite(s, "dns_wire");
}
