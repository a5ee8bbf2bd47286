/*
 * pool.h - objects of one size, in slabs, up to a cap.
 *
 * A pool grows by slabs of about 64 KB until its cap and gives a slab back when it is empty (it
 * keeps four, or a quarter as many as are in use, so that a batch of objects coming and going costs
 * nothing). Objects are aligned to 16
 * and have an index, so a small number can name one; poisoned under AddressSanitizer while they are
 * free. An object costs its size and POOL_TAG octets, rounded up to 16.
 */
#ifndef TAPIO_BASE_POOL_H
#define TAPIO_BASE_POOL_H

#include "base/list.h"
#include "base/memory.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { POOL_STRIP = 16 }; /* octets of poison behind each object */
#else
enum { POOL_STRIP = 0 };
#endif
enum { POOL_TAG = 4 }; /* octets behind each object that are the pool's */

struct pool_slab;

/* Where a slab may be. */
struct pool_place {
    struct pool_slab *slab; /* NULL where there is none */
    uint32_t next_free;     /* then, and if there was one: the next place like it */
};

struct pool {
    struct memory *memory;
    const char *name;     /* for people; static storage */
    uint32_t asked_size;  /* what an object's owner may use of it */
    uint32_t object_size; /* with tag, rounded up to 16 */
    uint32_t per_slab;
    uint32_t cap;              /* objects */
    uint32_t used;             /* objects */
    uint32_t place_count;      /* of places[] */
    uint32_t fresh_place;      /* from here on there never was a slab */
    uint32_t free_place;       /* the first before it where there is none */
    struct pool_place *places; /* by index */
    struct list open;          /* slabs that something is out of, and with room */
    struct list empty;         /* slabs that nothing is out of, the last one first */
    uint32_t slabs, empty_slabs;
    uint64_t refused; /* how often the cap or memory said no */
};

/* 0 or -ENOMEM. */
NODISCARD int pool_init(struct pool *pool, struct memory *memory, const char *name,
                        size_t object_size, uint32_t cap);
/* Gives every slab back; also after a pool_init() that failed. Objects still out are gone: assert
 * pool->used == 0 first if you care. */
void pool_fini(struct pool *pool);
/* A zeroed object, or NULL at the cap or without memory. */
NODISCARD void *pool_get(struct pool *pool);
/* The same with whatever octets are in it, for large objects that are filled anyway. */
NODISCARD void *pool_get_unzeroed(struct pool *pool);
void pool_put(struct pool *pool, void *object);
/* An object's number, stable while it is out, in [0, cap). */
uint32_t pool_index(const struct pool *pool, const void *object);
/* The object with that number, or NULL when it is not out. */
void *pool_at(const struct pool *pool, uint32_t index);
/* For a walk over all numbers: moves `*index` over slabs that are not there. True behind the last
 * number that an object may have now. */
bool pool_is_past(const struct pool *pool, uint32_t *index);
/* Octets at the cap. */
uint64_t pool_cap_octets(const struct pool *pool);

#endif
