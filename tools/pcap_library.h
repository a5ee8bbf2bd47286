/*
 * pcap_library.h - libpcap, loaded when a capture is read.
 *
 * One verb needs it, and all of the others would pay for it: with what Debian's libpcap stands on
 * in turn (D-Bus, systemd, four libraries of compression and cryptography) it is a megabyte that a
 * server has resident from its first moment on. So it is no library of the program, but opened by
 * who wants it. The calls are libpcap's own, under the last part of their names.
 */
#ifndef TAPIO_TOOLS_PCAP_LIBRARY_H
#define TAPIO_TOOLS_PCAP_LIBRARY_H

#include <pcap/pcap.h>

#include "base/base.h"

/* clang-format off */
#define PCAP_CALLS(CALL)                         \
    CALL(close)                                  \
    CALL(compile)                                \
    CALL(datalink)                               \
    CALL(datalink_val_to_name)                   \
    CALL(fopen_offline_with_tstamp_precision)    \
    CALL(freecode)                               \
    CALL(geterr)                                 \
    CALL(next_ex)                                \
    CALL(offline_filter)
/* clang-format on */

#define PCAP_CALL(name) __typeof__(pcap_##name) *name;
struct pcap_library {
    PCAP_CALLS(PCAP_CALL)
};
#undef PCAP_CALL

/* The library, for as long as the process lives; NULL when it is not there or lacks a call. */
NODISCARD const struct pcap_library *pcap_library(void);

#endif
