/*
 * test_top.c - what `tapio top` knows, shows and does with keys: lines in, grids out.
 *
 * Whole screens are held against files in tests/unit/screens. TAPIO_WRITE_SCREENS=1 writes them
 * anew; what has changed is then to be looked at.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "see/fields.h"
#include "support/proves.h"
#include "tcp/tcp_state.h"
#include "top_keys.h"
#include "top_model.h"
#include "top_plain.h"
#include "top_view.h"

static struct top_model model;
static struct top_choice choice;
static struct grid grid;
static char screen[4 * GRID_ROWS * GRID_COLS];

static void given_a_model(void)
{
    ck_assert(top_model_init(&model));
    choice = (struct top_choice){0};
}

static void free_model(void)
{
    top_model_fini(&model);
}

static enum top_line feed(const char *line)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(object != NULL, "%s in %s", error.text, line);
    const enum top_line what = top_read(&model, object);
    json_decref(object);
    return what;
}

static enum top_line feedf(const char *format, ...) __attribute__((format(printf, 1, 2)));
static enum top_line feedf(const char *format, ...)
{
    char line[16384];
    va_list args;

    va_start(args, format);
    ck_assert_int_lt(vsnprintf(line, sizeof line, format, args), (int)sizeof line);
    va_end(args);
    return feed(line);
}

static const char *draw(int rows, int cols, bool utf8)
{
    struct text text = text_of(screen, sizeof screen);

    grid_clear(&grid, rows, cols, utf8);
    top_draw(&grid, &model, &choice);
    grid_write(&grid, &text);
    return screen;
}

static enum top_wish press(int key, char spec[64])
{
    struct text text = text_of(spec, 64);
    return top_press(&choice, &model, key, &text);
}

static void press_all(const char *keys)
{
    char spec[64];

    for (; *keys; keys++)
        ck_assert_int_eq(press(*keys, spec), TOP_WISH_NONE);
}

static bool shows(const char *part)
{
    return strstr(screen, part) != NULL;
}

/* --- a transfer ----------------------------------------------------------------------------- */

#define WIRE                                                                                       \
    "\"wire\":[{\"loss_ppm\":0,\"delay_us\":0,\"rate_bps\":0,\"lost\":0,\"rate_dropped\":0},"      \
    "{\"loss_ppm\":10000,\"delay_us\":20000,\"rate_bps\":10000000,\"lost\":3,\"rate_dropped\":1}]"

#define ENDS "\"local\":\"10.9.0.2:80\",\"remote\":\"10.9.0.1:40000\""

/* A sample at `us` of connection 3, with these figures and packets. */
static enum top_line sample(uint64_t us, unsigned cwnd, unsigned inflight, unsigned acked,
                            const char *packets)
{
    return feedf("{\"type\":\"sample\",\"missed\":0,\"n\":1,\"us\":%llu,\"conns\":[{\"id\":3,"
                 "\"state\":\"ESTABLISHED\"," ENDS ",\"cwnd\":%u,\"ssthresh\":20000,"
                 "\"inflight\":%u,\"srtt_us\":20400,\"rto_us\":220000,\"snd_wnd\":65535,"
                 "\"mss\":1448,\"sent\":99000,\"acked\":%u,\"received\":75,\"again\":2,"
                 "\"limit\":\"cwnd\",\"phase\":\"open\",\"cc\":\"cubic\","
                 "\"timer\":\"retransmit\",\"timer_us\":199000}],\"gone\":[],\"packets\":[%s],"
                 "\"left_out\":0,\"received\":120,\"consumed\":118,\"sent\":130,"
                 "\"drops\":{\"tcp.rx_csum\":2}," WIRE "}",
                 (unsigned long long)us, cwnd, inflight, acked, packets);
}

/* The segment that is looked at: Ethernet, IPv4 and TCP with its timestamps. */
#define HEADERS                                                                                    \
    "02005e10000202005e1000010800"                                                                 \
    "450005dc000040004006210a0a0900020a090001"                                                     \
    "00509c4000000be9000007d18010020019e300000101080a0000000a0000000b"

