/*
 * test_tcp_state.c - the edges between the eleven states, against figure 5 of RFC 9293 and the text
 * of 3.10.
 */
#include <string.h>

#include "base/base.h"
#include "support/proves.h"
#include "tcp/tcp_state.h"

enum { N = TCP_STATE_COUNT };

/* From the row to the column: y must be legal, n must not, and what the RFC leaves to the house is
 * '?': a listener may be no connection at all and its child begin in CLOSED, a connection may stay
 * where it is by a change that is none, a FIN may take SYN-RECEIVED and SYN-SENT through
 * ESTABLISHED or not, and TIME-WAIT may be opened again. */
/* clang-format off */
static const char *const edges[N] = {
    /*                    CLOSED LISTEN SYN-S SYN-R EST FW-1 FW-2 C-WAIT CLOSING L-ACK T-WAIT */
    [TCPS_CLOSED]       = "?"    "?"    "y"   "?"   "n" "n"  "n"  "n"    "n"     "n"   "n",
    [TCPS_LISTEN]       = "?"    "?"    "?"   "?"   "n" "n"  "n"  "n"    "n"     "n"   "n",
    [TCPS_SYN_SENT]     = "y"    "n"    "?"   "y"   "y" "n"  "n"  "?"    "n"     "n"   "n",
    [TCPS_SYN_RECEIVED] = "y"    "?"    "n"   "?"   "y" "y"  "n"  "?"    "n"     "n"   "n",
    [TCPS_ESTABLISHED]  = "y"    "n"    "n"   "n"   "?" "y"  "n"  "y"    "n"     "n"   "n",
    [TCPS_FIN_WAIT_1]   = "y"    "n"    "n"   "n"   "n" "?"  "y"  "n"    "y"     "n"   "y",
    [TCPS_FIN_WAIT_2]   = "y"    "n"    "n"   "n"   "n" "n"  "?"  "n"    "n"     "n"   "y",
    [TCPS_CLOSE_WAIT]   = "y"    "n"    "n"   "n"   "n" "n"  "n"  "?"    "n"     "y"   "n",
    [TCPS_CLOSING]      = "y"    "n"    "n"   "n"   "n" "n"  "n"  "n"    "?"     "n"   "y",
    [TCPS_LAST_ACK]     = "y"    "n"    "n"   "n"   "n" "n"  "n"  "n"    "n"     "?"   "n",
    [TCPS_TIME_WAIT]    = "y"    "?"    "n"   "?"   "n" "n"  "n"  "n"    "n"     "n"   "?",
};
/* clang-format on */

START_TEST(the_edges_are_those_of_figure_5)
{
    for (int from = 0; from < N; from++) {
        ck_assert_uint_eq(strlen(edges[from]), N);
        for (int to = 0; to < N; to++) {
            bool legal = tcp_state_may_follow((enum tcp_state)from, (enum tcp_state)to);
            if (edges[from][to] != '?' && legal != (edges[from][to] == 'y'))
                ck_abort_msg("%s -> %s is %s", tcp_state_name((enum tcp_state)from),
                             tcp_state_name((enum tcp_state)to), legal ? "legal" : "illegal");
        }
    }
}
END_TEST

/* y and n as above: synchronized (3.10.7.4), can receive text (seventh), has sent what must arrive.
 */
static const struct {
    enum tcp_state state;
    char synchronized, receive, send;
} is[] = {
    {TCPS_CLOSED, 'n', 'n', 'n'},      {TCPS_LISTEN, 'n', 'n', 'n'},
    {TCPS_SYN_SENT, 'n', '?', 'n'},    {TCPS_SYN_RECEIVED, 'y', '?', '?'},
    {TCPS_ESTABLISHED, 'y', 'y', 'y'}, {TCPS_FIN_WAIT_1, 'y', 'y', 'y'},
    {TCPS_FIN_WAIT_2, 'y', 'y', 'n'},  {TCPS_CLOSE_WAIT, 'y', 'n', 'y'},
    {TCPS_CLOSING, 'y', 'n', 'y'},     {TCPS_LAST_ACK, 'y', 'n', 'y'},
    {TCPS_TIME_WAIT, 'y', 'n', 'n'},
};

static void holds(const char *what, enum tcp_state state, bool got, char want)
{
    if (want != '?' && got != (want == 'y'))
        ck_abort_msg("%s of %s: %s", what, tcp_state_name(state), got ? "yes" : "no");
}

START_TEST(the_questions_about_a_state_are_answered_as_the_rfc_does)
{
    ck_assert_uint_eq(ARRAY_LEN(is), N);
    for (size_t i = 0; i < ARRAY_LEN(is); i++) {
        enum tcp_state state = is[i].state;
        holds("synchronized", state, tcp_state_is_synchronized(state), is[i].synchronized);
        holds("can receive", state, tcp_state_can_receive(state), is[i].receive);
        holds("can send", state, tcp_state_can_send(state), is[i].send);
    }
}
END_TEST

START_TEST(each_state_has_the_rfcs_name)
{
    static const char *const names[N] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                         "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                         "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    for (int i = 0; i < N; i++)
        ck_assert_str_eq(tcp_state_name((enum tcp_state)i), names[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tcp_state");

    TCase *c = tcase_create("RFC 9293, 3.3.2: states");
    tcase_add_test(c, the_edges_are_those_of_figure_5);
    tcase_add_test(c, the_questions_about_a_state_are_answered_as_the_rfc_does);
    tcase_add_test(c, each_state_has_the_rfcs_name);
    suite_add_tcase(s, c);
    return run_suite(s, "tcp_state");
}
