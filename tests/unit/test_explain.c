/* test_explain.c - pictures, lists and JSON. */
#include "see/explain.h"

#include "support/proves.h"
#include "support/wire.h"

static struct dissection d;
static struct track track;
static struct track_verdict v;
static struct explained e;
static uint8_t frame[WIRE_FRAME_MAX];
static char room[EXPLAIN_ROOM];

static void given(const void *octets, size_t len, enum fields_link link)
{
    static const struct hash_key key = {1, 2};

    track_init(&track, key);
    fields_read(&d, bytes_of(octets, len), (uint32_t)len, link);
    track_packet(&track, &d, false, &v);
    e = (struct explained){.number = 7,
                           .when_ns = INT64_C(1700000000123456789),
                           .since_ns = 1500000,
                           .d = &d,
                           .track = &v,
                           .ethernet = link == FIELDS_ETHERNET};
}

static void given_a_syn(void)
{
    static const uint8_t mss[] = {2, 4, 5, 0xb4};
    struct wire_tcp tcp = {.ip_src = 0x0a090001,
                           .ip_dst = 0x0a090002,
                           .src_port = 40000,
                           .dst_port = 80,
                           .seq = 1000,
                           .flags = WIRE_SYN,
                           .window = 500,
                           .ttl = 64,
                           .options = bytes_of(mss, 4)};

    given(frame, wire_emit(frame, &tcp), FIELDS_ETHERNET);
}

START_TEST(a_header_is_drawn_as_the_rfc_draws_it)
{
    struct text out = text_of(room, sizeof(room));

    given_a_syn();
    explain_picture(&out, &d, &d.layer[2]);
    /* clang-format off */
    static const char drawn[] =
        "   0                   1                   2                   3\n"
        "   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |          Source Port          |       Destination Port        |\n"
        "  |             40000             |           80 (HTTP)           |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |                        Sequence Number                        |\n"
        "  |                             1000                              |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |                     Acknowledgment Number                     |\n"
        "  |                               0                               |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |DOffset|Rsrvd|a|C|E|U|A|P|R|S|F|            Window             |\n"
        "  |   6   |  0  |0|0|0|0|0|0|0|1|0|              500              |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |           Checksum            |        Urgent Pointer         |\n"
        "  |            0xe1a5             |               0               |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |     Kind      |    Length     |     Maximum Segment Size      |\n"
        "  |       2       |       4       |             1460              |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n";
    /* clang-format on */
    size_t same = 0;
    while (room[same] && room[same] == drawn[same])
        same++;
    ck_assert_msg(strcmp(room, drawn) == 0, "it differs from: %.200s", room + same);
}
END_TEST

START_TEST(a_field_of_several_rows_is_one_cell)
{
    struct text out = text_of(room, sizeof(room));

    given_a_syn();
    explain_picture(&out, &d, &d.layer[0]);
    /* clang-format off */
    ck_assert_ptr_nonnull(strstr(room,
        "  +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"
        "  |                               |                               |\n"));
    ck_assert_ptr_nonnull(strstr(room,
        "  |             Type              |\n"
        "  |         0x0800 (IPv4)         |\n"
        "  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+\n"));
    /* clang-format on */
}
END_TEST

START_TEST(the_text_has_a_headline_every_field_and_a_sentence)
{
    struct text out = text_of(room, sizeof(room));

    given_a_syn();
    explain_text(&out, &e, (struct explain_style){0});
    ck_assert(!out.cut);
    ck_assert_ptr_eq(
        strstr(room, "#7  0.001500  10.9.0.1:40000 > 10.9.0.2:80 [S] seq 1000 win 500 len 0\n"),
        room);
    for (uint32_t i = 0; i < d.field_count; i++)
        ck_assert_ptr_nonnull(strstr(room, d.field[i].name));
    ck_assert_ptr_nonnull(strstr(room, "  47.6   02             SYN: set\n"));
    ck_assert_ptr_nonnull(strstr(room, "Then A is SYN-SENT, B is LISTEN (a guess)."));
    ck_assert_ptr_nonnull(strstr(room, "A opens the connection"));
    ck_assert_ptr_null(strchr(room, '\033'));

    out = text_of(room, sizeof(room));
    explain_text(&out, &e, (struct explain_style){.colour = true});
    ck_assert_ptr_nonnull(strchr(room, '\033'));
}
END_TEST

