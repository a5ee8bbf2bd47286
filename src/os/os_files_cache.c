/*
 * os_files_cache.c - see os_files_cache.h.
 *
 * Opening, describing, reading and closing a small file are four system calls, more than all the
 * others that a request costs. So the content is kept, whole, with what open() told of the file,
 * and no descriptor: what it lies on can still be unmounted.
 *
 * What is hard is not to be noticed. These are the ways in which memory and disk could differ:
 *
 *   The file changes. Its mark tells (os_changes.h), and it is forgotten. What was told but not
 *   heard yet is asked for before an answer is given, whenever frames have come since the loop
 *   looked (loop->late). So no request gets what was replaced before the request was sent.
 *
 *   It changes while it is read. The mark is set first, and what the file is said to be must be the
 *   same before and behind the reading, and as long as what was read; else nothing is kept.
 *
 *   Its name leads elsewhere, as a link or a folder above it was switched, or it changed in a way
 *   that nobody tells of. What is older than FRESH is opened and read anew, whatever it looks like:
 *   that costs a few system calls a second, and leaves nothing to compare and nothing to doubt.
 *
 *   Nobody can tell of changes: the user has too many marks, or there is no /proc. Then nothing is
 *   kept.
 *
 * A response that is on its way keeps what it opened. Who has a file open is counted; one that is
 * forgotten meanwhile is only found no more, and its memory, which goes on being counted, comes
 * back when the last has closed it.
 *
 * A file is remembered when it is asked for the second time: to read it whole and to mark it costs
 * more than to serve it once, and a crawler who takes everything once leaves the others theirs. One
 * that changes, or cannot be kept, is a stranger again. When room is short, the one goes that was
 * asked for before all others.
 *
 * Handles: a number from CACHED on is a file of ours; any below is the inner files' own. Folders,
 * large files and errors pass through.
 */
#include "os/os_files_cache.h"

#include <errno.h>

#include "base/bytes.h"

enum {
    CACHED = 1 << 30,    /* the first handle that is ours; a process has no descriptor as large */
    ALLOCATION = 2 * 16, /* octets that one costs beside its own: rounding, and the allocator's */
};

#define FRESH (1 * NS_PER_S)

struct cached_file {
    struct list idle;            /* in cache->idle when nobody has it open */
    struct cached_file *by_path; /* the next in its bucket */
    struct cached_file *by_mark;
    uint64_t hash; /* of its path */
    struct file_info info;
    instant stale; /* when it is opened anew */
    uint8_t *text; /* its content, then its path */
    size_t path_len;
    uint32_t users; /* who have it open */
    int mark;
    bool forgotten; /* it is in no bucket: only its users know it */
};

/* --- memory ------------------------------------------------------------------------------- */

static size_t text_len(const struct cached_file *file)
{
    return (size_t)file->info.size + file->path_len;
}

/* What a file costs beside its place in the pool. */
static uint64_t cost_of(uint64_t size, size_t path_len)
{
    return size + path_len + ALLOCATION;
}

static void release(struct os_files_cache *cache, struct cached_file *file)
{
    assert(file->users == 0);
    list_remove(&file->idle);
    cache->octets -= cost_of(file->info.size, file->path_len);
    memory_release(&cache->memory, file->text, text_len(file));
    pool_put(&cache->files, file);
}

/* --- the tables --------------------------------------------------------------------------- */

static struct cached_file **path_bucket(const struct os_files_cache *cache, uint64_t hash)
{
    return &cache->by_path[hash & (cache->bucket_count - 1)];
}

/* Marks are numbers that count up. */
static struct cached_file **mark_bucket(const struct os_files_cache *cache, int mark)
{
    return &cache->by_mark[(uint32_t)mark & (cache->bucket_count - 1)];
}

/* Several names may lead to one file, which has one mark. */
static bool is_marked(const struct os_files_cache *cache, int mark)
{
    const struct cached_file *file = *mark_bucket(cache, mark);

    while (file && file->mark != mark)
        file = file->by_mark;
    return file;
}