static void given_a_transfer(void)
{
    given_a_model();
    feed("{\"type\":\"hello\",\"schema\":1,\"tick_ms\":80,\"device\":\"tap0\",\"us\":1}");
    feed("{\"type\":\"decisions\",\"of\":["
         "{\"n\":1,\"us\":0,\"conn\":2,\"what\":\"state\",\"from\":\"LAST-ACK\",\"to\":\"CLOSED\","
         "\"cause\":\"our FIN was acknowledged\",\"local\":\"10.9.0.2:80\","
         "\"remote\":\"10.9.0.1:39998\"},"
         "{\"n\":2,\"us\":10000,\"conn\":3,\"what\":\"state\",\"from\":\"CLOSED\","
         "\"to\":\"SYN-RECEIVED\",\"cause\":\"a SYN came to a listener\"," ENDS "},"
         "{\"n\":3,\"us\":30000,\"conn\":3,\"what\":\"state\",\"from\":\"SYN-RECEIVED\","
         "\"to\":\"ESTABLISHED\",\"cause\":\"the handshake is complete\"," ENDS "}]}");
    sample(80000, 14480, 14480, 0,
           "[10,10000,3,1,\"syn-received\",1999,0,64240,0,2,[]],"
           "[11,10000,3,0,\"syn-ack\",2999,2000,65535,0,18,[]],"
           "[12,30000,3,1,\"handshake-done\",2000,3000,64240,0,16,[]],"
           "[13,31000,3,1,\"text-pushed\",2000,3000,64240,75,24,[]],"
           "[14,31000,3,0,\"initial-window\",3000,2075,512,1448,16,[]]");
    feed("{\"type\":\"headers\",\"of\":[[14,1514,1,\"" HEADERS "\"]]}");
    feed("{\"type\":\"decisions\",\"of\":[{\"n\":4,\"us\":90000,\"conn\":3,\"what\":\"retransmit\","
         "\"seq\":4448,\"len\":1448,\"why\":\"sack-retransmit\",\"times\":1},"
         "{\"n\":5,\"us\":90000,\"conn\":3,\"what\":\"cwnd\",\"cwnd\":10136,\"ssthresh\":10136,"
         "\"cause\":\"what left later has arrived (RFC 8985, 6.2)\"}]}");
    sample(160000, 10136, 8688, 20000,
           "[15,89000,3,1,\"ack-duplicate\",2075,4448,64240,0,16,[5896,7344]],"
           "[16,90000,3,0,\"sack-retransmit\",4448,2075,512,1448,16,[]],"
           "[17,91000,0,2,\"dropped\",7,0,512,10,16,[],\"tcp.rx_csum\"],"
           "[18,92000,0,0,\"arp-reply\"]");
    sample(240000, 11584, 10136, 40000, "");
}

static void expect_screen(const char *name, int rows, int cols, bool utf8)
{
    static char wanted[sizeof screen];
    char path[512];

    draw(rows, cols, utf8);
    snprintf(path, sizeof path, "%s/%s.txt", TAPIO_SCREENS, name);
    if (getenv("TAPIO_WRITE_SCREENS")) {
        FILE *out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        fputs(screen, out);
        fclose(out);
    }
    FILE *in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s is missing", path);
    wanted[fread(wanted, 1, sizeof wanted - 1, in)] = '\0';
    fclose(in);
    ck_assert_msg(strcmp(screen, wanted) == 0, "%s: it shows\n%s", name, screen);
}

/* clang-format off */
static const struct {
    const char *name, *keys;
    int rows, cols;
    bool utf8;
} screens[] = {
    {"ladder-80x24",       "1",  24, 80,  true},
    {"ladder-80x24-ascii", "1",  24, 80,  false},
    {"states-80x24",       "2",  24, 80,  true},
    {"octets-80x24",       "3",  24, 80,  true},
    {"cwnd-80x24",         "4",  24, 80,  true},
    {"decisions-80x24",    "5",  24, 80,  true},
    {"drops-80x24",        "6",  24, 80,  true},
    {"help-80x24",         "?",  24, 80,  true},
    {"all-80x24",          "a1", 24, 80,  true},
    {"wide-200x60",        "",   60, 200, true},
    {"wide-200x60-ascii",  "",   60, 200, false},
};
/* clang-format on */

