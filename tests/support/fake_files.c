/* fake_files.c - see fake_files.h. */
#include "support/fake_files.h"

#include <errno.h>
#include <string.h>

uint8_t fake_file_octet(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

struct fake_file *fake_file(struct fake_files *files, const char *name)
{
    for (size_t i = 0; i < FAKE_FILES; i++)
        if (files->file[i].name && strcmp(files->file[i].name, name) == 0)
            return &files->file[i];
    return NULL;
}

static void check_name(const char *name)
{
    assert(name[0] && name[0] != '/');
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        assert(strncmp(at, "..", 2) != 0 || (at[2] && at[2] != '/'));
    }
}

static int fake_info(void *context, int handle, struct file_info *info)
{
    const struct fake_files *files = context;
    const struct fake_file *f = &files->file[handle];

    *info = (struct file_info){
        .kind = f->kind, .size = f->size, .mtime_ns = f->mtime_ns, .inode = (uint64_t)handle};
    return 0;
}

static int fake_open_file(void *context, const char *path, struct file_info *info)
{
    struct fake_files *files = context;
    struct fake_file *f = fake_file(files, path);

    check_name(path);
    files->opened++;
    if (!f)
        return -ENOENT;
    if (f->open_error)
        return f->open_error;
    files->open++;
    int handle = (int)(f - files->file);
    fake_info(context, handle, info);
    return handle;
}

static int64_t fake_read(void *context, int handle, uint64_t offset, void *octets, size_t len)
{
    struct fake_files *files = context;
    const struct fake_file *f = &files->file[handle];
    const uint64_t size = f->cut ? f->cut_size : f->size;
    uint8_t *out = octets;

    assert(f->kind == FILE_REGULAR && len > 0);
    files->read++;
    if (f->read_error && offset >= f->read_error_at)
        return f->read_error;
    if (offset >= size)
        return 0;
    len = (uint64_t)len < size - offset ? len : (size_t)(size - offset);
    if (f->read_error && len > f->read_error_at - offset)
        len = (size_t)(f->read_error_at - offset);
    for (size_t i = 0; !f->hollow && i < len; i++)
        out[i] = fake_file_octet(offset + i);
    files->octets += len;
    return (int64_t)len;
}

static void fake_close(void *context, int handle)
{
    struct fake_files *files = context;

    (void)handle;
    assert(files->open > 0);
    files->open--;
}

static int fake_list(void *context, const char *path,
                     bool (*entry)(void *cookie, const char *name, const struct file_info *info),
                     void *cookie)
{
    (void)context;
    (void)path;
    (void)entry;
    (void)cookie;
    return -ENOSYS;
}

struct files_ops fake_files_ops(struct fake_files *files)
{
    return (struct files_ops){
        .context = files,
        .open = fake_open_file,
        .info = fake_info,
        .read = fake_read,
        .close = fake_close,
        .list = fake_list,
    };
}
