/*
 * lab_json.c - labs as JSON: the list, or each thing that happened, and the expectations.
 */
#include <jansson.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/instant.h"
#include "lab_verb.h"
#include "sim/lab_value.h"
#include "tcp/tcp_wire.h"

static void print(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

static json_t *line_of(const char *lab, const char *type)
{
    return json_pack("{s:i, s:s, s:s, s:s}", "schema", 1, "verb", "lab", "lab", lab, "type", type);
}

static void set_number(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void set_text(json_t *object, const char *key, struct bytes text)
{
    json_object_set_new(object, key, json_stringn((const char *)text.at, text.len));
}

void lab_json_list(int language)
{
    for (size_t i = 0; i < lab_source_count; i++) {
        const struct lab_source *source = &lab_sources[i];
        json_t *line = line_of(source->name, "lab");
        set_text(line, "title", lab_head(source->text[language], "title"));
        set_text(line, "about", lab_head(source->text[language], "about"));
        print(line);
    }
}

/* --- items -------------------------------------------------------------------------------- */

static int64_t since_start(const struct lab *lab, const struct lab_item *item, instant t)
{
    return t.ns - lab->result.first_of[item->scene];
}

static json_t *flags_of(uint8_t flags)
{
    static const struct {
        uint8_t flag;
        const char *name;
    } names[] = {{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
                 {TCP_ACK, "ACK"}, {TCP_URG, "URG"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}};
    json_t *array = json_array();

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (flags & names[i].flag)
            json_array_append_new(array, json_string(names[i].name));
    return array;
}

static void set_tcp(json_t *line, const struct lab_frame *f)
{
    json_object_set_new(line, "flags", flags_of(f->flags));
    set_number(line, "seq", f->seq);
    set_number(line, "ack", f->ack);
    set_number(line, "raw_seq", f->raw_seq);
    set_number(line, "raw_ack", f->raw_ack);
    set_number(line, "window_octets", f->window);
    if (f->mss)
        set_number(line, "mss", f->mss);
    if (f->window_scale >= 0)
        set_number(line, "window_scale", f->window_scale);
    if (f->sacks == 0)
        return;
    json_t *array = json_array();
    for (int i = 0; i < f->sacks; i++)
        json_array_append_new(
            array, json_pack("[I,I]", (json_int_t)f->sack[i][0], (json_int_t)f->sack[i][1]));
    json_object_set_new(line, "sack", array);
}

static void set_segment(const struct lab *lab, json_t *line, const struct lab_item *item)
{
    static const char *const protocols[] = {"other", "tcp", "udp", "arp", "icmp", "other"};
    const struct lab_frame *f = &item->frame;

    json_object_set_new(line, "protocol", json_string(protocols[f->protocol]));
    if (f->to >= 0)
        json_object_set_new(line, "to", json_string(lab->plan->host[f->to].name));
    json_object_set_new(line, "lost", json_boolean(item->lost));
    if (!item->lost)
        set_number(line, "arrives_ns", since_start(lab, item, item->arrives));
    json_object_set_new(line, "again", json_boolean(item->again));
    json_object_set_new(line, "why", json_string(why_key(item->why)));
    if (item->got != WHY_NONE)
        json_object_set_new(line, "got", json_string(why_key(item->got)));
    set_number(line, "octets", f->size);
    set_number(line, "len", f->len);
    if (f->protocol == LAB_TCP || f->protocol == LAB_UDP) {
        set_number(line, "src_port", f->src_port);
        set_number(line, "dst_port", f->dst_port);
    }
    if (f->protocol == LAB_TCP)
        set_tcp(line, f);
    if (item->has_facts) {
        set_number(line, "cwnd", item->facts.cwnd);
        set_number(line, "inflight", item->facts.inflight);
    }
}

static void set_other(json_t *line, const struct lab_item *item)
{
    json_object_set_new(line, "name", json_string(item->word));
    if (item->kind == LAB_CALL) {
        json_object_set_new(line, "text", json_string(item->text));
        json_object_set_new(line, "waits", json_boolean(item->waits));
        if (!item->waits)
            set_number(line, "result", item->result);
    } else {
        set_number(line, "conn", item->conn);
        if (item->sentence)
            json_object_set_new(line, "because", json_string(item->sentence));
        if (item->kind == LAB_EVENT)
            set_number(line, "value", item->value);
    }
}

void lab_json_items(const struct lab *lab, int language)
{
    static const char *const kinds[] = {"segment", "call", "state", "event"};
    const char *name = lab->source->name;

    json_t *head = line_of(name, "lab");
    set_text(head, "title", lab_head(lab->source->text[language], "title"));
    print(head);
    for (int i = 0; i < lab->result.count && !ferror(stdout); i++) {
        const struct lab_item *item = &lab->result.item[i];
        json_t *line = line_of(name, kinds[item->kind]);
        json_object_set_new(line, "scene", json_string(lab->plan->scene[item->scene].name));
        json_object_set_new(line, "host", json_string(lab->plan->host[item->host].name));
        set_number(line, "at_ns", since_start(lab, item, item->when));
        if (item->kind == LAB_SEGMENT)
            set_segment(lab, line, item);
        else
            set_other(line, item);
        print(line);
    }
}

void lab_json_end(const struct lab *lab, const char *captured, const char *problem)
{
    for (int i = 0; i < lab->plan->expects && !problem; i++) {
        char buffer[2 * LAB_LINE];
        struct text sides = text_of(buffer, sizeof buffer);
        json_t *line = line_of(lab->source->name, "expectation");
        bool holds = lab_holds(lab->plan, &lab->result, lab->plan->expect[i].text, &sides);
        json_object_set_new(line, "text", json_string(lab->plan->expect[i].text));
        json_object_set_new(line, "holds", json_boolean(holds));
        json_object_set_new(line, "values", json_string(buffer));
        print(line);
    }
    json_t *line = line_of(lab->source->name, "end");
    if (captured)
        json_object_set_new(line, "capture", json_string(captured));
    if (problem)
        json_object_set_new(line, "problem", json_string(problem));
    print(line);
}
