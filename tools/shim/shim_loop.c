/*
 * shim_loop.c - see shim_loop.h.
 *
 * A rig was opened with a loop of src/os, which nobody runs here: src/posix has its own, with the
 * lock around it. This hands the one's guests to the other.
 */
#include "shim_loop.h"

static struct os_loop *loop_of(struct posix_company *company)
{
    return CONTAINER_OF(company, struct shim_loop, company)->loop;
}

static void heard(struct posix_company *company, int which, instant now)
{
    struct os_watch *watch = loop_of(company)->watches;

    for (int i = 0; i < which; i++)
        watch = watch->next;
    watch->ready(watch, now);
}

static void advance(struct posix_company *company, instant now)
{
    for (struct os_machine *m = loop_of(company)->machines; m; m = m->next)
        if (m->advance)
            m->advance(m, now);
}

static void settled(struct posix_company *company, instant now)
{
    for (struct os_machine *m = loop_of(company)->machines; m; m = m->next)
        if (m->settled)
            m->settled(m, now);
}

static instant deadline(struct posix_company *company)
{
    instant next = INSTANT_NEVER;

    for (struct os_machine *m = loop_of(company)->machines; m; m = m->next)
        next = instant_min(next, m->deadline(m));
    return next;
}

void shim_loop_init(struct shim_loop *own, struct os_loop *loop)
{
    static_assert((int)POSIX_COMPANY >= (int)OS_LOOP_WATCHES, "there is a place for each watch");

    own->loop = loop;
    own->company = (struct posix_company){
        .heard = heard, .advance = advance, .settled = settled, .deadline = deadline};
    for (struct os_watch *w = loop->watches; w; w = w->next)
        own->company.fds[own->company.count++] = w->fd;
}
