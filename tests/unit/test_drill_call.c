/*
 * test_drill_call.c - calls in scripts: their values, what they return, and the names of numbers.
 */
#include <arpa/inet.h>

#include "support/drill_script.h"
#include "support/proves.h"

/* After Check's and ours: these define what the table of numbers must agree with. */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct drill_call *call(const char *text)
{
    const struct drill_event *event = script_event(text);
    ck_assert_int_eq(event->kind, DRILL_CALL);
    return &event->call;
}

/* The one argument of a call. */
static const struct drill_value *value(const char *text)
{
    char whole[1024];
    snprintf(whole, sizeof(whole), "+0 f(%s) = 0", text);
    const struct drill_call *c = call(whole);
    ck_assert_uint_eq(c->arg_count, 1);
    ck_assert_int_eq(c->args[0].name_arg, -1);
    return &c->args[0];
}

/* --- values ------------------------------------------------------------------------------- */

START_TEST(plain_values_are_what_they_look_like)
{
    const struct drill_call *c =
        call("+0 f(3, -1, 0x802, O_RDWR, NULL, ..., \"a\\n\", 0xffffffffffffffff) = 0");
    ck_assert_uint_eq(c->arg_count, 8);
    ck_assert_int_eq(c->args[0].kind, DRILL_INTEGER);
    ck_assert_int_eq(c->args[0].integer, 3);
    ck_assert_int_eq(c->args[1].integer, -1);
    ck_assert_int_eq(c->args[2].integer, 0x802);
    ck_assert_int_eq(c->args[3].kind, DRILL_WORD);
    ck_assert_str_eq(c->args[3].text, "O_RDWR");
    ck_assert_str_eq(c->args[4].text, "NULL");
    ck_assert_int_eq(c->args[5].kind, DRILL_ELLIPSIS);
    ck_assert_int_eq(c->args[6].kind, DRILL_STRING);
    ck_assert_str_eq(c->args[6].text, "a\n");
    ck_assert_int_eq(c->args[6].integer, 2);
    ck_assert_int_eq(c->args[7].integer, -1);
    for (uint32_t i = 0; i < c->arg_count; i++)
        ck_assert_ptr_null(c->args[i].name);
}
END_TEST

START_TEST(a_call_may_have_no_arguments)
{
    ck_assert_uint_eq(call("+0 f() = 0")->arg_count, 0);
}
END_TEST

START_TEST(an_or_has_its_parts_in_order)
{
    const struct drill_value *v = value("O_RDWR|0x800 | 4");
    ck_assert_int_eq(v->kind, DRILL_OR);
    ck_assert_uint_eq(v->count, 3);
    ck_assert_str_eq(v->items[0].text, "O_RDWR");
    ck_assert_int_eq(v->items[1].integer, 0x800);
    ck_assert_int_eq(v->items[2].integer, 4);
}
END_TEST

START_TEST(adjacent_strings_are_one)
{
    const struct drill_value *v = value("\"ab\" \"\" \"c\\x00d\"\n\"e\"");
    ck_assert_int_eq(v->kind, DRILL_STRING);
    ck_assert_int_eq(v->integer, 6);
    ck_assert_int_eq(memcmp(v->text, "abc\0de", 7), 0);
    script_done();
    ck_assert_str_eq(value("\"\"")->text, "");
}
END_TEST

START_TEST(lists_nest)
{
    const struct drill_value *v = value("[1, [], [[2], A|B], {..., 5}]");
    ck_assert_int_eq(v->kind, DRILL_LIST);
    ck_assert_uint_eq(v->count, 4);
    ck_assert_int_eq(v->items[0].integer, 1);
    ck_assert_uint_eq(v->items[1].count, 0);
    ck_assert_ptr_null(v->items[1].items);
    ck_assert_int_eq(v->items[2].items[0].items[0].integer, 2);
    ck_assert_int_eq(v->items[2].items[1].kind, DRILL_OR);
    ck_assert_int_eq(v->items[3].kind, DRILL_STRUCT);
    ck_assert_int_eq(v->items[3].items[0].kind, DRILL_ELLIPSIS);
    ck_assert_int_eq(v->items[3].items[1].integer, 5);
    ck_assert_ptr_null(v->items[3].items[1].name);
}
END_TEST

