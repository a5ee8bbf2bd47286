/*
 * sim_capture.c - what one stack of a simulation did, as annotated pcapng.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_verb.h"

int sim_capture_open(struct sim_verb *sim, const char *device, bool ethernet,
                     struct event_sink **watch, struct refusal *refusal)
{
    if (!sim->capture)
        return 0;
    int fd = open(sim->capture, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(errno));
    os_sink_init(&sim->out, fd);
    struct pcapng_config pcapng = {.device = device, .os = "tapio sim", .ethernet = ethernet};
    int err = capture_open(&sim->captured, &sim->out.sink, &pcapng);
    if (err) {
        close(fd);
        return refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(-err));
    }
    *watch = &sim->captured.sink;
    return 0;
}

int sim_capture_close(struct sim_verb *sim, int64_t took_ns, struct refusal *refusal)
{
    if (!sim->capture)
        return 0;
    capture_close(&sim->captured, (instant){took_ns});
    int err = sim->captured.pcapng.errors ? sim->captured.pcapng.error : 0;
    if (close(sim->out.fd) && !err)
        err = -errno;
    return err ? refuse(refusal, EXIT_FAILURE, "--capture %s: %s", sim->capture, strerror(-err))
               : 0;
}