START_TEST(a_screen_is_as_it_was_looked_at)
{
    char spec[64];

    press_all(screens[_i].keys);
    if (screens[_i].keys[0] == '3')
        press(TOP_KEY_UP, spec); /* the last one that has headers is two before the newest */
    if (screens[_i].keys[0] == '3')
        press(TOP_KEY_UP, spec);
    expect_screen(screens[_i].name, screens[_i].rows, screens[_i].cols, screens[_i].utf8);
}
END_TEST

START_TEST(at_any_size_nothing_is_drawn_outside_and_ascii_is_ascii)
{
    char spec[64];

    for (int pane = '1'; pane < '1' + PANE_COUNT; pane++) {
        press(pane, spec);
        for (int rows = 0; rows < 64; rows += 3)
            for (int cols = 0; cols < 240; cols += 11) {
                draw(rows, cols, (rows + cols) % 2);
                int beyond = 0; /* of ASCII */
                for (int row = 0; row < rows; row++)
                    for (int col = 0; col < cols && !grid.utf8; col++)
                        beyond += grid.cell[row][col].glyph >= 0x7f;
                ck_assert_int_eq(beyond, 0);
            }
    }
    draw(10, 60, true);
    ck_assert_str_eq(strtok(screen, "\n"), "tapio top wants 80x24, this is 60x10");
}
END_TEST

START_TEST(before_the_first_sample_it_says_that_it_waits)
{
    draw(24, 80, true);
    ck_assert(shows("waiting for the first sample"));
}
END_TEST

/* --- time ----------------------------------------------------------------------------------- */

START_TEST(a_step_back_shows_what_was_then_and_going_on_what_is_now)
{
    char spec[64];

    draw(24, 80, true);
    ck_assert(shows("11.5k") && shows("live 0.24 s"));
    press_all(",");
    draw(24, 80, true);
    ck_assert(shows("10.1k") && shows("FROZEN 0.16 s, 80.0ms ago"));
    ck_assert(shows("sack-retransmit"));
    press_all(",");
    draw(24, 80, true);
    ck_assert(shows("14.4k") && !shows("sack-retransmit"));
    press_all("<");
    draw(24, 80, true);
    ck_assert(shows("FROZEN 0.08 s"));
    sample(320000, 13032, 0, 60000, ""); /* time goes on and is not seen */
    draw(24, 80, true);
    ck_assert(shows("FROZEN 0.08 s, 240ms ago"));
    press_all(".>");
    draw(24, 80, true);
    ck_assert(shows("FROZEN 0.32 s, 0us ago") && shows("13.0k"));
    press_all(" ");
    draw(24, 80, true);
    ck_assert(shows("live 0.32 s"));
    press(TOP_KEY_UP, spec);
    ck_assert(choice.frozen); /* whoever chooses a packet wants to look at it */
}
END_TEST

START_TEST(what_is_looked_at_stays_however_much_comes)
{
    press_all(" ");
    const uint64_t at = top_shown(&model, &choice);
    for (unsigned i = 0; i < 2 * TOP_MOMENTS; i++)
        sample(400000 + i * 80000u, 20000, 0, 60000, "[99,90000,3,0,\"written\",1,1,1,1,16,[]]");
    ck_assert_uint_eq(top_shown(&model, &choice), at);
    ck_assert_uint_eq(top_shown_moment(&model, &choice)->us, 240000);
    draw(24, 80, true);
    ck_assert(shows("sack-retransmit"));
    press_all(" ");
    sample(99000000, 20000, 0, 60000, "");
    draw(24, 80, true);
    ck_assert(shows("live 99.00 s"));
}
END_TEST

