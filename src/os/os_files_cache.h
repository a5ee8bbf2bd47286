/*
 * os_files_cache.h - small files that are asked for again and again, from memory.
 *
 * It wraps one struct files_ops and is another: who uses it cannot tell the two apart, but for the
 * time that it takes. A file that is remembered costs no system call. What changes is forgotten at
 * once; what nobody can tell of, after a second.
 */
#ifndef TAPIO_OS_FILES_CACHE_H
#define TAPIO_OS_FILES_CACHE_H

#include "base/files.h"
#include "base/hash.h"
#include "base/pool.h"
#include "os/os_changes.h"

struct os_files_cache_config {
    struct files_ops inner;
    struct os_marks marks;      /* on handles of `inner`; what they tell goes to ..._changed() */
    const struct os_loop *loop; /* in whose turns files are opened */
    const struct env *env;
    uint32_t files;    /* remembered at most */
    uint32_t file_max; /* octets of one; a larger one is none of ours */
    uint64_t octets;   /* of all */
};

struct cached_file;

struct os_files_cache {
    struct os_files_cache_config config;
    struct memory memory;
    struct hash_key key;
    struct pool files;
    struct cached_file **by_path; /* buckets */
    struct cached_file **by_mark;
    uint32_t *asked;       /* the rest of the hash of a path that was asked for */
    uint32_t bucket_count; /* of each of the three; a power of two */
    struct list idle;      /* those that nobody has open, the longest first */
    uint64_t octets;       /* that are taken */
    uint64_t looked;       /* the turn in which we looked for changes ourselves */
    uint64_t serial;       /* of the file that was remembered last */
    uint64_t hits;         /* openings that cost nothing */
};

/* Sensible caps: 2048 files of at most 64 KiB, 32 MiB in all. The rest is the caller's. */
void os_files_cache_config_init(struct os_files_cache_config *config);

/* The config is copied; what it points at must outlive the cache. 0, -ENOMEM, or what env->random
 * says. */
NODISCARD int os_files_cache_init(struct os_files_cache *cache,
                                  const struct os_files_cache_config *config);
/* All handles have been closed. */
void os_files_cache_fini(struct os_files_cache *cache);

/* The calls; `cache` must outlive them. */
struct files_ops os_files_cache_ops(struct os_files_cache *cache);

/* The file with that mark has changed, or any file when the mark is negative. */
void os_files_cache_changed(struct os_files_cache *cache, int mark);

/* Octets at the cap. */
uint64_t os_files_cache_memory_cap(const struct os_files_cache *cache);

#endif