START_TEST(the_brief_form_names_what_is_wrong)
{
    struct text out = text_of(room, sizeof(room));
    static const uint8_t short_header[] = {0x44, 0, 0,  20, 0, 0, 0,  0, 64, 6,
                                           0,    0, 10, 9,  0, 1, 10, 9, 0,  2};

    given(short_header, sizeof(short_header), FIELDS_IP);
    explain_brief(&out, &e, (struct explain_style){0});
    ck_assert_str_eq(room, "#7  0.001500  IP, malformed\n"
                           "   malformed: a header has at least 5 words\n"
                           "   It belongs to no connection of TCP.\n");
}
END_TEST

START_TEST(json_is_one_line_with_big_numbers_as_strings)
{
    struct text out = text_of(room, sizeof(room));
    static const uint8_t runt[] = {2, 0, 0x5e};

    given(runt, sizeof(runt), FIELDS_ETHERNET);
    static const char comment[] = "a \"quote\", \\, \x01, \xc3\xa9 and \xff\xc3";
    e.comment = bytes_of(comment, sizeof(comment) - 1);
    explain_json(&out, &e);
    ck_assert_str_eq(
        room,
        "{\"schema\":1,\"number\":7,\"time_ns\":\"1700000000123456789\",\"since_ns\":1500000,"
        "\"captured_octets\":3,\"octets\":3,\"summary\":\"a runt of 3 octets\",\"flaws\":1,"
        "\"layers\":[{\"key\":\"eth\",\"name\":\"Ethernet\",\"clause\":\"RFC 894\",\"offset\":0,"
        "\"octets\":3,\"fields\":[{\"key\":\"malformed\",\"name\":\"malformed\",\"bit\":0,"
        "\"bits\":24,\"raw\":\"02005e\",\"value\":\"malformed: it ends within Destination "
        "Address\",\"meaning\":\"\",\"clause\":\"RFC 894\"}]}],\"connection\":{\"kind\":\"no-tcp\","
        "\"sentence\":\"It belongs to no connection of TCP.\",\"clause\":\"\"},"
        "\"comment\":\"a \\\"quote\\\", \\\\, \\u0001, \xc3\xa9 and \\ufffd\\ufffd\"}\n");
}
END_TEST

/* As many fields, and as much text, as there can be: nothing is cut. */
START_TEST(whatever_a_packet_becomes_there_is_room_for_it)
{
    static uint8_t packet[40 + 1600];
    static const uint8_t flags[] = {0, 1};

    packet[0] = 0x60;
    packet[4] = 1600 >> 8;
    packet[5] = 1600 & 255;
    packet[6] = 60;
    packet[40] = 60;
    packet[41] = 199;
    for (size_t i = 42; i + 20 < sizeof(packet); i += 20)
        memcpy(packet + i, "\xff\x12\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\", 20);
    given(packet, sizeof(packet), FIELDS_IP);
    ck_assert(d.full);
    e.comment = bytes_of(packet, EXPLAIN_COMMENT);
    for (size_t i = 0; i < sizeof(flags); i++) {
        struct text out = text_of(room, sizeof(room));
        if (flags[i])
            explain_json(&out, &e);
        else
            explain_text(&out, &e, (struct explain_style){.colour = true});
        ck_assert(!out.cut);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("explain");
    TCase *c = tcase_create("renderings");
    tcase_add_test(c, a_header_is_drawn_as_the_rfc_draws_it);
    tcase_add_test(c, a_field_of_several_rows_is_one_cell);
    tcase_add_test(c, the_text_has_a_headline_every_field_and_a_sentence);
    tcase_add_test(c, the_brief_form_names_what_is_wrong);
    tcase_add_test(c, json_is_one_line_with_big_numbers_as_strings);
    tcase_add_test(c, whatever_a_packet_becomes_there_is_room_for_it);
    suite_add_tcase(s, c);
    return run_suite(s, "explain");
}