START_TEST(functions_give_numbers_as_c_has_them)
{
    const struct drill_call *c =
        call("+0 f(inet_addr(\"192.0.2.1\"), htons(8080), inet6_addr(\"2001:db8::1\"), "
             "inet6_addr(\"::ffff:192.0.2.1\")) = 0");
    ck_assert_int_eq(c->args[0].kind, DRILL_INTEGER);
    ck_assert_int_eq(c->args[0].integer, inet_addr("192.0.2.1"));
    ck_assert_int_eq(c->args[1].kind, DRILL_INTEGER);
    ck_assert_int_eq(c->args[1].integer, htons(8080));
    ck_assert_int_eq(c->args[2].kind, DRILL_ADDRESS);
    ck_assert_uint_eq(c->args[2].address.octet[0], 0x20);
    ck_assert_uint_eq(c->args[2].address.octet[15], 1);
    ck_assert(ip_is_v4(c->args[3].address));
}
END_TEST

START_TEST(a_struct_has_fields_with_names)
{
    const struct drill_value *v = value("{events=POLLIN|POLLOUT, fd = 4, u64=0x10, onoff=1}");
    ck_assert_int_eq(v->kind, DRILL_STRUCT);
    ck_assert_uint_eq(v->count, 4);
    ck_assert_str_eq(v->items[0].name, "events");
    ck_assert_int_eq(v->items[0].kind, DRILL_OR);
    ck_assert_str_eq(v->items[1].name, "fd");
    ck_assert_int_eq(v->items[1].integer, 4);
    ck_assert_int_eq(v->items[1].name_arg, -1);
    script_done();
    v = value("{sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr(\"1.2.3.4\")}");
    ck_assert_str_eq(v->items[0].text, "AF_INET");
    ck_assert_int_eq(v->items[1].integer, htons(5));
    ck_assert_str_eq(v->items[2].name, "sin_addr");
    script_done();
    v = value("{_TCP_NLA_BUSY=100, _TCP_NLA_CA_STATE=..., A, htons(1), A|B}");
    ck_assert_str_eq(v->items[0].name, "_TCP_NLA_BUSY");
    ck_assert_int_eq(v->items[1].kind, DRILL_ELLIPSIS);
    ck_assert_str_eq(v->items[1].name, "_TCP_NLA_CA_STATE");
    ck_assert_ptr_null(v->items[2].name);
    ck_assert_str_eq(v->items[2].text, "A");
    ck_assert_int_eq(v->items[3].integer, htons(1));
    ck_assert_int_eq(v->items[4].kind, DRILL_OR);
}
END_TEST

START_TEST(a_message_is_a_struct_of_structs)
{
    const struct drill_call *c = call(
        "+0 recvmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 100}, {...,20}],\n"
        "  msg_flags=MSG_ERRQUEUE|MSG_CTRUNC,\n"
        "  msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING,\n"
        "    cmsg_data={scm_sec=0,scm_nsec=200000000}},\n"
        "   {cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=ENOMSG,\n"
        "    ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, ee_info=1, "
        "ee_data=9}}]}, MSG_ERRQUEUE) = 0");
    ck_assert_str_eq(c->name, "recvmsg");
    ck_assert_uint_eq(c->arg_count, 3);
    const struct drill_value *m = &c->args[1];
    ck_assert_uint_eq(m->count, 4);
    ck_assert_str_eq(m->items[0].name, "msg_name");
    ck_assert_int_eq(m->items[0].kind, DRILL_ELLIPSIS);
    ck_assert_int_eq(m->items[0].name_arg, -1);
    ck_assert_str_eq(m->items[1].name, "msg_iov");
    ck_assert_int_eq(m->items[1].name_arg, 2);
    ck_assert_uint_eq(m->items[1].count, 2);
    ck_assert_int_eq(m->items[1].items[1].items[1].integer, 20);
    ck_assert_str_eq(m->items[2].name, "msg_flags");
    ck_assert_int_eq(m->items[2].kind, DRILL_OR);
    ck_assert_int_eq(m->items[2].name_arg, -1);
    const struct drill_value *cmsg = &m->items[3].items[0];
    ck_assert_str_eq(cmsg->items[2].name, "cmsg_data");
    ck_assert_str_eq(cmsg->items[2].items[1].name, "scm_nsec");
    ck_assert_int_eq(cmsg->items[2].items[1].integer, 200000000);
    ck_assert_str_eq(m->items[3].items[1].items[2].items[5].name, "ee_data");
}
END_TEST