static void remember(struct os_files_cache *cache, struct cached_file *file)
{
    struct cached_file **bucket = path_bucket(cache, file->hash);

    file->by_path = *bucket;
    *bucket = file;
    bucket = mark_bucket(cache, file->mark);
    file->by_mark = *bucket;
    *bucket = file;
}

/* From here on it is found no more. It may be gone afterwards. */
static void forget(struct os_files_cache *cache, struct cached_file *file)
{
    struct cached_file **link = path_bucket(cache, file->hash);

    while (*link != file)
        link = &(*link)->by_path;
    *link = file->by_path;
    link = mark_bucket(cache, file->mark);
    while (*link != file)
        link = &(*link)->by_mark;
    *link = file->by_mark;
    if (!is_marked(cache, file->mark))
        cache->config.marks.unmark(cache->config.marks.context, file->mark);
    file->forgotten = true;
    if (!file->users)
        release(cache, file);
}

static struct cached_file *find(const struct os_files_cache *cache, uint64_t hash,
                                struct bytes path)
{
    struct cached_file *file = *path_bucket(cache, hash);

    while (file && !(file->hash == hash &&
                     bytes_equal(bytes_of(file->text + file->info.size, file->path_len), path)))
        file = file->by_path;
    return file;
}

/* --- strangers ---------------------------------------------------------------------------- */

/* Each path has one place, and shares it with few others: what is found there may be overwritten
 * and is hardly ever another's. */
static uint32_t *asked_place(const struct os_files_cache *cache, uint64_t hash)
{
    return &cache->asked[hash & (cache->bucket_count - 1)];
}

/* Whether a path was asked for before; from now on it was. */
static bool asked_before(struct os_files_cache *cache, uint64_t hash)
{
    uint32_t *asked = asked_place(cache, hash);
    const uint32_t rest = (uint32_t)(hash >> 32);
    const bool before = *asked == rest;

    *asked = rest;
    return before;
}

static void make_stranger(struct os_files_cache *cache, uint64_t hash)
{
    *asked_place(cache, hash) = 0;
}

/* --- changes ------------------------------------------------------------------------------ */

static void forget_marked(struct os_files_cache *cache, struct cached_file *file, int mark)
{
    struct cached_file *next;

    for (; file; file = next) {
        next = file->by_mark;
        if (mark >= 0 && file->mark != mark)
            continue;
        make_stranger(cache, file->hash);
        forget(cache, file);
    }
}

void os_files_cache_changed(struct os_files_cache *cache, int mark)
{
    if (mark >= 0)
        forget_marked(cache, *mark_bucket(cache, mark), mark);
    for (uint32_t i = 0; mark < 0 && i < cache->bucket_count; i++)
        forget_marked(cache, cache->by_mark[i], mark);
}

/* --- users -------------------------------------------------------------------------------- */

static void join(struct cached_file *file)
{
    if (file->users++ == 0)
        list_remove(&file->idle);
}

static void leave(struct os_files_cache *cache, struct cached_file *file)
{
    assert(file->users > 0);
    if (--file->users > 0)
        return;
    if (file->forgotten)
        release(cache, file);
    else
        list_append(&cache->idle, &file->idle);
}

static struct cached_file *file_at(const struct os_files_cache *cache, int handle)
{
    struct cached_file *file = pool_at(&cache->files, (uint32_t)(handle - CACHED));

    assert(file && file->users > 0);
    return file;
}

/* --- reading a file into memory ----------------------------------------------------------- */

/* Makes room for one more of that cost, at the expense of those that nobody has open. */
static bool make_room(struct os_files_cache *cache, uint64_t cost)
{
    while (cache->octets + cost > cache->config.octets || cache->files.used == cache->files.cap) {
        if (list_is_empty(&cache->idle))
            return false;
        forget(cache, CONTAINER_OF(cache->idle.next, struct cached_file, idle));
    }
    return true;
}

