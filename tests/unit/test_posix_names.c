/*
 * test_posix_names.c - face two: getaddrinfo(), /etc/hosts and /etc/services.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tapio/socket.h>

#include "base/base.h"
#include "posix/posix_hosts.h"
#include "support/proves.h"

/* "tcp 10.0.0.1:80, udp [::1]:53": what an answer says. */
static const char *text_of(const struct addrinfo *list)
{
    static char text[1024];
    size_t len = 0;

    *text = '\0';
    for (; list; list = list->ai_next) {
        char addr[INET6_ADDRSTRLEN];
        const struct sockaddr_in *in = (const void *)list->ai_addr;
        const struct sockaddr_in6 *in6 = (const void *)list->ai_addr;
        bool v6 = list->ai_family == AF_INET6;
        ck_assert_int_eq(list->ai_addr->sa_family, list->ai_family);
        ck_assert_uint_eq(list->ai_addrlen, v6 ? sizeof *in6 : sizeof *in);
        inet_ntop(list->ai_family, v6 ? (const void *)&in6->sin6_addr : &in->sin_addr, addr,
                  sizeof addr);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s %d", len ? ", " : "",
                                list->ai_socktype == SOCK_STREAM ? "tcp" : "udp", addr,
                                ntohs(v6 ? in6->sin6_port : in->sin_port));
        ck_assert_uint_lt(len, sizeof text);
    }
    return text;
}