START_TEST(rings_forget_the_oldest)
{
    for (unsigned i = 0; i < TOP_MOMENTS + 10; i++)
        sample(400000 + i * 80000u, 20000, 0, 60000, "");
    ck_assert_uint_eq(model.moments - top_oldest_moment(&model), TOP_MOMENTS);
    ck_assert_ptr_null(top_moment(&model, top_oldest_moment(&model) - 1));
    ck_assert_ptr_nonnull(top_moment(&model, top_oldest_moment(&model)));
    ck_assert_ptr_null(top_moment(&model, model.moments));
}
END_TEST

/* --- packets and fields --------------------------------------------------------------------- */

START_TEST(the_cursor_stays_on_its_field_from_packet_to_packet)
{
    char spec[64];

    press(TOP_KEY_UP, spec);
    press(TOP_KEY_UP, spec);
    const struct dissection *d = top_dissect(&model, &choice);
    ck_assert_ptr_nonnull(d);
    ck_assert_str_eq(d->field[top_chosen_field(d, &choice)].key, "tcp.srcport");
    press(TOP_KEY_RIGHT, spec);
    press(TOP_KEY_RIGHT, spec);
    d = top_dissect(&model, &choice);
    ck_assert_str_eq(d->field[top_chosen_field(d, &choice)].name, "Sequence Number");
    press(TOP_KEY_UP, spec); /* the headers of this one did not come */
    ck_assert_ptr_null(top_dissect(&model, &choice));
    press(TOP_KEY_RIGHT, spec);
    press(TOP_KEY_DOWN, spec);
    d = top_dissect(&model, &choice);
    ck_assert_str_eq(d->field[top_chosen_field(d, &choice)].name, "Sequence Number");
    for (uint32_t i = 0; i < d->field_count; i++)
        press(TOP_KEY_LEFT, spec); /* all the way around */
    ck_assert_str_eq(d->field[top_chosen_field(d, &choice)].name, "Sequence Number");
}
END_TEST

/* The octets that are lit: those of the pane's left side, in their order. */
static void lit_octets(char out[64])
{
    int len = 0;

    draw(24, 80, true);
    for (int row = 10; row < 23; row++)
        for (int col = 14; col < 27 && len < 63; col++)
            if (grid.cell[row][col].style == STYLE_LIT)
                out[len++] = (char)grid.cell[row][col].glyph;
    out[len] = '\0';
}

START_TEST(the_octets_of_the_field_are_lit_and_no_others)
{
    char spec[64], lit[64];

    press_all("3");
    press(TOP_KEY_UP, spec);
    press(TOP_KEY_UP, spec);
    lit_octets(lit);
    ck_assert_str_eq(lit, "00 50"); /* the source port */
    press(TOP_KEY_RIGHT, spec);
    press(TOP_KEY_RIGHT, spec);
    lit_octets(lit);
    ck_assert_str_eq(lit, "00 00 0b e9"); /* the sequence number */
    press(TOP_KEY_RIGHT, spec);
    press(TOP_KEY_RIGHT, spec);
    lit_octets(lit);
    ck_assert_str_eq(lit, "80"); /* half an octet */
}
END_TEST

START_TEST(up_and_down_stop_at_the_ends)
{
    char spec[64];

    for (int i = 0; i < 30; i++)
        press(TOP_KEY_UP, spec);
    ck_assert_uint_eq(top_packet(&model, top_chosen_packet(&model, &choice))->id, 10);
    press(TOP_KEY_PAGE_DOWN, spec);
    ck_assert_uint_eq(top_packet(&model, top_chosen_packet(&model, &choice))->id, 16);
    press(TOP_KEY_PAGE_UP, spec);
    press_all("g");
    ck_assert_uint_eq(top_packet(&model, top_chosen_packet(&model, &choice))->id, 16);
    press_all("a"); /* and those of no connection */
    ck_assert_uint_eq(top_packet(&model, top_chosen_packet(&model, &choice))->id, 18);
}
END_TEST

