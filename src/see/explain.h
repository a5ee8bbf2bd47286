/*
 * explain.h - a dissection shown: as the RFCs' pictures with a list of fields behind each, as one
 * line, or as JSON. All three are made of the same fields.
 *
 * Text goes to a caller's buffer; EXPLAIN_ROOM octets hold whatever a packet can become. What a
 * stranger chose comes out as printable ASCII, on a terminal and in JSON, but for comments in JSON,
 * which are UTF-8.
 */
#ifndef TAPIO_SEE_EXPLAIN_H
#define TAPIO_SEE_EXPLAIN_H

#include "base/json.h"
#include "see/fields.h"
#include "see/track.h"

enum { EXPLAIN_ROOM = 1 << 20, EXPLAIN_COMMENT = 1024 };

/* A packet of a capture, with what was found out about it. */
struct explained {
    uint64_t number;  /* in the file, from 1 */
    int64_t when_ns;  /* since 1970 */
    int64_t since_ns; /* since the first packet */
    const struct dissection *d;
    const struct track_verdict *track;
    struct bytes comment; /* of the file, at most EXPLAIN_COMMENT octets; empty: none */
    bool ethernet;        /* it begins with an Ethernet header */
};

/* What a terminal is told with colours. */
struct explain_style {
    bool colour;
};

/* What it is, on one line (summary.h). */
void explain_summary(struct text *out, const struct explained *e);
/* Headline, pictures, lists, and what it does to its connection. */
void explain_text(struct text *out, const struct explained *e, struct explain_style style);
/* One line for the packet and one for the connection. */
void explain_brief(struct text *out, const struct explained *e, struct explain_style style);
/* One object, and the end of the line. */
void explain_json(struct text *out, const struct explained *e);
/* Its member "layers": headers and their fields. */
void explain_json_layers(struct json *j, const struct dissection *d);

/* The picture of a layer, 32 bits a row, as RFC 791 draws them. */
void explain_picture(struct text *out, const struct dissection *d, const struct layer *layer);

#endif