static const struct row {
    const char *node, *service;
    struct addrinfo hints;
    int error;
    const char *says;
} rows[] = {
    {"10.0.0.1", "80", {.ai_socktype = SOCK_STREAM}, 0, "tcp 10.0.0.1 80"},
    {"10.0.0.1", "80", {.ai_socktype = 0}, 0, "tcp 10.0.0.1 80, udp 10.0.0.1 80"},
    {"10.0.0.1", NULL, {.ai_protocol = IPPROTO_UDP}, 0, "udp 10.0.0.1 0"},
    {"fe80::1", "0", {.ai_socktype = SOCK_STREAM}, 0, "tcp fe80::1 0"},
    {"fe80::1", "65535", {.ai_socktype = SOCK_STREAM}, 0, "tcp fe80::1 65535"},
    {"10.0.0.1", "1", {.ai_family = AF_INET6}, EAI_ADDRFAMILY, NULL},
    {"fe80::1", "1", {.ai_family = AF_INET}, EAI_ADDRFAMILY, NULL},
    {"10.0.0.1",
     "1",
     {.ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_V4MAPPED},
     0,
     "tcp ::ffff:10.0.0.1 1"},
    {NULL, "7", {.ai_socktype = SOCK_STREAM}, 0, "tcp ::1 7, tcp 127.0.0.1 7"},
    {NULL, "7", {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, 0, "tcp :: 7, tcp 0.0.0.0 7"},
    {NULL,
     "7",
     {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE, .ai_family = AF_INET},
     0,
     "tcp 0.0.0.0 7"},
    {"x.localhost", "7", {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, 0, "tcp 127.0.0.1 7"},
    {NULL, NULL, {.ai_family = AF_INET}, EAI_NONAME, NULL},
    {"", "7", {.ai_family = AF_INET}, EAI_NONAME, NULL},
    {"host.invalid", "7", {.ai_family = AF_INET}, EAI_SYSTEM, NULL}, /* no stack to ask over */
    {"localhost", "7", {.ai_flags = AI_NUMERICHOST}, EAI_NONAME, NULL},
    {"10.0.0.1", "http", {.ai_flags = AI_NUMERICSERV}, EAI_NONAME, NULL},
    {"10.0.0.1", "65536", {.ai_family = AF_INET}, EAI_SERVICE, NULL},
    {"10.0.0.1", "no such service", {.ai_family = AF_INET}, EAI_SERVICE, NULL},
    {"10.0.0.1", "-1", {.ai_family = AF_INET}, EAI_SERVICE, NULL},
    {"10.0.0.1", "", {.ai_family = AF_INET}, EAI_SERVICE, NULL},
    {"10.0.0.1", "1", {.ai_family = AF_UNIX}, EAI_FAMILY, NULL},
    {"10.0.0.1", "1", {.ai_socktype = SOCK_RAW}, EAI_SOCKTYPE, NULL},
    {"10.0.0.1", "1", {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_UDP}, EAI_SOCKTYPE, NULL},
    {"10.0.0.1", "1", {.ai_flags = 1 << 20}, EAI_BADFLAGS, NULL},
    {NULL, "1", {.ai_flags = AI_CANONNAME}, EAI_BADFLAGS, NULL},
};

START_TEST(an_address_is_told_for_each_kind_of_socket)
{
    const struct row *row = &rows[_i];
    struct addrinfo *list = NULL;

    ck_assert_int_eq(tapio_getaddrinfo(row->node, row->service, &row->hints, &list), row->error);
    if (row->error)
        ck_assert_ptr_null(list);
    else
        ck_assert_str_eq(text_of(list), row->says);
    tapio_freeaddrinfo(list);
}
END_TEST

START_TEST(without_hints_everything_is_told)
{
    struct addrinfo *list;

    ck_assert_int_eq(tapio_getaddrinfo("10.0.0.1", "1", NULL, &list), 0);
    ck_assert_str_eq(text_of(list), "tcp 10.0.0.1 1, udp 10.0.0.1 1");
    ck_assert_ptr_null(list->ai_canonname);
    tapio_freeaddrinfo(list);
    ck_assert_ptr_nonnull(tapio_gai_strerror(EAI_NONAME));
}
END_TEST

static int answer(void *context, const char *name, int family, struct ip_addr *out, int max)
{
    ck_assert_int_ge(max, 2);
    ++*(int *)context;
    if (strcmp(name, "slow.example") == 0)
        return EAI_AGAIN;
    if (strcmp(name, "v4.example") == 0 && family == AF_INET)
        return ip_addr_parse("192.0.2.1", &out[0]) == 0;
    if (strcmp(name, "known.example") != 0)
        return 0;
    ck_assert_int_eq(ip_addr_parse("2001:db8::1", &out[0]), 0);
    ck_assert_int_eq(ip_addr_parse("192.0.2.1", &out[1]), 0);
    if (family == AF_UNSPEC)
        return 2;
    out[0] = family == AF_INET ? out[1] : out[0];
    return 1;
}

START_TEST(a_resolver_is_asked_for_what_no_file_knows)
{
    struct addrinfo *list, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    int asked = 0;

    tapio_set_resolver(answer, &asked);
    ck_assert_int_eq(tapio_getaddrinfo("known.example", "80", &hints, &list), 0);
    ck_assert_str_eq(text_of(list), "tcp 2001:db8::1 80, tcp 192.0.2.1 80");
    ck_assert_str_eq(list->ai_canonname, "known.example");
    ck_assert_ptr_null(list->ai_next->ai_canonname);
    tapio_freeaddrinfo(list);
    hints.ai_family = AF_INET;
    ck_assert_int_eq(tapio_getaddrinfo("known.example", "80", &hints, &list), 0);
    ck_assert_str_eq(text_of(list), "tcp 192.0.2.1 80");
    tapio_freeaddrinfo(list);
    ck_assert_int_eq(tapio_getaddrinfo("slow.example", "80", &hints, &list), EAI_AGAIN);
    ck_assert_int_eq(tapio_getaddrinfo("other.example", "80", &hints, &list), EAI_NONAME);
    ck_assert_int_eq(asked, 4);
    hints.ai_family = AF_INET6;
    ck_assert_int_eq(tapio_getaddrinfo("v4.example", "80", &hints, &list), EAI_NONAME);
    hints.ai_flags = AI_V4MAPPED;
    ck_assert_int_eq(tapio_getaddrinfo("v4.example", "80", &hints, &list), 0);
    ck_assert_str_eq(text_of(list), "tcp ::ffff:192.0.2.1 80");
    tapio_freeaddrinfo(list);
    hints.ai_family = AF_UNSPEC;
    asked = 4;
    ck_assert_int_eq(tapio_getaddrinfo("192.0.2.7", "80", &hints, &list), 0); /* no question */
    tapio_freeaddrinfo(list);
    hints.ai_flags = AI_NUMERICHOST;
    ck_assert_int_eq(tapio_getaddrinfo("known.example", "80", &hints, &list), EAI_NONAME);
    ck_assert_int_eq(asked, 4);
    tapio_set_resolver(NULL, NULL);
    ck_assert_int_eq(tapio_getaddrinfo("known.example", "80", NULL, &list), EAI_SYSTEM);
    ck_assert_int_eq(errno, ENETDOWN);
}
END_TEST

/* --- files -------------------------------------------------------------------------------- */

static const char hosts_text[] = "# comment\n"
                                 "192.0.2.1 one ONE.example # two\n"
                                 "\n"
                                 "not-an-address one\n"
                                 "2001:db8::1\tone\r\n"
                                 "192.0.2.2\n"
                                 "   192.0.2.3  three one";

static FILE *file_of(const char *text)
{
    FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");

    ck_assert_ptr_nonnull(file);
    return file;
}

static int find(const char *text, const char *name, int family, struct ip_addr *out, int max)
{
    FILE *file = file_of(text);
    int count = posix_hosts_find(file, name, family, out, max);

    fclose(file);
    return count;
}

START_TEST(hosts_are_found_by_any_of_their_names)
{
    struct ip_addr out[8];
    char text[IP_ADDR_TEXT];

    ck_assert_int_eq(find(hosts_text, "one", AF_UNSPEC, out, 8), 3);
    ck_assert_str_eq(ip_addr_format(out[1], text), "2001:db8::1");
    ck_assert_str_eq(ip_addr_format(out[2], text), "192.0.2.3");
    ck_assert_int_eq(find(hosts_text, "one", AF_INET, out, 8), 2);
    ck_assert_int_eq(find(hosts_text, "one", AF_INET6, out, 8), 1);
    ck_assert_int_eq(find(hosts_text, "one", AF_UNSPEC, out, 1), 1);
    ck_assert_int_eq(find(hosts_text, "one.EXAMPLE", AF_UNSPEC, out, 8), 1);
    ck_assert_int_eq(find(hosts_text, "two", AF_UNSPEC, out, 8), 0); /* in a comment */
    ck_assert_int_eq(find(hosts_text, "192.0.2.2", AF_UNSPEC, out, 8), 0);
    ck_assert_int_eq(find(hosts_text, "", AF_UNSPEC, out, 8), 0);
}
END_TEST

START_TEST(a_line_too_long_is_not_believed)
{
    static char text[5000];
    struct ip_addr out[2];

    memset(text, 'x', sizeof text - 1);
    memcpy(text, "192.0.2.1 one ", 14);
    memcpy(text + 1018, " 192.0.2.9 two ", 15); /* where the second piece would begin */
    memcpy(text + 4000, "\n192.0.2.2 one\n#", 16);
    ck_assert_int_eq(find(text, "one", AF_UNSPEC, out, 2), 1);
    ck_assert_int_eq(out[0].octet[15], 2);
    ck_assert_int_eq(find(text, "two", AF_UNSPEC, out, 2), 0);
}
END_TEST

START_TEST(services_are_found_by_name_and_protocol)
{
    static const struct {
        const char *name, *protocol;
        int port;
    } asked[] = {
        {"http", "tcp", 80},  {"www", "tcp", 80},    {"http", "udp", -1},    {"domain", "udp", 53},
        {"large", "tcp", -1}, {"broken", "tcp", -1}, {"HTTP", "tcp", -1},    {"80/tcp", "tcp", -1},
        {"alone", "tcp", -1}, {"", "tcp", -1},       {"last", "tcp", 65535},
    };

    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        FILE *file = file_of("http 80/tcp www # web\n"
                             "domain\t53/udp\n"
                             "large 65536/tcp\n"
                             "broken x/tcp\n"
                             "alone\n"
                             "last 65535/tcp");
        ck_assert_int_eq(posix_services_find(file, asked[i].name, asked[i].protocol),
                         asked[i].port);
        fclose(file);
    }
}
END_TEST

/* What a resolv.conf comes to, in one line. */
static const char *conf(const char *text)
{
    static char out[8192]; /* more than all names that there may be */
    struct resolver_config config;
    char word[DNS_NAME_TEXT];
    int len = 0;

    resolver_config_init(&config);
    FILE *file = file_of(text);
    posix_resolv_conf_read(file, &config);
    fclose(file);
    for (uint32_t i = 0; i < config.server_count; i++)
        len += sprintf(out + len, "%s ", ip_addr_format(config.server[i], word));
    for (uint32_t i = 0; i < config.search_count; i++) {
        dns_name_to_text(&config.search[i], word);
        len += sprintf(out + len, "%s ", word);
    }
    sprintf(out + len, "%u %lld %u%s", config.ndots, (long long)(config.timeout_ns / NS_PER_S),
            config.attempts, config.tcp ? " tcp" : "");
    return out;
}

static const struct {
    const char *text, *says;
} confs[] = {
    {"\n", "1 5 2"},
    {"nameserver 192.0.2.1\n", "192.0.2.1 1 5 2"},
    {"nameserver 192.0.2.1\nnameserver\t2001:db8::1 # two\nnameserver 192.0.2.3",
     "192.0.2.1 2001:db8::1 192.0.2.3 1 5 2"},
    {"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n",
     "192.0.2.1 192.0.2.2 192.0.2.3 1 5 2"},
    /* what is not understood */
    {"nameserver fe80::1%eth0\nnameserver\nnameserver ns.example\nnameserver 192.0.2.1\n",
     "192.0.2.1 1 5 2"},
    {"nameserver 192.0.2.1 192.0.2.2\n", "192.0.2.1 1 5 2"},
    {"Nameserver 192.0.2.1\n;nameserver 192.0.2.2\n#nameserver 192.0.2.3\nlookup file bind\n",
     "1 5 2"},
    {"sortlist 192.0.2.0/24\noptions rotate edns0 ndots:3 inet6\n", "3 5 2"},
    /* the last of domain and search */
    {"domain one.example\nsearch two.example three.example\n", "two.example three.example 1 5 2"},
    {"search two.example three.example\ndomain one.example\n", "one.example 1 5 2"},
    {"search a b c d e f g h\n", "a b c d e f 1 5 2"},
    {"search a..b c\n", "c 1 5 2"},
    {"search a\nsearch\n", "1 5 2"},
    /* numbers and their bounds */
    {"options ndots:0 timeout:1\noptions attempts:3 use-vc\n", "0 1 3 tcp"},
    {"options ndots:15 timeout:30 attempts:5\n", "15 30 5"},
    {"options ndots:16 timeout:31 attempts:6\n", "15 30 5"},
    {"options ndots:99999999999999999999 timeout:4294967297\n", "15 30 2"},
    {"options timeout:0 attempts:0 ndots: ndots:x ndots:-1 ndots:1x timeout\n", "1 5 2"},
};

START_TEST(a_resolv_conf_is_read_as_far_as_it_is_understood)
{
    ck_assert_str_eq(conf(confs[_i].text), confs[_i].says);
}
END_TEST

static Suite *posix_names_suite(void)
{
    Suite *suite = suite_create("posix_names");
    TCase *c = tcase_create("getaddrinfo"), *files = tcase_create("files");

    tcase_add_loop_test(c, an_address_is_told_for_each_kind_of_socket, 0, ARRAY_LEN(rows));
    tcase_add_test(c, without_hints_everything_is_told);
    tcase_add_test(c, a_resolver_is_asked_for_what_no_file_knows);
    suite_add_tcase(suite, c);
    tcase_add_test(files, hosts_are_found_by_any_of_their_names);
    tcase_add_test(files, a_line_too_long_is_not_believed);
    tcase_add_test(files, services_are_found_by_name_and_protocol);
    tcase_add_loop_test(files, a_resolv_conf_is_read_as_far_as_it_is_understood, 0,
                        ARRAY_LEN(confs));
    suite_add_tcase(suite, files);
    return suite;
}

int main(void)
{
    return run_suite(posix_names_suite(), "posix_names");
}