START_TEST(numbers_count_from_the_first_that_was_seen_without_a_syn)
{
    sample(320000, 14480, 0, 0, "");
    feed("{\"type\":\"sample\",\"us\":400000,\"conns\":[{\"id\":9,\"state\":\"ESTABLISHED\"," ENDS
         "}],\"packets\":[[50,390000,9,0,\"written\",4000000000,77,512,100,16,[]],"
         "[51,391000,9,1,\"ack-new\",77,4000000100,512,0,16,[]]]}");
    choice.conn = 9;
    draw(24, 80, true);
    ck_assert(shows(" seq 1 +100 "));
    ck_assert(shows(" ack 101 win 512 "));
    ck_assert(shows("-")); /* what is not told is not invented */
}
END_TEST

/* --- connections ---------------------------------------------------------------------------- */

START_TEST(connections_are_in_order_and_those_that_ended_give_way)
{
    for (unsigned id = 200; id > 200 - TOP_CONNS - 6; id--)
        feedf("{\"type\":\"sample\",\"us\":1,\"conns\":[{\"id\":%u,\"state\":\"%s\"," ENDS "}]}",
              id, id % 2 ? "ESTABLISHED" : "CLOSED");
    int count = 0;
    for (int i = 0; i < TOP_CONNS; i++) {
        ck_assert(i == 0 || model.conn[i - 1].id < model.conn[i].id);
        count += model.conn[i].id != 0;
    }
    ck_assert_int_eq(count, TOP_CONNS);
    ck_assert_ptr_nonnull(top_conn_find(&model, 199));
    ck_assert_ptr_null(top_conn_find(&model, 2)); /* had ended before all others */
    for (unsigned id = 1000; id < 1200; id++)
        feedf("{\"type\":\"sample\",\"us\":1,\"conns\":[{\"id\":%u,\"state\":\"ESTABLISHED\"," ENDS
              "}]}",
              id);
    ck_assert_ptr_nonnull(top_conn_find(&model, 199)); /* who is alive does not give way */
    ck_assert_ptr_null(top_conn_find(&model, 1199));
    ck_assert_ptr_null(top_conn_find(&model, 0));
}
END_TEST

START_TEST(the_next_connection_is_chosen_around_and_around)
{
    char spec[64];

    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 3);
    press('c', spec);
    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 2);
    press('c', spec);
    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 3);
    press('C', spec);
    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 2);
    press('a', spec);
    ck_assert_ptr_null(top_chosen(&model, &choice));
    press('c', spec);
    ck_assert_ptr_nonnull(top_chosen(&model, &choice));
}
END_TEST

START_TEST(one_that_is_gone_is_shown_as_closed)
{
    feed("{\"type\":\"sample\",\"us\":320000,\"gone\":[3]}");
    choice.conn = 3;
    press_all("2");
    draw(24, 80, true);
    ck_assert(shows("[CLOSED]"));
    ck_assert(shows("It has ended"));
}
END_TEST

START_TEST(the_diagram_has_each_state_where_the_table_says)
{
    choice.conn = 3;
    choice.pane = PANE_STATES;
    for (int i = 0; i < TCP_STATE_COUNT; i++) {
        char lit[32];
        const char *name = tcp_state_name((enum tcp_state)i);
        feedf("{\"type\":\"sample\",\"us\":320000,\"conns\":[{\"id\":3,\"state\":\"%s\"," ENDS
              "}]}",
              name);
        draw(24, 80, true);
        snprintf(lit, sizeof lit, "[%s]", name);
        ck_assert_msg(shows(lit), "%s is not lit in\n%s", name, screen);
        const char *last = strrchr(screen, '[');
        ck_assert_int_eq(strncmp(last, lit, strlen(lit)), 0); /* and no other */
    }
}
END_TEST

