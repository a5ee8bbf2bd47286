/*
 * pool.c - objects of one size, cut from slabs.
 *
 * A slab is one allocation: a short header, then slots. An object's number is its slab's place in
 * places[] times the slots of a slab, plus its own slot; it is kept in the last four octets of the
 * slot ("tag"), behind the object, so that pool_put() finds the slab from an address alone and
 * notices an object that comes back twice. While a slot is free its tag links it to the next free
 * one of its slab. Slots that were never out are not linked, only counted (`fresh`): a new slab's
 * pages are not touched before they are needed, and nothing is cleared twice.
 *
 * places[] itself grows by doubling up to what the cap needs, so that a pool with an enormous cap
 * costs nothing while it is idle. A new slab takes the place that was given up last, or one that
 * never had any when there is none, so numbers stay below the most objects that there ever were,
 * and nothing is looked for. Of the slabs with room those that something is out of come first, so
 * that load gathers in few slabs and the others can go back; then the one that became empty last,
 * which the processor's cache may still hold.
 *
 * Under AddressSanitizer a free slot is poisoned, and so is a strip between an object and its tag.
 * Left out: a lock (a stack belongs to one thread) and moving objects together (they have
 * addresses).
 */
#include "base/pool.h"

#include <errno.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, len)   ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#endif

enum {
    ALIGN = 16,
    SLAB_OCTETS = 65536 - 64, /* the allocator's own header fits into the pages, too */
    EMPTY_KEPT = 4,           /* slabs that stay although nothing is out of them, */
    EMPTY_PART = 4,           /* or one for each so many in use */
    TABLE_FIRST = 8,          /* length of places[] at first */
};

/* A tag: the number of an object that is out, or FREE and the slot of the next free one. */
static const uint32_t FREE = UINT32_C(1) << 31;
static const uint32_t NO_SLOT = UINT32_MAX >> 1;
static const uint32_t NO_PLACE = UINT32_MAX;

struct pool_slab {
    struct list node; /* in pool->open or pool->empty, or in no list when the slab is full */
    uint32_t place;   /* in pool->places[] */
    uint32_t slots;   /* per_slab, but in the last slab of a pool perhaps fewer */
    uint32_t used;    /* slots that are out */
    uint32_t fresh;   /* slots from here on were never out */
    uint32_t first;   /* of the linked free slots, or NO_SLOT */
};

enum { SLAB_HEADER = (sizeof(struct pool_slab) + ALIGN - 1) / ALIGN * ALIGN };

static struct pool_slab *slab_of(struct list *node)
{
    return CONTAINER_OF(node, struct pool_slab, node);
}

static uint8_t *slot_at(const struct pool *pool, struct pool_slab *slab, uint32_t slot)
{
    return (uint8_t *)slab + SLAB_HEADER + (size_t)slot * pool->object_size;
}

static uint32_t tag_read(const struct pool *pool, const void *object)
{
    uint32_t tag;
    memcpy(&tag, (const uint8_t *)object + pool->object_size - sizeof(tag), sizeof(tag));
    return tag;
}

static void tag_write(const struct pool *pool, void *object, uint32_t tag)
{
    memcpy((uint8_t *)object + pool->object_size - sizeof(tag), &tag, sizeof(tag));
}

static uint32_t slots_at(const struct pool *pool, uint32_t place)
{
    return u32_min(pool->per_slab, pool->cap - place * pool->per_slab);
}

static size_t slab_octets(const struct pool *pool, uint32_t slots)
{
    return SLAB_HEADER + (size_t)slots * pool->object_size;
}

static uint32_t places_at_cap(const struct pool *pool)
{
    return pool->cap / pool->per_slab + (pool->cap % pool->per_slab != 0);
}

int pool_init(struct pool *pool, struct memory *memory, const char *name, size_t object_size,
              uint32_t cap)
{
    size_t size = (object_size + POOL_STRIP + POOL_TAG + ALIGN - 1) / ALIGN * ALIGN;

    assert(object_size > 0 && size < UINT32_MAX / 2);
    assert(cap > 0 && cap < NO_SLOT);
    *pool = (struct pool){.memory = memory,
                          .name = name,
                          .asked_size = (uint32_t)object_size,
                          .object_size = (uint32_t)size,
                          .cap = cap};
    pool->per_slab = (uint32_t)size_max((SLAB_OCTETS - SLAB_HEADER) / size, 1);
    pool->per_slab = u32_min(pool->per_slab, cap);
    pool->free_place = NO_PLACE;
    list_init(&pool->open);
    list_init(&pool->empty);

    pool->place_count = u32_min(places_at_cap(pool), TABLE_FIRST);
    pool->places = memory_alloc(memory, pool->place_count * sizeof(pool->places[0]));
    return pool->places ? 0 : -ENOMEM;
}

static void slab_release(struct pool *pool, struct pool_slab *slab)
{
    size_t len = slab_octets(pool, slab->slots);

    list_remove(&slab->node);
    pool->places[slab->place] = (struct pool_place){.next_free = pool->free_place};
    pool->free_place = slab->place;
    pool->slabs--;
    ASAN_UNPOISON_MEMORY_REGION(slab, len);
    memory_release(pool->memory, slab, len);
}

void pool_fini(struct pool *pool)
{
    for (uint32_t place = 0; place < pool->fresh_place; place++)
        if (pool->places[place].slab)
            slab_release(pool, pool->places[place].slab);
    if (pool->places)
        memory_release(pool->memory, pool->places, pool->place_count * sizeof(pool->places[0]));
    *pool = (struct pool){0};
    list_init(&pool->open);
    list_init(&pool->empty);
}

