/*
 * explain_file.c - see explain_file.h.
 *
 * The file is read once, so that a pipe will do: libpcap gets a stream whose octets pass our reader
 * of comments on their way. What the stream reads ahead is COMMENTS_READ at most.
 */
#include "explain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcap_library.h"

static const struct {
    int number;
    enum fields_link link;
} links[] = {
    {DLT_EN10MB, FIELDS_ETHERNET}, {DLT_RAW, FIELDS_IP},          {DLT_IPV4, FIELDS_IP},
    {DLT_IPV6, FIELDS_IP},         {DLT_NULL, FIELDS_NULL},       {DLT_LOOP, FIELDS_LOOP},
    {DLT_LINUX_SLL, FIELDS_SLL},   {DLT_LINUX_SLL2, FIELDS_SLL2},
};

static ssize_t pass(void *cookie, char *buffer, size_t size)
{
    struct explain_file *file = cookie;
    ssize_t got;

    do
        got = read(file->fd, buffer, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        file->read_error = errno;
    else
        comments_feed(&file->comments, (uint8_t *)buffer, (size_t)got);
    return got;
}

static int close_descriptor(void *cookie)
{
    struct explain_file *file = cookie;
    return file->fd == STDIN_FILENO ? 0 : close(file->fd);
}

static int refuse_file(const struct explain_file *file, const char *why, struct refusal *refusal)
{
    return refuse(refusal, EXIT_FAILURE, "explain %s: %s", file->path,
                  file->read_error ? strerror(file->read_error) : why);
}

static int open_stream(struct explain_file *file, FILE **stream, struct refusal *refusal)
{
    const cookie_io_functions_t functions = {.read = pass, .close = close_descriptor};

    file->fd = strcmp(file->path, "-") == 0 ? STDIN_FILENO
                                            : open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0) {
        int status = errno == EACCES ? EXIT_PERMISSION : EXIT_FAILURE;
        return refuse(refusal, status, "explain %s: %s", file->path, strerror(errno));
    }
    *stream = fopencookie(file, "r", functions);
    if (!*stream || setvbuf(*stream, NULL, _IOFBF, COMMENTS_READ))
        return refuse_file(file, strerror(ENOMEM), refusal);
    return 0;
}

static int set_link(struct explain_file *file, struct refusal *refusal)
{
    int number = file->library->datalink(file->pcap);

    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        if (links[i].number == number) {
            file->link = links[i].link;
            return 0;
        }
    }
    const char *name = file->library->datalink_val_to_name(number);
    return refuse(refusal, EXIT_FAILURE,
                  "explain %s: its packets begin with a header of %s (link type %d); what can be "
                  "read is Ethernet, RAW, NULL, LOOP and LINUX_SLL",
                  file->path, name ? name : "an unknown kind", number);
}

static int set_filter(struct explain_file *file, const char *filter, struct refusal *refusal)
{
    struct bpf_program *program = calloc(1, sizeof *program);

    if (!program)
        return refuse_file(file, strerror(ENOMEM), refusal);
    if (file->library->compile(file->pcap, program, filter, 1, PCAP_NETMASK_UNKNOWN)) {
        free(program);
        return refuse(refusal, EXIT_USAGE, "explain: the filter '%s': %s", filter,
                      file->library->geterr(file->pcap));
    }
    file->filter = program;
    return 0;
}

int explain_file_open(struct explain_file *file, const char *path, const char *filter,
                      struct refusal *refusal)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    FILE *stream = NULL;

    file->path = path;
    comments_init(&file->comments);
    file->library = pcap_library();
    if (!file->library)
        return refuse(
            refusal, EXIT_FAILURE,
            "explain: libpcap, which reads captures, cannot be loaded; install libpcap0.8");
    int status = open_stream(file, &stream, refusal);
    if (status)
        return status;
    file->pcap =
        file->library->fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!file->pcap) {
        status = refuse_file(file, why, refusal);
        fclose(stream);
        return status;
    }
    status = set_link(file, refusal);
    if (!status && filter)
        status = set_filter(file, filter, refusal);
    return status;
}

int explain_file_next(struct explain_file *file, struct explain_packet *packet,
                      struct refusal *refusal)
{
    struct pcap_pkthdr *header;
    const u_char *octets;

    int got = file->library->next_ex(file->pcap, &header, &octets);
    if (got == PCAP_ERROR_BREAK)
        return 0;
    if (got != 1) {
        refuse(refusal, EXIT_FAILURE, "explain %s: it is damaged behind packet %llu: %s",
               file->path, (unsigned long long)file->packets,
               file->read_error ? strerror(file->read_error) : file->library->geterr(file->pcap));
        return -1;
    }
    file->packets++;
    *packet = (struct explain_packet){
        .octets = bytes_of(octets, header->caplen),
        .whole = header->len,
        .when_ns = (int64_t)((uint64_t)header->ts.tv_sec * 1000000000u +
                             (uint64_t)header->ts.tv_usec), /* which are nanoseconds */
        .comment = comments_take(&file->comments, file->packets),
        .selected = !file->filter || file->library->offline_filter(file->filter, header, octets),
    };
    return 1;
}

void explain_file_close(struct explain_file *file)
{
    if (file->filter) {
        file->library->freecode(file->filter);
        free(file->filter);
    }
    if (file->pcap)
        file->library->close(file->pcap);
}