/* --- the wire ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *before; /* keys */
    char key;
    unsigned loss_ppm, delay_us, rate_bps; /* of both ways */
    const char *spec;
} changes[] = {
    {"",   'l', 0,       0,      0,          "out:loss=0.1%"},
    {"",   'l', 10000,   0,      0,          "out:loss=2%"},
    {"",   'L', 10000,   0,      0,          "out:loss=0.5%"},
    {"",   'L', 0,       0,      0,          "out:loss=0%"},
    {"",   'l', 1000000, 0,      0,          "out:loss=100%"},
    {"",   'l', 12345,   0,      0,          "out:loss=2%"},
    {"w",  'd', 0,       0,      0,          "in:delay=1000us"},
    {"w",  'd', 0,       20000,  0,          "in:delay=50000us"},
    {"w",  'D', 0,       20000,  0,          "in:delay=10000us"},
    {"ww", 'r', 0,       0,      0,          "rate=1000000000bit"},
    {"ww", 'r', 0,       0,      10000000,   "rate=5000000bit"},
    {"ww", 'R', 0,       0,      10000000,   "rate=20000000bit"},
    {"ww", 'R', 0,       0,      1000000000, "rate=none"},
    {"ww", 'R', 0,       0,      0,          "rate=none"},
    {"ww", 'r', 0,       0,      100000,     "rate=100000bit"},
};
/* clang-format on */

START_TEST(keys_ask_for_the_next_step_from_where_the_wire_is)
{
    char spec[64], wire[256];

    snprintf(wire, sizeof wire, "{\"loss_ppm\":%u,\"delay_us\":%u,\"rate_bps\":%u}",
             changes[_i].loss_ppm, changes[_i].delay_us, changes[_i].rate_bps);
    feedf("{\"type\":\"sample\",\"us\":320000,\"wire\":[%s,%s]}", wire, wire);
    press_all(changes[_i].before);
    ck_assert_int_eq(press(changes[_i].key, spec), TOP_WISH_WIRE);
    ck_assert_str_eq(spec, changes[_i].spec);
}
END_TEST

START_TEST(keys_that_are_faster_than_samples_go_on_from_what_was_asked)
{
    char spec[64];

    press('l', spec);
    ck_assert_str_eq(spec, "out:loss=2%");
    press('l', spec);
    ck_assert_str_eq(spec, "out:loss=5%");
    press('d', spec);
    ck_assert_str_eq(spec, "out:delay=50000us");
    for (unsigned i = 0; i < 5; i++)
        sample(320000 + i * 80000, 1, 1, 1, ""); /* whose wire is as before: it was refused */
    press('l', spec);
    ck_assert_str_eq(spec, "out:loss=2%");
}
END_TEST

START_TEST(freezing_stays_with_the_connection_that_was_shown)
{
    press_all(" ");
    feed("{\"type\":\"sample\",\"us\":320000,\"gone\":[3],\"conns\":[{\"id\":5,\"state\":"
         "\"ESTABLISHED\"," ENDS "}]}");
    press_all(".");
    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 3);
    press_all(" ");
    ck_assert_uint_eq(top_chosen(&model, &choice)->id, 5); /* the one that is alive */
}
END_TEST

START_TEST(a_wire_that_cannot_be_changed_says_what_would_help)
{
    char spec[64];

    feed("{\"type\":\"sample\",\"us\":320000}");
    ck_assert_int_eq(press('l', spec), TOP_WISH_NONE);
    draw(24, 80, true);
    ck_assert(shows("start it with --allow-control"));
    ck_assert_int_eq(press('q', spec), TOP_WISH_QUIT);
}
END_TEST

/* --- lines ---------------------------------------------------------------------------------- */

static const char *const strange[] = {
    "{}",
    "[]",
    "{\"type\":\"nothing\"}",
    "{\"type\":7}",
    "{\"type\":\"decisions\",\"of\":[{},7,[],{\"what\":\"state\"},{\"what\":\"dance\"}]}",
    "{\"type\":\"headers\",\"of\":[[],[1],[1,2,3,\"zz\"],[1,2,3,\"0\"],[2,3,4,5]]}",
    "{\"type\":\"sample\",\"conns\":[{},{\"id\":\"x\"},{\"id\":4,\"state\":\"ODD\"}],\"gone\":[{}],"
    "\"packets\":[[],[1,2,3],[1,2,3,4,5],[1,2,3,99,\"?\",1,2,3,4,5,[1,2,3,4,5,6,7,8,9,10],7]],"
    "\"wire\":[1]}",
    "{\"type\":\"sample\",\"conns\":7,\"gone\":7,\"packets\":7,\"wire\":7,\"drops\":7}",
};