static bool same_info(const struct file_info *a, const struct file_info *b)
{
    return a->kind == b->kind && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->inode == b->inode;
}

/* Reads all of the handle; false when that fails, or when it is not what was told any more. */
static bool read_whole(const struct files_ops *inner, int handle, struct cached_file *file)
{
    const uint64_t size = file->info.size;
    struct file_info now;
    uint64_t at = 0;

    while (at < size) {
        int64_t n = inner->read(inner->context, handle, at, file->text + at, (size_t)(size - at));
        if (n <= 0)
            return false;
        at += (uint64_t)n;
    }
    return !inner->info(inner->context, handle, &now) && same_info(&now, &file->info);
}

/* A file that the handle is open at, in memory; NULL when there is no room, when it changes just
 * now, or when nobody would tell that it does. */
static struct cached_file *load(struct os_files_cache *cache, int handle, struct bytes path,
                                const struct file_info *info)
{
    const struct os_marks *marks = &cache->config.marks;
    const uint64_t cost = cost_of(info->size, path.len);

    if (!make_room(cache, cost))
        return NULL;
    struct cached_file *file = pool_get(&cache->files);
    if (!file)
        return NULL;
    list_init(&file->idle);
    file->info = *info;
    file->path_len = path.len;
    file->text = memory_alloc(&cache->memory, text_len(file));
    if (!file->text)
        goto put;
    memcpy(file->text + info->size, path.at, path.len);
    file->mark = marks->mark(marks->context, handle);
    if (file->mark < 0)
        goto release;
    if (!read_whole(&cache->config.inner, handle, file))
        goto unmark;
    cache->octets += cost;
    file->info.serial = ++cache->serial;
    return file;
unmark:
    if (!is_marked(cache, file->mark))
        marks->unmark(marks->context, file->mark);
release:
    memory_release(&cache->memory, file->text, text_len(file));
put:
    pool_put(&cache->files, file);
    return NULL;
}

/* Opens a file, and remembers it if it is one that should be. */
static int open_anew(struct os_files_cache *cache, const char *name, struct bytes path,
                     uint64_t hash, bool wanted, struct file_info *info)
{
    const struct files_ops *inner = &cache->config.inner;

    int handle = inner->open(inner->context, name, info);
    if (handle >= CACHED) {
        inner->close(inner->context, handle);
        return -EMFILE;
    }
    if (handle < 0 || info->kind != FILE_REGULAR || info->size > cache->config.file_max || !wanted)
        return handle;
    struct cached_file *file = load(cache, handle, path, info);
    if (!file) {
        make_stranger(cache, hash); /* so that it is not tried each time */
        return handle;
    }
    inner->close(inner->context, handle);
    file->hash = hash;
    file->stale = instant_add(cache->config.loop->now, FRESH);
    remember(cache, file);
    join(file);
    *info = file->info;
    return CACHED + (int)pool_index(&cache->files, file);
}

/* --- the calls ---------------------------------------------------------------------------- */

/* Hears what was told since the loop looked, if anybody who asks can know of it. */
static void catch_up(struct os_files_cache *cache)
{
    const struct os_loop *loop = cache->config.loop;
    const struct os_marks *marks = &cache->config.marks;

    if (!loop->late || cache->looked == loop->turns)
        return;
    cache->looked = loop->turns;
    marks->look(marks->context);
}

static int cache_open(void *context, const char *name, struct file_info *info)
{
    struct os_files_cache *cache = context;
    const struct bytes path = bytes_of(name, strlen(name));
    const uint64_t hash = siphash(cache->key, path);

    catch_up(cache);
    struct cached_file *file = find(cache, hash, path);
    if (file && instant_before(cache->config.loop->now, file->stale)) {
        join(file);
        cache->hits++;
        *info = file->info;
        return CACHED + (int)pool_index(&cache->files, file);
    }
    if (file)
        join(file); /* so that its mark stays, for it is wanted at once */
    int handle = open_anew(cache, name, path, hash, asked_before(cache, hash) || file, info);
    if (file) {
        forget(cache, file);
        leave(cache, file);
    }
    return handle;
}