static bool table_grow(struct pool *pool)
{
    uint32_t count = u32_min(places_at_cap(pool), pool->place_count * 2);
    struct pool_place *places = memory_alloc(pool->memory, count * sizeof(places[0]));

    if (!places)
        return false;
    memcpy(places, pool->places, pool->place_count * sizeof(places[0]));
    memory_release(pool->memory, pool->places, pool->place_count * sizeof(places[0]));
    pool->places = places;
    pool->place_count = count;
    return true;
}

/* A new, empty slab in its list; NULL without memory. The pool is below its cap
 * and all its slabs are full, so there is a place for one more. */
static struct pool_slab *slab_new(struct pool *pool)
{
    bool is_fresh = pool->free_place == NO_PLACE;
    uint32_t place = is_fresh ? pool->fresh_place : pool->free_place;
    assert(place < places_at_cap(pool));
    if (place == pool->place_count && !table_grow(pool))
        return NULL;

    uint32_t slots = slots_at(pool, place);
    size_t len = slab_octets(pool, slots);
    struct pool_slab *slab = memory_alloc_unzeroed(pool->memory, len);
    if (!slab)
        return NULL;
    assert((uintptr_t)slab % ALIGN == 0);
    *slab = (struct pool_slab){.place = place, .slots = slots, .first = NO_SLOT};
    list_init(&slab->node);
    list_append(&pool->empty, &slab->node);
    pool->slabs++;
    if (is_fresh)
        pool->fresh_place++;
    else
        pool->free_place = pool->places[place].next_free;
    pool->places[place].slab = slab;
    pool->empty_slabs++;
    ASAN_POISON_MEMORY_REGION((uint8_t *)slab + SLAB_HEADER, len - SLAB_HEADER);
    return slab;
}

void *pool_get_unzeroed(struct pool *pool)
{
    struct pool_slab *slab = NULL;

    if (!list_is_empty(&pool->open))
        slab = slab_of(pool->open.next);
    else if (!list_is_empty(&pool->empty))
        slab = slab_of(pool->empty.next);
    else if (pool->used < pool->cap)
        slab = slab_new(pool);
    if (!slab) {
        pool->refused++;
        return NULL;
    }

    uint32_t slot = slab->first != NO_SLOT ? slab->first : slab->fresh;
    assert(slot < slab->slots);
    uint8_t *object = slot_at(pool, slab, slot);
    ASAN_UNPOISON_MEMORY_REGION(object, pool->asked_size);
    ASAN_UNPOISON_MEMORY_REGION(object + pool->object_size - POOL_TAG, POOL_TAG);
    if (slot == slab->fresh)
        slab->fresh++;
    else
        slab->first = tag_read(pool, object) & ~FREE;
    tag_write(pool, object, slab->place * pool->per_slab + slot);

    if (slab->used++ == 0) {
        pool->empty_slabs--;
        list_remove(&slab->node);
        list_append(&pool->open, &slab->node);
    }
    if (slab->used == slab->slots)
        list_remove(&slab->node);
    pool->used++;
    return object;
}

void *pool_get(struct pool *pool)
{
    void *object = pool_get_unzeroed(pool);
    if (object)
        memset(object, 0, pool->asked_size);
    return object;
}

uint32_t pool_index(const struct pool *pool, const void *object)
{
    uint32_t index = tag_read(pool, object);
    assert(pool_at(pool, index) == object);
    return index;
}

/* The slab with this number, which may be any; NULL when there is none, or its slot was never out.
 */
static struct pool_slab *slab_with(const struct pool *pool, uint32_t index, uint32_t *slot)
{
    uint32_t place = index / pool->per_slab;

    *slot = index % pool->per_slab;
    if (place >= pool->fresh_place || index >= pool->cap)
        return NULL;
    struct pool_slab *slab = pool->places[place].slab;
    return slab && *slot < slab->fresh ? slab : NULL;
}

void *pool_at(const struct pool *pool, uint32_t index)
{
    uint32_t slot;
    struct pool_slab *slab = slab_with(pool, index, &slot);

    if (!slab)
        return NULL;
    void *object = slot_at(pool, slab, slot);
    return tag_read(pool, object) == index ? object : NULL;
}

bool pool_is_past(const struct pool *pool, uint32_t *index)
{
    uint32_t place = *index / pool->per_slab;
    const struct pool_slab *slab;

    while (place < pool->fresh_place && (!(slab = pool->places[place].slab) || slab->used == 0))
        *index = ++place * pool->per_slab;
    return place >= pool->fresh_place || *index >= pool->cap;
}

void pool_put(struct pool *pool, void *object)
{
    uint32_t slot;
    struct pool_slab *slab = slab_with(pool, tag_read(pool, object), &slot);

    assert(slab && slot_at(pool, slab, slot) == object); /* else it is not out, or another pool's */
    tag_write(pool, object, FREE | slab->first);
    slab->first = slot;
    ASAN_POISON_MEMORY_REGION(object, pool->object_size - POOL_TAG);
    pool->used--;
    slab->used--;

    list_remove(&slab->node);
    if (slab->used > 0) {
        list_append(pool->open.next, &slab->node); /* in front */
        return;
    }
    list_append(pool->empty.next, &slab->node); /* in front */
    pool->empty_slabs++;
    while (pool->empty_slabs >
           u32_max(EMPTY_KEPT, (pool->slabs - pool->empty_slabs) / EMPTY_PART)) {
        slab_release(pool, slab_of(pool->empty.prev));
        pool->empty_slabs--;
    }
}

uint64_t pool_cap_octets(const struct pool *pool)
{
    uint64_t places = places_at_cap(pool);
    return places * (SLAB_HEADER + sizeof(pool->places[0])) +
           (uint64_t)pool->cap * pool->object_size;
}