START_TEST(a_strange_line_does_no_harm)
{
    char long_hex[1024];

    memset(long_hex, 'a', sizeof long_hex - 1);
    long_hex[sizeof long_hex - 1] = '\0';
    feed(strange[_i]);
    feedf("{\"type\":\"headers\",\"of\":[[90,9,1,\"%s\"]]}", long_hex);
    for (int pane = '1'; pane < '1' + PANE_COUNT; pane++) {
        char spec[64];
        press(pane, spec);
        press(TOP_KEY_UP, spec);
        draw(24, 80, true);
        draw(60, 200, true);
    }
    ck_assert_ptr_nonnull(top_conn_find(&model, 3));
    ck_assert_uint_eq(top_headers(&model, 90)->kept, LIVE_HEADERS);
}
END_TEST

START_TEST(a_refusal_and_the_end_are_told)
{
    ck_assert_int_eq(feed("{\"type\":\"error\",\"error\":\"no\"}"), TOP_LINE_ERROR);
    ck_assert_int_eq(feed("{\"type\":\"end\"}"), TOP_LINE_END);
    ck_assert_int_eq(feed("{\"type\":\"hello\"}"), TOP_LINE_NONE);
    ck_assert_int_eq(sample(320000, 1, 1, 1, ""), TOP_LINE_SAMPLE);
}
END_TEST

START_TEST(plain_lines_have_the_figures_and_tell_of_an_end_once)
{
    char room[4096];
    struct text text = text_of(room, sizeof room);

    top_plain(&text, &model, 2, 1);
    ck_assert_str_eq(
        room,
        "t=0.240 stack connections=1 received=120 sent=130 dropped=2 in_loss=0% in_delay_us=0 "
        "in_rate_bps=0 in_lost=0 out_loss=1% out_delay_us=20000 out_rate_bps=10000000 out_lost=4\n"
        "t=0.240 conn=3 state=ESTABLISHED local=10.9.0.2:80 remote=10.9.0.1:40000 "
        "octets_per_s=250000 cwnd=11584 ssthresh=20000 inflight=10136 srtt_us=20400 "
        "rto_us=220000 snd_wnd=65535 mss=1448 sent=99000 acked=40000 received=75 again=2 "
        "timer_us=199000 timer=retransmit phase=open cc=cubic limited_by=cwnd\n");
    feed("{\"type\":\"sample\",\"us\":320000,\"gone\":[3]}");
    feed("{\"type\":\"sample\",\"us\":400000}");
    text = text_of(room, sizeof room);
    top_plain(&text, &model, 3, 2);
    ck_assert_ptr_nonnull(strstr(room, "conn=3 state=CLOSED"));
    text = text_of(room, sizeof room);
    top_plain(&text, &model, 4, 3);
    ck_assert_ptr_null(strstr(room, "conn=3"));
}
END_TEST

/* --- words ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    char what;
    uint64_t value;
    const char *text;
} words[] = {
    {'c', 0, "0"}, {'c', 9999, "9999"}, {'c', 10000, "10.0k"}, {'c', 14480, "14.4k"}, {'c', 999999, "999k"},
    {'c', 1000000, "1.00M"}, {'c', 4294967295u, "4.29G"}, {'c', UINT64_MAX, "18446P"},
    {'t', 0, "0us"}, {'t', 999, "999us"}, {'t', 1000, "1.00ms"}, {'t', 20400, "20.4ms"}, {'t', 1250000, "1.25s"},
    {'l', 0, "0%"}, {'l', 1000, "0.1%"}, {'l', 5000, "0.5%"}, {'l', 10000, "1%"}, {'l', 12345, "1.2345%"}, {'l', 1000000, "100%"},
    {'r', 0, "no limit"}, {'r', 999, "999bit/s"}, {'r', 1500, "1.5kbit/s"}, {'r', 10000000, "10Mbit/s"}, {'r', 1000000000, "1Gbit/s"},
    {'d', 0, "0ms"}, {'d', 500, "0.5ms"}, {'d', 20000, "20ms"},
};
/* clang-format on */