/* --- results ------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    int64_t result;
    bool any;
    const char *errno_name;
} results[] = {
    {"= 0", 0, false, NULL},
    {"= -1 EAGAIN (Resource temporarily unavailable)", -1, false, "EAGAIN"},
    {"= 0x802 (flags O_RDWR|O_NONBLOCK)", 0x802, false, NULL},
    {"= 0x802 (flags O_RDWR and O_NONBLOCK)", 0x802, false, NULL},
    {"= ...", 0, true, NULL},
    {"= -1 EPIPE (Broken pipe) (a note)", -1, false, "EPIPE"},
    {"= -1 EPIPE ()", -1, false, "EPIPE"},
    {"= 5 (words, with 1.5 signs: the peer's 0x1)", 5, false, NULL},
    {"= -1 EWOULDBLOCK (x)", -1, false, "EWOULDBLOCK"},
};

START_TEST(a_result_has_an_errno_and_notes)
{
    char text[128];
    snprintf(text, sizeof(text), "+0 f(1) %s", results[_i].text);
    const struct drill_call *c = call(text);
    ck_assert_int_eq(c->result, results[_i].result);
    ck_assert_int_eq(c->result_any, results[_i].any);
    if (results[_i].errno_name)
        ck_assert_str_eq(c->errno_name, results[_i].errno_name);
    else
        ck_assert_ptr_null(c->errno_name);
}
END_TEST

static const struct {
    const char *text, *says;
} mistakes[] = {
    {"f", "'(' behind the name of a call"},
    {"f(", "a value: a number"},
    {"f(,) = 0", "a value: a number"},
    {"f(1,) = 0", "a value: a number"},
    {"f(1 2) = 0", "',' and another argument, or ')'"},
    {"f(1.5) = 0", "a value: a number"},
    {"f(1)", "'=' and the result"},
    {"f(1) =", "a number or '...'"},
    {"f(1) = A", "a number or '...' as the result, found 'A'"},
    {"f(1) = 1.5", "a number or '...'"},
    {"f(1) = 1|2", "a time in front of the event"},
    {"f(1) = -1 EAGAIN", "a note in () behind the errno"},
    {"f(1) = -1 ENOSUCH (x)", "the name of an errno"},
    {"f(1) = -1 (a \"b\")", "words and ')'"},
    {"f(1) = -1 (a (b))", "words and ')'"},
    {"f(1) = 0 (a", "words and ')'"},
    {"f([1) = 0", "',' and another value, or ']'"},
    {"f([1,]) = 0", "a value: a number"},
    {"f({}) = 0", "a value: a number"},
    {"f({a=1) = 0", "',' and another field, or '}'"},
    {"f({a=}) = 0", "a value: a number"},
    {"f({a(1)}) = 0", "'=' behind the name of a field"},
    {"f({a(x)=1}) = 0", "'...' or a number"},
    {"f({a(-1)=1}) = 0", "'...' or a number"},
    {"f({a=b=1}) = 0", "',' and another field"},
    {"f(a=1) = 0", "',' and another argument"},
    {"f([a=1]) = 0", "',' and another value"},
    {"f(g(1)) = 0", "'g(' is no value"},
    {"f((int)1) = 0", "a value: a number"},
    {"f(1|) = 0", "a value: a number"},
    {"f(1|\"a\") = 0", "a value: a number"},
    {"f(inet_addr(1)) = 0", "an IPv4 address in quotes"},
    {"f(inet_addr(\"1.2.3\")) = 0", "an IPv4 address in quotes"},
    {"f(inet_addr(\"::1\")) = 0", "an IPv4 address in quotes"},
    {"f(inet6_addr(\"zz\")) = 0", "an IPv6 address in quotes"},
    {"f(htons(65536)) = 0", "a number from 0 to 65535"},
    {"f(htons(1) = 0", "',' and another argument, or ')'"},
    {"f(htons) = 0", NULL},
    {"f(99999999999999999999) = 0", NULL},
};

START_TEST(a_mistake_in_a_call_is_told)
{
    char text[256];
    snprintf(text, sizeof(text), "0 `a`\n+0 %s", mistakes[_i].text);
    if (mistakes[_i].says)
        script_refused(text, 2, mistakes[_i].says);
    else
        script_given(text); /* words without a number: drill_integer() says so */
}
END_TEST

/* --- names -------------------------------------------------------------------------------- */

