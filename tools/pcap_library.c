/*
 * pcap_library.c - see pcap_library.h.
 */
#include "pcap_library.h"

#include <dlfcn.h>
#include <string.h>

/* By its own count, by Debian's, and by that of a development package. */
static const char *const names[] = {"libpcap.so.1", "libpcap.so.0.8", "libpcap.so"};

static void *open_first(void)
{
    void *handle = NULL;

    for (size_t i = 0; i < ARRAY_LEN(names) && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

/* A function by its name; POSIX says that dlsym()'s pointer may be one. */
static bool find(void *handle, const char *name, void *call)
{
    void *symbol = dlsym(handle, name);

    memcpy(call, &symbol, sizeof symbol);
    return symbol;
}

const struct pcap_library *pcap_library(void)
{
    static struct pcap_library library;
    void *handle = open_first();
    bool whole = handle;

#define FIND(name) whole = whole && find(handle, "pcap_" #name, &library.name);
    PCAP_CALLS(FIND)
#undef FIND
    return whole ? &library : NULL;
}