START_TEST(figures_have_few_digits_and_a_unit)
{
    char room[64];
    struct text text = text_of(room, sizeof room);
    const uint64_t value = words[_i].value;

    switch (words[_i].what) {
    case 'c':
        top_add_count(&text, value);
        break;
    case 't':
        top_add_time(&text, value);
        break;
    case 'l':
        top_add_loss(&text, (uint32_t)value);
        break;
    case 'r':
        top_add_rate(&text, value);
        break;
    default:
        top_add_delay(&text, value);
        break;
    }
    ck_assert_str_eq(room, words[_i].text);
}
END_TEST

START_TEST(words_are_folded_and_what_does_not_fit_is_marked)
{
    struct text text = text_of(screen, sizeof screen);

    grid_clear(&grid, 4, 10, true);
    ck_assert_int_eq(area_put_folded(grid_all(&grid), 0, 3, STYLE_PLAIN, "one two three four five"),
                     3);
    grid_write(&grid, &text);
    ck_assert_str_eq(screen, "one two\nthree four\nfive\n\n");
    text = text_of(screen, sizeof screen);
    grid_clear(&grid, 2, 10, true);
    area_put_folded(grid_all(&grid), 0, 2, STYLE_PLAIN, "unbreakablewords are cut and so on");
    grid_write(&grid, &text);
    ck_assert_str_eq(screen, "unbreakabl\newords ar…\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("top");
    TCase *c = tcase_create("screens");
    tcase_add_checked_fixture(c, given_a_transfer, free_model);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_screen_is_as_it_was_looked_at, 0, ARRAY_LEN(screens));
    tcase_add_test(c, at_any_size_nothing_is_drawn_outside_and_ascii_is_ascii);
    tcase_add_test(c, the_diagram_has_each_state_where_the_table_says);
    tcase_add_test(c, one_that_is_gone_is_shown_as_closed);
    suite_add_tcase(s, c);
    c = tcase_create("time and packets");
    tcase_add_checked_fixture(c, given_a_transfer, free_model);
    tcase_add_test(c, a_step_back_shows_what_was_then_and_going_on_what_is_now);
    tcase_add_test(c, what_is_looked_at_stays_however_much_comes);
    tcase_add_test(c, rings_forget_the_oldest);
    tcase_add_test(c, the_cursor_stays_on_its_field_from_packet_to_packet);
    tcase_add_test(c, the_octets_of_the_field_are_lit_and_no_others);
    tcase_add_test(c, up_and_down_stop_at_the_ends);
    tcase_add_test(c, numbers_count_from_the_first_that_was_seen_without_a_syn);
    tcase_add_test(c, connections_are_in_order_and_those_that_ended_give_way);
    tcase_add_test(c, the_next_connection_is_chosen_around_and_around);
    suite_add_tcase(s, c);
    c = tcase_create("keys and lines");
    tcase_add_checked_fixture(c, given_a_transfer, free_model);
    tcase_add_loop_test(c, keys_ask_for_the_next_step_from_where_the_wire_is, 0,
                        ARRAY_LEN(changes));
    tcase_add_test(c, keys_that_are_faster_than_samples_go_on_from_what_was_asked);
    tcase_add_test(c, freezing_stays_with_the_connection_that_was_shown);
    tcase_add_test(c, a_wire_that_cannot_be_changed_says_what_would_help);
    tcase_add_loop_test(c, a_strange_line_does_no_harm, 0, ARRAY_LEN(strange));
    tcase_add_test(c, a_refusal_and_the_end_are_told);
    tcase_add_test(c, plain_lines_have_the_figures_and_tell_of_an_end_once);
    suite_add_tcase(s, c);
    c = tcase_create("words");
    tcase_add_checked_fixture(c, given_a_model, free_model);
    tcase_add_test(c, before_the_first_sample_it_says_that_it_waits);
    tcase_add_loop_test(c, figures_have_few_digits_and_a_unit, 0, ARRAY_LEN(words));
    tcase_add_test(c, words_are_folded_and_what_does_not_fit_is_marked);
    suite_add_tcase(s, c);
    return run_suite(s, "top");
}
