/*
 * matrix.h - every segment in every state: the cells, and the table that says what is right.
 *
 * A cell is a state of a connection and a segment: its flags, the places of SEG.SEQ and SEG.ACK
 * among the connection's numbers, text or none, and whether our receive window is open. The table
 * is tests/conformance/matrix.tsv: ordered rows, of which the first that matches a cell is its
 * expectation. It was written from RFC 9293 and its kin, not from src/tcp.
 *
 * Selectors of a row: states, flags (a capital letter must be set, a small one clear), seq, ack,
 * wnd, text; `*` matches all, `|` joins names, `!` in front takes all others. Expectations: next
 * (`=`: the same state), reply, octets delivered, SND.UNA, SND.WND, wake-ups; `?` compares nothing,
 * and `|` joins what is equally right.
 */
#ifndef TAPIO_TESTS_MATRIX_H
#define TAPIO_TESTS_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum matrix_state {
    MATRIX_CLOSED,
    MATRIX_LISTEN,
    MATRIX_SYN_SENT,
    MATRIX_SYN_RCVD_P, /* from LISTEN */
    MATRIX_SYN_RCVD_A, /* from SYN-SENT */
    MATRIX_ESTABLISHED,
    MATRIX_FIN_WAIT_1,
    MATRIX_FIN_WAIT_2,
    MATRIX_CLOSE_WAIT,
    MATRIX_CLOSING,
    MATRIX_LAST_ACK,
    MATRIX_TIME_WAIT,
    MATRIX_STATES,
};

enum matrix_seq { SEQ_BELOW, SEQ_OVERLAP, SEQ_NEXT, SEQ_INSIDE, SEQ_EDGE, SEQ_BEYOND, SEQ_COUNT };
enum matrix_ack { ACK_ANCIENT, ACK_OLD, ACK_UNA, ACK_NEW, ACK_FUTURE, ACK_COUNT };
enum { MATRIX_FLAGS = 64, MATRIX_TEXT = 10 /* octets, where there is text */ };

struct matrix_cell {
    enum matrix_state state;
    uint8_t flags; /* as on the wire */
    enum matrix_seq seq;
    enum matrix_ack ack;
    bool zero; /* our receive window */
    bool text;
};

/* How many cells one state has, and the one with that number. */
enum { MATRIX_CELLS = MATRIX_FLAGS * SEQ_COUNT * ACK_COUNT * 2 * 2 };
struct matrix_cell matrix_cell_of(enum matrix_state state, int number);

enum matrix_reply {
    REPLY_NONE = 1,
    REPLY_ACK = 2,     /* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
    REPLY_RST = 4,     /* <SEQ=SEG.ACK><CTL=RST> */
    REPLY_RST_ACK = 8, /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
    REPLY_SYN_ACK = 16 /* <SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK> */,
    REPLY_OTHER = 32, /* never right */
};

enum matrix_wake { WAKE_READ = 1, WAKE_WRITE = 2, WAKE_ACCEPT = 4, WAKE_ERROR = 8 };
enum matrix_number { NUMBER_SAME = 1, NUMBER_TAKEN = 2, NUMBER_OTHER = 4 };

/* What came, and, as sets of what is right, what should; 0 in a set: not compared. */
struct matrix_outcome {
    unsigned next;   /* 1 << enum matrix_state */
    unsigned reply;  /* enum matrix_reply */
    unsigned octets; /* 1 << how many */
    unsigned una;    /* SND.UNA: as before, or SEG.ACK */
    unsigned wnd;    /* SND.WND: as before, or SEG.WND */
    unsigned wake;   /* 1 << (enum matrix_wake, joined) */
};

struct matrix_row {
    unsigned states, seq, ack, wnd, text; /* sets */
    uint8_t set, clear;                   /* flags */
    struct matrix_outcome want;
    bool stays;          /* next is the cell's own state */
    int line;            /* in the file */
    int matched, failed; /* cells */
    const char *clause, *sentence;
};

/* Reads the table; NULL, or what is wrong with which line. */
const char *matrix_load(const char *path);
int matrix_rows(void);
struct matrix_row *matrix_row(int number);
/* The first row that matches, or NULL. */
struct matrix_row *matrix_find(const struct matrix_cell *cell);

/* The first thing in which they differ, as a sentence without its cell; NULL when they agree. */
const char *matrix_compare(const struct matrix_row *row, const struct matrix_cell *cell,
                           const struct matrix_outcome *got);
/* The cell, as people write it. */
const char *matrix_cell_text(const struct matrix_cell *cell);
const char *matrix_state_name(enum matrix_state state);

#endif
