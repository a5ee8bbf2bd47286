/*
 * sim_plot.c - see sim_plot.h.
 *
 * A file is named after its side, connection and chart: client-1-sequence.svg. What the seed drew
 * is told below the title, so that a chart can be read without the command's output.
 */
#include "sim_plot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os_sink.h"

int sim_plot_open(struct sim_plot *plot, const struct sim_plot_side sides[2], const char *run,
                  struct refusal *refusal)
{
    if (!plot->dir)
        return 0;
    if (mkdir(plot->dir, 0777) && errno != EEXIST)
        return refuse(refusal, EXIT_FAILURE, "--plot %s: %s", plot->dir, strerror(errno));
    snprintf(plot->run, sizeof plot->run, "%s", run);
    for (int side = 0; side < 2; side++) {
        struct event_sink **watch = sides[side].watch;
        plot->name[side] = sides[side].name;
        plot_init(&plot->side[side], &plot->memory, watch ? *watch : NULL);
        if (watch)
            *watch = &plot->side[side].sink;
    }
    return 0;
}

/* --- what the seed drew ------------------------------------------------------------------- */

static void add_chance(FILE *out, const char *what, uint32_t parts)
{
    if (parts > 0)
        fprintf(out, ", %s %.3g%%", what, parts * 100.0 / UINT32_MAX);
}

static void add_wire(FILE *out, const char *where, const struct impair_config *wire)
{
    fprintf(out, "; to the %s: delay %.4g ms", where, (double)wire->delay_ns / 1e6);
    if (wire->jitter_ns > 0)
        fprintf(out, " +- %.4g", (double)wire->jitter_ns / 1e6);
    if (wire->rate > 0)
        fprintf(out, ", %.4g Mbit/s", (double)wire->rate / 1e6);
    if (wire->queue_frames > 0)
        fprintf(out, ", queue %" PRIu32 " packets", wire->queue_frames);
    else if (wire->queue > 0)
        fprintf(out, ", queue %" PRIu32, wire->queue);
    add_chance(out, "loss", wire->loss);
    if (wire->burst > 1)
        fprintf(out, " in runs of %" PRIu32, wire->burst);
    add_chance(out, "doubled", wire->duplicate);
    add_chance(out, "reordered", wire->reorder);
    add_chance(out, "corrupted", wire->corrupt);
}

static void describe(const struct sim_plot *plot, const struct sim_plot_path *path, char *text,
                     size_t room)
{
    FILE *out = fmemopen(text, room, "w");

    *text = '\0';
    if (!out)
        return;
    fprintf(out, "%s, MTU %" PRIu32 ", %" PRIu32 " connection%s", path->ipv6 ? "IPv6" : "IPv4",
            path->mtu, path->connections, path->connections == 1 ? "" : "s");
    add_wire(out, plot->name[1], path->there);
    add_wire(out, plot->name[0], path->back);
    fclose(out);
}

/* --- files -------------------------------------------------------------------------------- */

static int write_chart(const struct sim_plot *plot, int side, uint32_t index, enum plot_chart chart,
                       const char *settings, struct refusal *refusal)
{
    const struct plot_titles titles = {plot->name[side], plot->run, settings};
    struct os_sink sink;
    char path[PATH_MAX];

    int len = snprintf(path, sizeof path, "%s/%s-%" PRIu32 "-%s.svg", plot->dir, plot->name[side],
                       plot->side[side].conn[index].id, plot_chart_name(chart));
    if (len < 0 || (size_t)len >= sizeof path)
        return refuse(refusal, EXIT_FAILURE, "--plot %s: %s", plot->dir, strerror(ENAMETOOLONG));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return refuse(refusal, EXIT_FAILURE, "--plot: %s: %s", path, strerror(errno));
    os_sink_init(&sink, fd);
    int err = plot_write(&plot->side[side], index, chart, &titles, &sink.sink);
    if (close(fd) && !err)
        err = -errno;
    return err ? refuse(refusal, EXIT_FAILURE, "--plot: %s: %s", path, strerror(-err)) : 0;
}

static int write_side(const struct sim_plot *plot, int side, const char *settings, int *files,
                      struct refusal *refusal)
{
    for (uint32_t i = 0; i < plot->side[side].count; i++) {
        for (int chart = 0; chart < PLOT_CHARTS; chart++, ++*files) {
            int status = write_chart(plot, side, i, (enum plot_chart)chart, settings, refusal);
            if (status)
                return status;
        }
    }
    return 0;
}

int sim_plot_close(struct sim_plot *plot, const struct sim_plot_path *path, FILE *told,
                   struct refusal *refusal)
{
    char settings[SIM_PLOT_TEXT];
    int status = 0, files = 0;

    if (!plot->dir)
        return 0;
    describe(plot, path, settings, sizeof settings);
    uint32_t left_out = plot->side[0].left_out + plot->side[1].left_out;
    for (int side = 0; side < 2; side++) {
        if (!status)
            status = write_side(plot, side, settings, &files, refusal);
        plot_fini(&plot->side[side]);
    }
    if (!status && told) {
        fprintf(told, "%d charts in %s", files, plot->dir);
        if (left_out > 0)
            fprintf(told, "; ends of connections left out: %" PRIu32, left_out);
        fprintf(told, "\n");
    }
    return status;
}
