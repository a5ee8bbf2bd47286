/*
 * options.h - the command line of a verb: the stack options that all share, and its own.
 *
 * Reading a command line touches nothing: no file, no device. When options_read() says 0, every
 * value is in its range and fits the others; what can only be known from the machine comes later.
 */
#ifndef TAPIO_TOOLS_OPTIONS_H
#define TAPIO_TOOLS_OPTIONS_H

#include <stdio.h>
#include <tapio/tapio.h>

#include "dev/impair.h"
#include "os/os_link.h"
#include "talk.h"

enum offload { OFFLOAD_AUTO, OFFLOAD_OFF, OFFLOAD_ON };

enum {
    STACK_OPTIONS = 19,   /* rows of the stack options */
    OPTIONS_IMPAIRS = 16, /* --impair at most */
    OPTIONS_SETS = 64,    /* --set at most */
    OPTIONS_VERB = 24,    /* options of a verb's own at most */
    MTU_MIN = 68,         /* what every host must be able to take (RFC 791, 3.2) */
    MTU_MAX = 65535,
};

/* --impair, each time that it was given. */
struct impairs {
    const char *spec[OPTIONS_IMPAIRS];
    int count;
};

/* The stack options. Text points into argv. */
struct options {
    struct stack_config config; /* --addr, --gateway, --mac, --mtu, --set, --profile */
    char device[OS_LINK_NAME];  /* --dev: its name, or "stream" */
    const char *stream;         /* --dev stream:PATH; NULL: an interface */
    bool device_given, addr_given, mtu_given, mac_given, host_given, seeded, capture_raw;
    struct ip_prefix host, host6; /* --host-addr, one of each family */
    struct ip_addr dns;           /* --dns; unspecified: none */
    bool dhcp;                    /* --dhcp */
    bool dhcp_patient;            /* a verb's own: it waits for a server for ever */
    enum offload offload;         /* --offload */
    const char *capture;          /* --capture; NULL: none */
    const char *log;              /* --log; NULL: none */
    const char *control;          /* --control; NULL: none */
    bool control_always;          /* a verb's own: who runs it may look in without asking to */
    bool guest;                   /* a verb's own: the process is somebody else's, signals too */
    const char *profile;          /* --profile */
    struct impairs impairs;       /* --impair */
    bool allow_control;           /* a verb's own: the wire can be changed while it runs */
    const char *set[OPTIONS_SETS];
    int set_count;
    uint64_t seed; /* --seed */
    int ready_fd;  /* --ready-fd; -1: none */
};

/* One option: its name, its letter or 0, what to call its argument (NULL: it takes none), what it
 * is for, and what takes it: 0, or the status that refuse() gave. `context` is a struct options for
 * the stack options and the verb's own struct for a verb's. */
struct option_row {
    const char *name;
    char letter;
    const char *argument;
    const char *help;
    int (*take)(void *context, const char *text, struct refusal *refusal);
};

extern const struct option_row stack_option_rows[STACK_OPTIONS];

/* How the stack options fit each other: 0, or the status that refuse() gave. */
TAPIO_NODISCARD int stack_options_check(struct options *o, struct refusal *refusal);

/* What a verb adds. */
struct option_verb {
    const char *name;      /* "serve" */
    const char *arguments; /* what follows its options, "HOST", or "" */
    const char *help;      /* a sentence */
    int operands;          /* how many arguments it takes at least, */
    int more_operands;     /* and how many more it may take */
    const struct option_row *rows;
    size_t row_count;
    bool alone;   /* it takes no stack options */
    bool command; /* its options end at the first operand: what follows has options of its own */
};

enum options_wish {
    OPTIONS_RUN,    /* go on */
    OPTIONS_HELP,   /* --help */
    OPTIONS_VALUES, /* --set help */
};

/* Reads argv[1 ..] (argv[0] is the verb); *first is the index of the first operand then. 0, or the
 * status to exit with and the reason. */
TAPIO_NODISCARD int options_read(struct options *o, const struct option_verb *verb, void *context,
                                 int argc, char **argv, enum options_wish *wish, int *first,
                                 struct refusal *refusal);

void options_print_help(const struct option_verb *verb, FILE *out);
void options_print_values(FILE *out);
/* Prints what was wished for; false when that is to go on. */
bool options_grant(const struct option_verb *verb, enum options_wish wish);

/* A decimal number in [min, max] and nothing else; false when it is not. */
bool number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "1", "0.2" or "2.5" seconds in nanoseconds, up to a day; false when it is not. */
bool seconds_parse(const char *text, int64_t *ns);
/* What an option that wants a time does with its text: at least a millisecond; else refuses. */
TAPIO_NODISCARD int seconds_take(const char *option, const char *text, int64_t *ns,
                                 struct refusal *refusal);
/* What --set does with its text: one value. */
TAPIO_NODISCARD int value_take(const char *text, struct stack_values *values,
                               struct refusal *refusal);
/* What --seed, --offload, --profile and --impair do with theirs. */
TAPIO_NODISCARD int seed_take(uint64_t *seed, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int offload_take(enum offload *offload, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int profile_take(const char **profile, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int impairs_take(struct impairs *impairs, const char *text,
                                 struct refusal *refusal);
/* What they say together. */
void impairs_apply(const struct impairs *impairs, struct impair_config *in,
                   struct impair_config *out);
/* What --ready-fd does with its text; is that descriptor open, before anything of ours may get its
 * number; and the line to it, after which it is closed. -1: there is none. */
TAPIO_NODISCARD int ready_fd_take(int *ready_fd, const char *text, struct refusal *refusal);
TAPIO_NODISCARD int ready_fd_check(int fd, struct refusal *refusal);
void ready_fd_tell(int fd, const char *line);
/* An address that a station can have. */
bool addr_is_host(struct ip_addr addr);
/* Why no other station is behind `peer`, in a phrase that ends with what to do; NULL: one may be.
 */
const char *options_no_peer(const struct options *o, struct ip_addr peer);

#endif