#define SYMBOL(name)                                                                               \
    {                                                                                              \
#name, (int64_t)(name)                                                                     \
    }

static const struct {
    const char *name;
    int64_t number;
} symbols[] = {
    SYMBOL(AF_UNSPEC),
    SYMBOL(AF_INET),
    SYMBOL(PF_INET6),
    SYMBOL(SOCK_STREAM),
    SYMBOL(SOCK_DGRAM),
    SYMBOL(SOCK_NONBLOCK),
    SYMBOL(IPPROTO_TCP),
    SYMBOL(IPPROTO_ICMPV6),
    SYMBOL(SOL_SOCKET),
    SYMBOL(SOL_TCP),
    SYMBOL(SOL_UDP),
    SYMBOL(SO_REUSEADDR),
    SYMBOL(SO_ZEROCOPY),
    SYMBOL(SO_TIMESTAMPING),
    SYMBOL(SO_LINGER),
    SYMBOL(TCP_NODELAY),
    SYMBOL(TCP_INFO),
    SYMBOL(TCP_FASTOPEN_CONNECT),
    SYMBOL(TCP_FASTOPEN_KEY),
    SYMBOL(TCP_INQ),
    SYMBOL(TCP_CM_INQ),
    SYMBOL(TCP_NOTSENT_LOWAT),
    SYMBOL(TCP_USER_TIMEOUT),
    SYMBOL(IP_TOS),
    SYMBOL(IP_RECVERR),
    SYMBOL(IPV6_RECVERR),
    SYMBOL(IPV6_TCLASS),
    SYMBOL(SHUT_WR),
    SYMBOL(MSG_PEEK),
    SYMBOL(MSG_ERRQUEUE),
    SYMBOL(MSG_ZEROCOPY),
    SYMBOL(MSG_FASTOPEN),
    SYMBOL(MSG_EOR),
    SYMBOL(POLLIN),
    SYMBOL(POLLRDHUP),
    SYMBOL(SCM_TIMESTAMPING),
    SYMBOL(SCM_TIMESTAMPING_OPT_STATS),
    SYMBOL(FD_CLOEXEC),
    SYMBOL(F_GETFL),
    SYMBOL(F_SETFL),
    SYMBOL(F_SETOWN),
    SYMBOL(F_SETSIG),
    SYMBOL(F_SETPIPE_SZ),
    SYMBOL(O_RDONLY),
    SYMBOL(O_WRONLY),
    SYMBOL(O_RDWR),
    SYMBOL(O_NONBLOCK),
    SYMBOL(O_APPEND),
    SYMBOL(O_ASYNC),
    SYMBOL(O_CLOEXEC),
    SYMBOL(O_CREAT),
    SYMBOL(O_DSYNC),
    SYMBOL(O_EXCL),
    SYMBOL(O_NOCTTY),
    SYMBOL(O_NOFOLLOW),
    SYMBOL(O_SYNC),
    SYMBOL(O_TRUNC),
    SYMBOL(SPLICE_F_MOVE),
    SYMBOL(SPLICE_F_NONBLOCK),
    SYMBOL(SPLICE_F_MORE),
    SYMBOL(SPLICE_F_GIFT),
    SYMBOL(EPOLLIN),
    SYMBOL(EPOLLOUT),
    SYMBOL(EPOLLPRI),
    SYMBOL(EPOLLERR),
    SYMBOL(EPOLLHUP),
    SYMBOL(EPOLLRDHUP),
    SYMBOL(EPOLLONESHOT),
    SYMBOL(EPOLLEXCLUSIVE),
    SYMBOL(EPOLLWRNORM),
    SYMBOL(EPOLL_CTL_ADD),
    SYMBOL(EPOLL_CTL_MOD),
    SYMBOL(EPOLL_CTL_DEL),
    SYMBOL(SIOCINQ),
    SYMBOL(SIOCOUTQ),
    SYMBOL(SIOCOUTQNSD),
    SYMBOL(FIONREAD),
    SYMBOL(FIONBIO),
    SYMBOL(SOF_TIMESTAMPING_TX_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_TX_SCHED),
    SYMBOL(SOF_TIMESTAMPING_TX_ACK),
    SYMBOL(SOF_TIMESTAMPING_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_OPT_ID),
    SYMBOL(SOF_TIMESTAMPING_OPT_STATS),
    SYMBOL(SOF_TIMESTAMPING_OPT_TSONLY),
    SYMBOL(SOF_TIMESTAMPING_OPT_TX_SWHW),
    SYMBOL(SO_EE_ORIGIN_TIMESTAMPING),
    SYMBOL(SO_EE_ORIGIN_ZEROCOPY),
    SYMBOL(SO_EE_ORIGIN_ICMP),
    SYMBOL(SO_EE_ORIGIN_ICMP6),
    SYMBOL(SO_EE_CODE_ZEROCOPY_COPIED),
    SYMBOL(SCM_TSTAMP_SCHED),
    SYMBOL(SCM_TSTAMP_ACK),
    SYMBOL(CAP_NET_ADMIN),
    SYMBOL(CAP_NET_RAW),
    SYMBOL(EAGAIN),
    SYMBOL(ENOMSG),
    {"NULL", 0},
    {"EPOLLET", 0x80000000},
};