static int cache_info(void *context, int handle, struct file_info *info)
{
    const struct os_files_cache *cache = context;

    if (handle < CACHED)
        return cache->config.inner.info(cache->config.inner.context, handle, info);
    *info = file_at(cache, handle)->info;
    return 0;
}

static int64_t cache_read(void *context, int handle, uint64_t offset, void *octets, size_t len)
{
    const struct os_files_cache *cache = context;

    if (handle < CACHED)
        return cache->config.inner.read(cache->config.inner.context, handle, offset, octets, len);
    const struct cached_file *file = file_at(cache, handle);
    if (offset >= file->info.size)
        return 0;
    len = size_min(len, (size_t)(file->info.size - offset));
    memcpy(octets, file->text + offset, len);
    return (int64_t)len;
}

static void cache_close(void *context, int handle)
{
    struct os_files_cache *cache = context;

    if (handle < CACHED)
        cache->config.inner.close(cache->config.inner.context, handle);
    else
        leave(cache, file_at(cache, handle));
}

static int cache_list(void *context, int dir, const char *path,
                      void (*entry)(void *cookie, const char *name, const struct file_info *info),
                      void *cookie)
{
    const struct os_files_cache *cache = context;

    if (dir >= CACHED)
        return -ENOTDIR;
    return cache->config.inner.list(cache->config.inner.context, dir, path, entry, cookie);
}

struct files_ops os_files_cache_ops(struct os_files_cache *cache)
{
    return (struct files_ops){
        .context = cache,
        .open = cache_open,
        .info = cache_info,
        .read = cache_read,
        .close = cache_close,
        .list = cache_list,
    };
}

/* --- its life ----------------------------------------------------------------------------- */

void os_files_cache_config_init(struct os_files_cache_config *config)
{
    *config = (struct os_files_cache_config){
        .files = 2048,
        .file_max = 64 << 10,
        .octets = 32 << 20,
    };
}

static size_t table_len(const struct os_files_cache *cache)
{
    return cache->bucket_count * sizeof(struct cached_file *);
}

static void release_tables(struct os_files_cache *cache)
{
    memory_release(&cache->memory, cache->by_path, table_len(cache));
    memory_release(&cache->memory, cache->by_mark, table_len(cache));
    memory_release(&cache->memory, cache->asked, cache->bucket_count * sizeof *cache->asked);
}

int os_files_cache_init(struct os_files_cache *cache, const struct os_files_cache_config *config)
{
    const struct env *env = config->env;

    assert(config->files > 0 && config->files <= CACHED);
    *cache = (struct os_files_cache){
        .config = *config,
        .memory = {.env = env},
        .bucket_count = 16,
    };
    list_init(&cache->idle);
    while (cache->bucket_count < config->files)
        cache->bucket_count *= 2;
    int err = env->random(env->context, &cache->key, sizeof cache->key);
    if (err)
        return err;
    err = pool_init(&cache->files, &cache->memory, "files.cached", sizeof(struct cached_file),
                    config->files);
    if (err)
        return err;
    cache->by_path = memory_alloc(&cache->memory, table_len(cache));
    cache->by_mark = memory_alloc(&cache->memory, table_len(cache));
    cache->asked = memory_alloc(&cache->memory, cache->bucket_count * sizeof *cache->asked);
    if (cache->by_path && cache->by_mark && cache->asked)
        return 0;
    release_tables(cache);
    pool_fini(&cache->files);
    return -ENOMEM;
}

void os_files_cache_fini(struct os_files_cache *cache)
{
    os_files_cache_changed(cache, -1);
    assert(cache->files.used == 0);
    release_tables(cache);
    pool_fini(&cache->files);
}

uint64_t os_files_cache_memory_cap(const struct os_files_cache *cache)
{
    return pool_cap_octets(&cache->files) + 2 * table_len(cache) +
           cache->bucket_count * sizeof *cache->asked + cache->config.octets;
}