START_TEST(a_name_has_the_number_of_the_systems_headers)
{
    int64_t number;
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        ck_assert_msg(drill_symbol(symbols[i].name, &number), "%s", symbols[i].name);
        ck_assert_msg(number == symbols[i].number, "%s: %lld", symbols[i].name, (long long)number);
    }
    ck_assert(!drill_symbol("TCP_NONSENSE", &number));
    ck_assert(!drill_symbol("", &number));
    ck_assert(!drill_symbol("SOCK_CLOEXEC", &number)); /* the language has none */
}
END_TEST

START_TEST(errors_have_names_both_ways)
{
    int number;
    ck_assert(drill_errno("ECONNREFUSED", &number));
    ck_assert_int_eq(number, ECONNREFUSED);
    ck_assert(drill_errno("EWOULDBLOCK", &number));
    ck_assert_int_eq(number, EAGAIN);
    ck_assert(!drill_errno("ENONSENSE", &number));
    ck_assert_str_eq(drill_errno_name(EAGAIN), "EAGAIN");
    ck_assert_str_eq(drill_errno_name(EOPNOTSUPP), "EOPNOTSUPP");
    ck_assert_str_eq(drill_errno_name(ENOTCONN), "ENOTCONN");
    ck_assert_str_eq(drill_errno_name(0), "?");
    ck_assert_str_eq(drill_errno_name(-1), "?");
}
END_TEST

START_TEST(a_value_of_whole_numbers_has_one)
{
    int64_t number;
    const char *unknown;
    ck_assert(drill_integer(value("-5"), &number, &unknown));
    ck_assert_int_eq(number, -5);
    script_done();
    ck_assert(drill_integer(value("O_RDWR|O_NONBLOCK"), &number, &unknown));
    ck_assert_int_eq(number, 0x802);
    script_done();
    ck_assert(!drill_integer(value("O_RDWR|O_NONSENSE"), &number, &unknown));
    ck_assert_str_eq(unknown, "O_NONSENSE");
    script_done();
    ck_assert(!drill_integer(value("[1]"), &number, &unknown));
    ck_assert_ptr_null(unknown);
    script_done();
    ck_assert(!drill_integer(value("..."), &number, &unknown));
    ck_assert_ptr_null(unknown);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("drill_call");
    TCase *c = tcase_create("calls");
    tcase_add_checked_fixture(c, NULL, script_done);
    tcase_add_test(c, plain_values_are_what_they_look_like);
    tcase_add_test(c, a_call_may_have_no_arguments);
    tcase_add_test(c, an_or_has_its_parts_in_order);
    tcase_add_test(c, adjacent_strings_are_one);
    tcase_add_test(c, lists_nest);
    tcase_add_test(c, functions_give_numbers_as_c_has_them);
    tcase_add_test(c, a_struct_has_fields_with_names);
    tcase_add_test(c, a_message_is_a_struct_of_structs);
    tcase_add_loop_test(c, a_result_has_an_errno_and_notes, 0, (int)ARRAY_LEN(results));
    tcase_add_loop_test(c, a_mistake_in_a_call_is_told, 0, (int)ARRAY_LEN(mistakes));
    suite_add_tcase(s, c);

    c = tcase_create("names");
    tcase_add_checked_fixture(c, NULL, script_done);
    tcase_add_test(c, a_name_has_the_number_of_the_systems_headers);
    tcase_add_test(c, errors_have_names_both_ways);
    tcase_add_test(c, a_value_of_whole_numbers_has_one);
    suite_add_tcase(s, c);
    return run_suite(s, "drill_call");
}
